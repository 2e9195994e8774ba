import _PliniusSupport

/// One message as it crosses the process boundary: `u32 LE length ‖ u8 type ‖ payload`, the length counting type and payload.
public struct Frame: Hashable, Sendable {
    /// The longest type and payload that host and enclave accept of each other: 1 MiB.
    public static let maximumByteCount = 1 << 20
    /// The bytes of the length.
    static let headerByteCount = 4

    /// Says which message the payload is.
    public let type: UInt8
    public let payload: [UInt8]

    /// Makes a frame; how long it may be is a matter of the stream that it crosses.
    public init(type: UInt8, payload: [UInt8]) {
        self.type = type
        self.payload = payload
    }

    /// The frame as it is sent.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(UInt32(payload.count + 1))
        writer.write(type)
        writer.write(bytes: payload)
        return writer.bytes
    }
}

/// The messages of one direction.
public protocol WireMessage: Sendable {
    /// Decodes a frame, to its last byte.
    /// - Throws: `WireError` with `unknownType`, `malformed` or `oversized`.
    init(_ frame: Frame) throws(WireError)

    /// The message as it is sent.
    var frame: Frame { get }
}

/// Any message, not decoded.
extension Frame: WireMessage {
    public init(_ frame: Frame) { self = frame }

    public var frame: Frame { self }
}

extension Frame {
    /// Makes the frame of a message whose kind is one of `Kind`.
    init(_ kind: some RawRepresentable<UInt8>, _ message: some WireField) {
        self.init(type: kind.rawValue, payload: FieldWriter.payload(of: message))
    }
}

/// The payload of a message that is its type alone.
struct Nothing: WireField {
    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {}

    /// Gives the message that an empty payload means.
    func then<Message>(_ message: Message) -> Message { message }
}

/// The payload of a message that is one text for people.
struct Sentence: WireField {
    var text = ""

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.text(&text, atMost: WireLimit.message)
    }
}
