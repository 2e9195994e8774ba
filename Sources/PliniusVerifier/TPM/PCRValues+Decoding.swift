public import PliniusWire

extension PCRValues {
    /// Decodes a part of evidence, to its last byte.
    /// - Throws: `EvidenceError` with the check `tpm.pcrs.format`; there is no second encoding of the same values.
    public init(decoding bytes: [UInt8]) throws(EvidenceError) {
        let format = "tpm.pcrs.format"
        self.init()
        var cursor = ByteCursor(bytes, format: format)
        var last: Register?
        while cursor.remaining > 0 {
            let register = Register(bank: try cursor.little(), index: try cursor.little())
            let count = Int(try cursor.little(UInt8.self))
            guard count <= Self.maximumByteCount else {
                throw EvidenceError(
                    format, expected: "PCR \(register.index) with at most \(Self.maximumByteCount) bytes",
                    found: "\(count)")
            }
            guard last.map({ $0 < register }) ?? true else {
                throw EvidenceError(
                    format, expected: "values in ascending order, each once",
                    found: "PCR \(register.index) after PCR \(last?.index ?? 0)")
            }
            values[register] = try cursor.bytes(count)
            last = register
        }
    }
}
