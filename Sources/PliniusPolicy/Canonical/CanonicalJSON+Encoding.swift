import Crypto

extension CanonicalJSON {
    /// The one encoding, as UTF-8.
    ///
    /// O(length), and O(n log n) in the members of each object.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    /// SHA-256 of the encoding, 32 bytes.
    public var digest: [UInt8] { Array(SHA256.hash(data: encoded)) }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            let sorted = members.sorted { Self.precedes($0.key, $1.key) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.append(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        case .array(let entries):
            bytes.append(UInt8(ascii: "["))
            for (index, entry) in entries.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                entry.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .string(let text): Self.append(text, to: &bytes)
        case .integer(let number): bytes += String(number).utf8
        case .bool(let truth): bytes += (truth ? "true" : "false").utf8
        case .null: bytes += "null".utf8
        }
    }

    /// The order of names: by UTF-16 code units, which is not the order of their bytes.
    static func precedes(_ first: String, _ second: String) -> Bool {
        first.utf16.lexicographicallyPrecedes(second.utf16)
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                bytes.append(UInt8(ascii: "\\"))
                if let short = shortEscapes.first(where: { $0.byte == byte }) {
                    bytes.append(short.letter)
                } else {
                    bytes += "u00".utf8
                    bytes += hexadecimalDigits(byte)
                }
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// What JSON writes with one letter behind the backslash.
    static let shortEscapes: [(byte: UInt8, letter: UInt8)] = [
        (0x08, UInt8(ascii: "b")), (0x09, UInt8(ascii: "t")), (0x0A, UInt8(ascii: "n")), (0x0C, UInt8(ascii: "f")),
        (0x0D, UInt8(ascii: "r")),
    ]

    static func hexadecimalDigits(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}
