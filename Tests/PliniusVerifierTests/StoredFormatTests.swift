import PliniusVerifier
import PliniusWire
import Testing

/// Files of others, written by hand: what their readers must not take.
@Suite("Formats of stored evidence")
struct StoredFormatTests {
    // MARK: Google's protobuf

    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        let length: [UInt8] =
            bytes.count < 128 ? [UInt8(bytes.count)] : [UInt8(bytes.count & 127) | 128, UInt8(bytes.count >> 7)]
        return [number << 3 | 2] + length + bytes
    }

    /// One register with its value.
    private static func register(_ index: [UInt8], _ byteCount: Int) -> [UInt8] {
        field(2, [8] + index + field(2, [UInt8](repeating: 7, count: byteCount)))
    }

    private static func attestation(quotes: Int = 1, registers: [UInt8] = register([10], 32), more: [UInt8] = [])
        -> [UInt8]
    {
        let quote = field(1, [0xFF]) + field(2, [1]) + field(3, [8, 11] + registers)
        return field(1, [1, 2, 3]) + more + (0..<quotes).flatMap { _ in field(2, quote) }
    }

    @Test("Google's attestations have a key, one to eight quotes, and registers that a TPM can have")
    func google() throws {
        let long = [UInt8](repeating: 0x80, count: 9)
        let cases: [(String, [UInt8], Int?)] = [
            ("one", Self.attestation(), 1), ("eight", Self.attestation(quotes: 8), 8),
            ("none", Self.attestation(quotes: 0), nil), ("nine", Self.attestation(quotes: 9), nil),
            ("no key", Array(Self.attestation().dropFirst(5)), nil),
            ("the last register", Self.attestation(registers: Self.register([31], 32)), 1),
            ("one more", Self.attestation(registers: Self.register([32], 32)), nil),
            ("register 256", Self.attestation(registers: Self.register([0x80, 2], 32)), nil),
            ("the longest digest", Self.attestation(registers: Self.register([1], 64)), 1),
            ("a longer one", Self.attestation(registers: Self.register([1], 65)), nil),
            ("a register twice", Self.attestation(registers: Self.register([1], 32) + Self.register([1], 32)), nil),
            ("64 bits", Self.attestation(more: [0x78] + long + [1]), 1),
            ("65 bits", Self.attestation(more: [0x78] + long + [2]), nil),
            ("eleven bytes", Self.attestation(more: [0x78] + long + [0x81, 0]), nil),
            ("a group", Self.attestation(more: [0x7B]), nil),
        ]
        for (name, bytes, count) in cases {
            #expect((try? GCEAttestation.read(bytes))?.count == count, "\(name)")
            if count == nil {
                let error = try #require(throws: EvidenceError.self) { try GCEAttestation.read(bytes) }
                #expect(error.check == "stored.gce.format")
            }
        }
    }

    // MARK: Azure's JSON

    @Test("A signature is as long as one can be", arguments: [(512, true), (513, false)])
    func azure(byteCount: Int, isRead: Bool) throws {
        let text = """
            {"version": 1, "hcl_report": "AAAA", "tpm_quote": {"message": "ff",
            "signature": "\(String(repeating: "00", count: byteCount))", "pcrs": []}}
            """
        #expect(((try? AzureEvidence.read(Array(text.utf8))) != nil) == isRead)
    }

    // MARK: Files together

    @Test("Of each kind there is one file, and kept evidence stands alone")
    func together() throws {
        let report = [2] + [UInt8](repeating: 0, count: 1183)
        let attest: [UInt8] = [0xFF, 0x54, 0x43, 0x47, 1]
        let kept = EvidenceBundle(runtimeData: [1], evidence: [Evidence(.snp, ["report": report])]).encoded
        let quotes = Self.attestation()
        #expect(try StoredEvidence(files: ["a": report]).evidence.map(\.kind) == [.snp])
        #expect(try StoredEvidence(files: ["a": kept]).runtimeData == [1])
        let wrong: [[String: [UInt8]]] = [
            ["a": report, "b": report], ["a": attest, "b": attest], ["a": kept, "b": kept], ["a": quotes, "b": quotes],
            ["a": kept, "b": report], ["a": kept, "b": attest], ["a": kept, "b": quotes],
        ]
        for files in wrong {
            let error = try #require(throws: EvidenceError.self) { try StoredEvidence(files: files) }
            #expect(error.check == "stored.format")
        }
    }
}
