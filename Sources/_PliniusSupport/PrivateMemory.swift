import Glibc

/// Page-aligned memory of this process alone, zero at first and wiped at the end.
///
/// Weights, plaintext records and keys live here: never in a mapping of a file. It is kept out of core dumps.
@safe
public final class PrivateMemory {
    @usableFromInline let base: UnsafeMutableRawBufferPointer
    /// The number of usable bytes.
    @inlinable public var byteCount: Int { unsafe base.count }

    /// Allocates `byteCount` zero bytes.
    public init(byteCount: Int) {
        precondition(byteCount >= 0, "a byte count is not negative")
        let rounded = max(1, (byteCount + 4095) / 4096) * 4096
        let address = unsafe mmap(nil, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            fatalError("no memory for \(rounded) bytes")
        }
        _ = unsafe madvise(address, rounded, MADV_DONTDUMP)
        // Fewer addresses have to be translated anew, in kernels that stride and in ciphers that stream. A kernel that has none goes on.
        if rounded >= 2 << 20 { _ = unsafe madvise(address, rounded, MADV_HUGEPAGE) }
        unsafe base = UnsafeMutableRawBufferPointer(start: address, count: byteCount)
    }

    deinit {
        unsafe wipe(base)
        _ = unsafe munmap(base.baseAddress, max(1, (base.count + 4095) / 4096) * 4096)
    }

    /// Lends the bytes; the pointer is good until this object dies.
    @unsafe @inlinable public var bytes: UnsafeMutableRawBufferPointer { unsafe base }

    /// Lends the bytes as 32-bit floats; the pointer is good until this object dies.
    @unsafe public var floats: UnsafeMutableBufferPointer<Float> {
        unsafe base.bindMemory(to: Float.self)
    }
}

// Only `deinit` and the borrower of the pointer touch the memory; borrowers order their own accesses.
extension PrivateMemory: @unchecked Sendable {}

/// Overwrites memory with zeros in a way that the optimiser keeps.
@unsafe public func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    unsafe explicit_bzero(start, bytes.count)
}

/// Overwrites an array of secret bytes with zeros.
public func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) }
}
