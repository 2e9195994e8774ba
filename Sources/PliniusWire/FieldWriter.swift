import _PliniusSupport

/// Turns the fields of a message into a payload.
struct FieldWriter: FieldVisitor {
    private var writer = ByteWriter()

    /// The payload of one message.
    static func payload(of message: some WireField) -> [UInt8] {
        var message = message
        var visit = FieldWriter()
        visit(&message)
        return visit.writer.bytes
    }

    mutating func integer<I: FixedWidthInteger>(_ value: inout I) {
        writer.write(value)
    }

    mutating func choice<Choice: RawRepresentable<UInt8>>(_ value: inout Choice) {
        writer.write(value.rawValue)
    }

    /// Writes a text, cut at a character if it is too long: most of a complaint is better than none.
    mutating func text(_ value: inout String, atMost limit: Int) {
        var bytes = Array(value.utf8)
        if bytes.count > limit {
            var end = limit
            while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            bytes.removeLast(bytes.count - end)
        }
        writer.write(UInt32(bytes.count))
        writer.write(bytes: bytes)
    }

    mutating func bytes(_ value: inout [UInt8], atMost limit: Int) {
        precondition(value.count <= limit, "a field of \(value.count) bytes is over the limit of \(limit)")
        writer.write(UInt32(value.count))
        writer.write(bytes: value)
    }

    mutating func count(_ value: inout UInt32, atMost limit: Int) {
        precondition(value <= limit, "a list of \(value) elements is over the limit of \(limit)")
        writer.write(value)
    }
}
