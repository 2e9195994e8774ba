import _PliniusSupport

/// Reads the fields of a message from bytes that nobody vouches for.
struct FieldReader: FieldVisitor {
    private var reader: ByteReader

    /// Reads one message, which must take the whole payload.
    static func read<Message: WireField>(_: Message.Type = Message.self, from payload: [UInt8]) throws(WireError)
        -> Message
    {
        var visit = FieldReader(reader: ByteReader(payload))
        var message = Message()
        try visit(&message)
        guard visit.reader.remaining == 0 else {
            throw WireError(.malformed, "\(visit.reader.remaining) bytes follow the last field of a message")
        }
        return message
    }

    mutating func integer<I: FixedWidthInteger>(_ value: inout I) throws(WireError) {
        do { value = try reader.read() } catch { throw Self.tooShort(error) }
    }

    mutating func choice<Choice: RawRepresentable<UInt8>>(_ value: inout Choice) throws(WireError) {
        var byte: UInt8 = 0
        try integer(&byte)
        guard let choice = Choice(rawValue: byte) else {
            throw WireError(.malformed, "\(byte) is no value of \(Choice.self)")
        }
        value = choice
    }

    mutating func text(_ value: inout String, atMost limit: Int) throws(WireError) {
        var utf8: [UInt8] = []
        try bytes(&utf8, atMost: limit)
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw WireError(.malformed, "a text of \(utf8.count) bytes is not UTF-8")
        }
        value = text
    }

    mutating func bytes(_ value: inout [UInt8], atMost limit: Int) throws(WireError) {
        var length: UInt32 = 0
        try count(&length, atMost: limit)
        do { value = try reader.readBytes(Int(length)) } catch { throw Self.tooShort(error) }
    }

    mutating func count(_ value: inout UInt32, atMost limit: Int) throws(WireError) {
        try integer(&value)
        guard value <= limit else {
            throw WireError(.oversized, "a field says that its length is \(value), at most \(limit) is allowed")
        }
    }

    private static func tooShort(_ error: TruncatedInput) -> WireError {
        WireError(.malformed, "a message is too short: \(error)")
    }
}
