package import PliniusWire

/// A quote in the files that tpm2-tools write, and Keylime keeps: key, statement, signature, registers.
package enum TPMToolsQuote {
    private static let format = "stored.tpm-tools.format"

    /// Puts the files together.
    ///
    /// - Parameters:
    ///   - key: TPM2B_PUBLIC, or TPMT_PUBLIC alone.
    ///   - registers: What `tpm2_quote --pcr` writes: its own structures, little-endian.
    /// - Throws: `stored.tpm-tools.format`.
    package static func read(
        key: [UInt8], attest: [UInt8], signature: [UInt8], registers: [UInt8]
    ) throws(EvidenceError) -> Evidence {
        let isSized = key.count > 2 && Int(key[0]) << 8 | Int(key[1]) == key.count - 2
        return Evidence(
            .tpm,
            [
                "ak": isSized ? Array(key.dropFirst(2)) : key, "attest": attest, "signature": signature,
                "pcrs": try values(registers).encoded,
            ])
    }

    /// A TPML_PCR_SELECTION with room for 16 banks, then as many TPML_DIGEST with room for 8 digests as the selected registers need.
    static func values(_ bytes: [UInt8]) throws(EvidenceError) -> PCRValues {
        var cursor = ByteCursor(bytes, format: format)
        var registers: [PCRValues.Register] = []
        let bankCount = try cursor.little(UInt32.self)
        guard bankCount <= 16 else { throw malformed("at most 16 banks", "\(bankCount)") }
        for index in 0..<16 as Range<UInt32> {
            let bank = try cursor.little(UInt16.self)
            let size = try cursor.little(UInt8.self)
            let map = try cursor.bytes(4)
            _ = try cursor.bytes(1)
            guard index < bankCount else { continue }
            guard size <= 4 else { throw malformed("at most 32 registers in a bank", "\(8 * Int(size))") }
            for index in 0..<8 * Int(size) where map[index / 8] >> (index % 8) & 1 == 1 {
                registers.append(PCRValues.Register(bank: bank, index: UInt8(index)))
            }
        }
        var digests: [[UInt8]] = []
        let listCount = try cursor.little(UInt32.self)
        guard listCount <= 64 else { throw malformed("at most 64 lists of digests", "\(listCount)") }
        for _ in 0..<listCount {
            let count = try cursor.little(UInt32.self)
            guard count <= 8 else { throw malformed("at most 8 digests in a list", "\(count)") }
            for index in 0..<8 as Range<UInt32> {
                let size = Int(try cursor.little(UInt16.self))
                let digest = try cursor.bytes(64)
                guard index < count else { continue }
                guard size <= 64 else { throw malformed("a digest of at most 64 bytes", "\(size) bytes") }
                digests.append(Array(digest.prefix(size)))
            }
        }
        try cursor.finish()
        guard digests.count == registers.count, Set(registers).count == registers.count else {
            throw malformed("\(registers.count) digests, one for each register", "\(digests.count)")
        }
        return PCRValues(Dictionary(uniqueKeysWithValues: zip(registers, digests)))
    }

    private static func malformed(_ expected: String, _ found: String) -> EvidenceError {
        EvidenceError(format, expected: expected, found: found)
    }
}
