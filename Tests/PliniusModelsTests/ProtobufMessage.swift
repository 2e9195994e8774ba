/// What is in a message of protocol buffers, read by the rules of the encoding and nothing else.
struct ProtobufMessage {
    enum Field: Equatable {
        case number(UInt64)
        case fixed(UInt32)
        case bytes([UInt8])
    }

    private(set) var fields: [(number: Int, value: Field)] = []

    /// Reads a whole message; `nil` if it is none.
    init?(_ bytes: [UInt8]) {
        var place = 0
        func variable() -> UInt64? {
            var (value, shift): (UInt64, UInt64) = (0, 0)
            while place < bytes.count, shift < 64 {
                let byte = bytes[place]
                place += 1
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            return nil
        }
        while place < bytes.count {
            guard let tag = variable() else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = variable() else { return nil }
                fields.append((Int(tag >> 3), .number(value)))
            case 2:
                guard let count = variable(), count <= UInt64(bytes.count - place) else { return nil }
                fields.append((Int(tag >> 3), .bytes(Array(bytes[place..<place + Int(count)]))))
                place += Int(count)
            case 5:
                guard place + 4 <= bytes.count else { return nil }
                let value = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) }
                fields.append((Int(tag >> 3), .fixed(value)))
                place += 4
            default: return nil
            }
        }
    }

    func numbers(_ number: Int) -> [Int] {
        fields.compactMap { field in
            if field.number == number, case .number(let value) = field.value { return Int(Int64(bitPattern: value)) }
            return nil
        }
    }

    func bytes(_ number: Int) -> [[UInt8]] {
        fields.compactMap { field in
            if field.number == number, case .bytes(let value) = field.value { return value }
            return nil
        }
    }

    func texts(_ number: Int) -> [String] { bytes(number).map { String(decoding: $0, as: UTF8.self) } }

    func messages(_ number: Int) -> [ProtobufMessage] { bytes(number).compactMap(ProtobufMessage.init) }

    func float(_ number: Int) -> Float? {
        for field in fields where field.number == number {
            if case .fixed(let bits) = field.value { return Float(bitPattern: bits) }
        }
        return nil
    }
}
