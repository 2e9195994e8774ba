internal import _PliniusSupport

/// Bytes that nobody may see: kept out of core dumps, never printed, wiped at the end.
@safe
public final class SecretBytes: Sendable {
    private let memory: PrivateMemory

    /// How many there are.
    public var count: Int { memory.byteCount }

    /// Takes over `bytes` and wipes them.
    ///
    /// Only the caller's last copy of an array can be wiped: consume it, and keep no other.
    public convenience init(_ bytes: consuming [UInt8]) {
        var source = bytes
        unsafe self.init(count: source.count) { destination in
            unsafe destination.copyBytes(from: source)
        }
        wipe(&source)
    }

    /// Makes `count` bytes and has them filled where they stay, so that no copy needs wiping.
    @unsafe public init<E: Error>(count: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void)
        throws(E)
    {
        memory = PrivateMemory(byteCount: count)
        unsafe try fill(memory.bytes)
    }

    /// Draws `count` random bytes from the system.
    public static func random(_ count: Int) -> SecretBytes {
        unsafe SecretBytes(count: count) { unsafe fillWithRandomBytes($0) }
    }

    /// Lends the bytes; the pointer is good inside `body` only.
    @unsafe public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        unsafe try body(UnsafeRawBufferPointer(memory.bytes))
    }
}
