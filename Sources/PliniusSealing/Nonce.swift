/// The 96-bit number that a key seals one message with, and never another.
///
/// Uniqueness is by construction: a stream and a counter that live no longer than the key does.
public struct Nonce: Hashable, Sendable {
    /// Which of the key's users counts.
    public let stream: UInt32
    /// The message's number in the stream.
    public let counter: UInt64

    /// Names message `counter` of a stream.
    public init(stream: UInt32, counter: UInt64) {
        self.stream = stream
        self.counter = counter
    }

    /// Lends the nonce as AES-GCM takes it: stream, then counter, both little-endian.
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let words = SIMD4(
            stream.littleEndian, UInt32(truncatingIfNeeded: counter).littleEndian,
            UInt32(truncatingIfNeeded: counter >> 32).littleEndian, 0)
        return try unsafe withUnsafeBytes(of: words) { bytes throws(E) in
            try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[..<12]))
        }
    }
}
