import _PliniusSupport

/// Finds the frames in a byte stream that arrives in pieces of any length.
public struct FrameAssembler: Sendable {
    /// The longest type and payload that is accepted, in bytes.
    private let limit: Int
    private var pending: [UInt8] = []

    /// Starts at the beginning of a stream.
    public init(limit: Int) { self.limit = limit }

    /// Whether the stream may end here: no frame has begun.
    public var isBetweenFrames: Bool { pending.isEmpty }

    /// Takes the next bytes of the stream.
    ///
    /// Whoever feeds it takes frames out in between, so that it holds one incomplete frame and one piece at most.
    public mutating func append(_ bytes: [UInt8]) { pending += bytes }

    /// Takes the next frame out.
    /// - Returns: `nil` if it is not complete yet.
    /// - Throws: `WireError.Code.oversized` as soon as a length says so; the stream is of no use any more then.
    public mutating func next() throws(WireError) -> Frame? {
        var reader = ByteReader(Array(pending.prefix(Frame.headerByteCount)))
        guard let length = (try? reader.read(UInt32.self)).map({ Int($0) }) else { return nil }
        guard length >= 1, length <= limit else {
            throw WireError(.oversized, "a frame says that it has \(length) bytes, between 1 and \(limit) are allowed")
        }
        let end = Frame.headerByteCount + length
        guard pending.count >= end else { return nil }
        defer { pending.removeFirst(end) }
        return Frame(
            type: pending[Frame.headerByteCount], payload: Array(pending[(Frame.headerByteCount + 1)..<end]))
    }
}
