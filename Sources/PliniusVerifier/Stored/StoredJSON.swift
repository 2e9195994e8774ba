import FoundationEssentials
import PliniusWire

/// What the readers of stored evidence in JSON share.
enum StoredJSON {
    /// No such file is longer.
    static let byteLimit = 16 << 20

    /// - Throws: The format's error.
    static func decode<Value: Decodable>(
        _ bytes: [UInt8], _ format: String
    ) throws(EvidenceError) -> Value {
        guard bytes.count <= byteLimit else {
            throw EvidenceError(format, expected: "at most \(byteLimit) bytes", found: "\(bytes.count) bytes")
        }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw EvidenceError(format, expected: "JSON with the fields of this kind", found: "\(error)")
        }
    }

    static func bytes(hexadecimal text: String, _ format: String) throws(EvidenceError) -> [UInt8] {
        let digits = text.utf8.map { UInt8(ascii: "0") <= $0 && $0 <= UInt8(ascii: "9") ? $0 - 48 : ($0 | 0x20) &- 87 }
        let areDigits = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (97...102).contains(byte | 0x20)
        }
        guard areDigits, digits.count.isMultiple(of: 2) else {
            throw EvidenceError(format, expected: "pairs of hexadecimal digits", found: String(text.prefix(80)))
        }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// Base64 in the alphabet of URLs, or of everything else, with or without padding.
    static func bytes(base64 text: String, _ format: String) throws(EvidenceError) -> [UInt8] {
        var text = text.replacing("-", with: "+").replacing("_", with: "/")
        while text.hasSuffix("=") { text.removeLast() }
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: text) else {
            throw EvidenceError(format, expected: "base64", found: String(text.prefix(80)))
        }
        return Array(data)
    }

    /// The registers of SHA-256 from 0 on.
    static func sha256Registers(_ values: [[UInt8]], _ format: String) throws(EvidenceError) -> PCRValues {
        guard values.count <= 32, values.allSatisfy({ $0.count == HashAlgorithm.sha256.byteCount }) else {
            throw EvidenceError(format, expected: "at most 32 registers of 32 bytes", found: "\(values.count)")
        }
        return PCRValues(
            values.enumerated().reduce(into: [:]) { registers, value in
                let register = PCRValues.Register(bank: HashAlgorithm.sha256.rawValue, index: UInt8(value.offset))
                registers[register] = value.element
            })
    }
}
