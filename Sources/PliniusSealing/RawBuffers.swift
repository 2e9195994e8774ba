// C wants an address even for no bytes; an empty Swift buffer may have none. This one is never read or written.
nonisolated(unsafe) private let nowhere = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)

extension UnsafeRawBufferPointer {
    /// The first byte's address, never null.
    var address: UnsafeRawPointer { unsafe baseAddress ?? UnsafeRawPointer(nowhere) }
    /// The bytes as C knows them.
    var octets: UnsafePointer<UInt8> { unsafe address.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
    /// The first byte's address, never null.
    var address: UnsafeMutableRawPointer { unsafe baseAddress ?? nowhere }
    /// The bytes as C knows them.
    var octets: UnsafeMutablePointer<UInt8> { unsafe address.assumingMemoryBound(to: UInt8.self) }
}
