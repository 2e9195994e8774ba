package import PliniusWire

/// An attestation of a virtual machine of Google's cloud, as go-tpm-tools keeps it: a protocol buffer with the key, a quote for each bank,
/// and the boot's log (`attest.Attestation`).
package enum GCEAttestation {
    private static let format = "stored.gce.format"

    /// Reads the quotes, each as evidence of its own with the same key and log, in the order of the file.
    ///
    /// - Throws: `stored.gce.format`.
    package static func read(_ bytes: [UInt8]) throws(EvidenceError) -> [Evidence] {
        var key: [UInt8]?
        var log: [UInt8]?
        var quotes: [[UInt8]] = []
        var cursor = ByteCursor(bytes, format: format)
        while let field = try ProtobufField(&cursor, format) {
            switch (field.number, field.value) {
            case (1, .bytes(let value)): key = value
            case (2, .bytes(let value)): quotes.append(value)
            case (3, .bytes(let value)): log = value
            // The log of containers, and certificates of other keys.
            default: break
            }
        }
        guard let key, (1...8).contains(quotes.count) else {
            throw EvidenceError(
                format, expected: "a key and 1 to 8 quotes",
                found: "\(key == nil ? "no" : "a") key, \(quotes.count) quotes")
        }
        var evidence: [Evidence] = []
        for quote in quotes {
            var parts = try parts(quote)
            parts["ak"] = key
            parts["uefi-log"] = log
            evidence.append(Evidence(.tpm, parts))
        }
        return evidence
    }

    /// A `tpm.Quote`: the statement, its signature, and the registers of one bank.
    private static func parts(_ bytes: [UInt8]) throws(EvidenceError) -> [String: [UInt8]] {
        var parts: [String: [UInt8]] = [:]
        var cursor = ByteCursor(bytes, format: format)
        while let field = try ProtobufField(&cursor, format) {
            switch (field.number, field.value) {
            case (1, .bytes(let value)): parts["attest"] = value
            case (2, .bytes(let value)): parts["signature"] = value
            case (3, .bytes(let value)): parts["pcrs"] = try registers(value).encoded
            default: break
            }
        }
        return parts
    }

    /// A `tpm.PCRs`: the bank, and a map from index to value in any order.
    private static func registers(_ bytes: [UInt8]) throws(EvidenceError) -> PCRValues {
        var bank: UInt64 = 0
        var values: [UInt8: [UInt8]] = [:]
        var cursor = ByteCursor(bytes, format: format)
        while let field = try ProtobufField(&cursor, format) {
            switch (field.number, field.value) {
            case (1, .integer(let value)): bank = value
            case (2, .bytes(let entry)):
                var index: UInt64 = 0
                var value: [UInt8] = []
                var inner = ByteCursor(entry, format: format)
                while let field = try ProtobufField(&inner, format) {
                    switch (field.number, field.value) {
                    case (1, .integer(let number)): index = number
                    case (2, .bytes(let bytes)): value = bytes
                    default: break
                    }
                }
                guard index < 32, value.count <= PCRValues.maximumByteCount,
                    values.updateValue(value, forKey: UInt8(index)) == nil
                else {
                    throw EvidenceError(
                        format, expected: "each register once, of at most \(PCRValues.maximumByteCount) bytes",
                        found: "register \(index) with \(value.count) bytes")
                }
            default: break
            }
        }
        guard let bank = UInt16(exactly: bank) else {
            throw EvidenceError(format, expected: "a bank's number in 16 bits", found: "\(bank)")
        }
        return PCRValues(
            values.reduce(into: [:]) { $0[PCRValues.Register(bank: bank, index: $1.key)] = $1.value })
    }
}

/// One field of a protocol buffer.
struct ProtobufField {
    enum Value {
        case integer(UInt64)
        case bytes([UInt8])
        /// Four or eight bytes of a number.
        case fixed
    }

    let number: UInt64
    let value: Value

    /// Reads the next field, `nil` at the end.
    init?(_ cursor: inout ByteCursor, _ format: String) throws(EvidenceError) {
        guard cursor.remaining > 0 else { return nil }
        let key = try Self.integer(&cursor, format)
        number = key >> 3
        switch key & 7 {
        case 0: value = .integer(try Self.integer(&cursor, format))
        case 1:
            _ = try cursor.bytes(8)
            value = .fixed
        case 2: value = .bytes(try cursor.bytes(Int(clamping: try Self.integer(&cursor, format))))
        case 5:
            _ = try cursor.bytes(4)
            value = .fixed
        default:
            throw EvidenceError(format, expected: "a field of wire type 0, 1, 2 or 5", found: "type \(key & 7)")
        }
    }

    private static func integer(_ cursor: inout ByteCursor, _ format: String) throws(EvidenceError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let byte = try cursor.big(UInt8.self)
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw EvidenceError(format, expected: "a number of at most 64 bits", found: "more")
    }
}
