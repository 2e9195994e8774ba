/// The 16 bytes that authenticate a sealed message.
public struct Tag: Hashable, Sendable {
    var storage: SIMD16<UInt8>

    /// Takes over the 16 bytes of a tag.
    /// - Returns: `nil` if there are not 16.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Cipher.tagByteCount else { return nil }
        storage = SIMD16(bytes)
    }

    init(storage: SIMD16<UInt8>) {
        self.storage = storage
    }

    /// Loads a tag from where it lies, without an array between.
    @unsafe public init(loading bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Cipher.tagByteCount, "a tag has 16 bytes, not \(bytes.count)")
        unsafe storage = bytes.loadUnaligned(as: SIMD16<UInt8>.self)
    }

    /// The bytes as they are stored.
    public var bytes: [UInt8] {
        (0..<Cipher.tagByteCount).map { storage[$0] }
    }

    /// Writes the bytes to where they are to lie.
    @unsafe public func store(into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count == Cipher.tagByteCount, "a tag has 16 bytes, not \(bytes.count)")
        unsafe bytes.storeBytes(of: storage, as: SIMD16<UInt8>.self)
    }
}
