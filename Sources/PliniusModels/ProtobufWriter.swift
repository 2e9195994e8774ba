/// Writes the fields of a message in the encoding of protocol buffers: each with its number, in the order of the calls.
///
/// Source: https://protobuf.dev/programming-guides/encoding. Repeated numbers are written one by one, as version 2 of the language does.
struct ProtobufWriter {
    /// What has been written so far.
    private(set) var bytes: [UInt8] = []

    /// Writes a whole number.
    mutating func write(_ field: Int, _ number: Int) {
        writeTag(field, 0)
        writeVariable(UInt64(bitPattern: Int64(number)))
    }

    /// Writes a 32-bit float.
    mutating func write(_ field: Int, _ number: Float) {
        writeTag(field, 5)
        for shift in stride(from: 0, to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number.bitPattern >> UInt32(shift)))
        }
    }

    /// Writes bytes.
    mutating func write(_ field: Int, bytes more: [UInt8]) {
        writeTag(field, 2)
        writeVariable(UInt64(more.count))
        bytes.append(contentsOf: more)
    }

    /// Writes a text.
    mutating func write(_ field: Int, _ text: String) { write(field, bytes: Array(text.utf8)) }

    /// Writes a message inside this one.
    mutating func write(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        var message = ProtobufWriter()
        body(&message)
        write(field, bytes: message.bytes)
    }

    private mutating func writeTag(_ field: Int, _ wireType: UInt64) { writeVariable(UInt64(field) << 3 | wireType) }

    private mutating func writeVariable(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
