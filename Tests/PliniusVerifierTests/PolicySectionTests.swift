import PliniusVerifier
import Testing

/// What sections of a policy ask of each other: each case has one fault at most, and the one error for it.
@Suite("Sections of policies")
struct PolicySectionTests {
    private static func hex(_ byte: String, _ count: Int) -> String { String(repeating: byte, count: count) }

    /// The shortest sections that say what may run.
    fileprivate static let whole = [
        "sgx": "mrenclave: \(hex("aa", 32))", "tdx": "mrtd: \(hex("aa", 48))", "snp": "measurement: \(hex("aa", 48))",
        "nvidia": "toleratesAnyMeasurement: true", "tpm": "akNames: 000b\(hex("ab", 32))",
        "ima": "generations: [{name: n, lists: []}]", "simulated": "measurement: \(hex("aa", 32))",
    ]

    /// A policy by its level, the kinds of evidence and its sections; those without a text are whole.
    struct Case: Sendable, CustomTestStringConvertible {
        var level: String
        var evidence: String
        var sections: [String: String?]
        /// The key and what was expected there, `nil` for a policy without a fault.
        var error: (key: String, expected: String)?

        init(
            _ level: String, _ evidence: String, _ sections: [String: String?], _ key: String? = nil,
            _ expected: String = ""
        ) {
            (self.level, self.evidence, self.sections) = (level, evidence, sections)
            error = key.map { ($0, expected) }
        }

        var testDescription: String { "\(level) by \(evidence), \(sections.keys.sorted().joined(separator: ", "))" }

        var yaml: String {
            let head =
                "version: 1\nname: n\nlevel: \(level)\npurposes: train\nevidence: [\(evidence)]\nconfigs: any\n"
                + "datasets: any\n"
            return sections.sorted { $0.key < $1.key }.reduce(into: head) { text, section in
                text += "\(section.key):\n  \(section.value ?? PolicySectionTests.whole[section.key] ?? "")\n"
            }
        }
    }

    static let cases: [Case] = [
        Case("test", "simulated", ["simulated": nil]),
        Case("test", "azure-vtpm", ["tpm": "permitsSHA1: true", "snp": nil]),
        Case("tee+tpm", "azure-vtpm", ["tpm": "permitsSHA1: true", "tdx": nil, "ima": nil]),
        Case("test", "azure-vtpm, tpm", ["tpm": "endorsement: true", "snp": nil]),
        Case("tpm-ima-gpu", "tpm, nvidia", ["tpm": nil, "nvidia": nil, "ima": nil]),
        Case("tpm-ima-gpu", "tpm", ["tpm": nil, "ima": nil]),
        Case("test", "", [:], "evidence", "at least one kind of evidence"),
        Case("test", "azure-vtpm", ["tpm": nil], "evidence", "a section snp or tdx"),
        Case("test", "azure-vtpm", ["tpm": "endorsement: true", "snp": nil], "tpm.endorsement", "tpm among the key"),
        Case("test", "azure-vtpm, tpm", ["tpm": "permitsSHA1: true", "snp": nil], "tpm", "akNames or endorsement"),
        Case("test", "tpm", ["tpm": "permitsSHA1: true"], "tpm", "akNames or endorsement"),
        Case("test", "tpm", ["tpm": "endorsement: false"], "tpm", "akNames or endorsement"),
        Case("tpm-ima-gpu", "tpm, nvidia", ["tpm": nil, "nvidia": nil], "ima", "a section ima for the level"),
        Case("tee+tpm", "tpm", ["tpm": nil], "evidence", "one of azure-vtpm, sev-snp, sgx, tdx"),
        Case("tee", "sgx", ["sgx": nil, "ima": nil], "ima", "whose register proves the log"),
        Case("tee", "sgx", ["sgx": nil, "snp": nil], "snp", "the kind among those of the key evidence"),
        Case("tee", "sev-snp", ["snp": "vmpl: 0"], "snp", "measurement"),
        Case("tee", "tdx", ["tdx": "toleratesDebug: false"], "tdx", "mrtd"),
        Case("tee", "sgx", ["sgx": "toleratesDebug: false"], "sgx", "mrenclave or mrsigner"),
        Case("tee", "sgx", ["sgx": "mrsigner: \(hex("aa", 32))"], "sgx", "isvProdID"),
        Case("test", "simulated", ["simulated": ""], "simulated", "measurement"),
        Case("tee", "sgx, simulated", ["sgx": nil, "simulated": nil], "evidence", "simulated at the level test alone"),
        Case("test", "tpm", ["tpm": nil, "ima": "permitsSHA1: true"], "ima", "generations or signers"),
        Case("test", "tpm", ["tpm": nil, "ima": "generations: [n]"], "ima.generations", "a list of keys and values"),
        Case("test", "tpm", ["tpm": nil, "ima": "generations: n"], "ima.generations", "a list of keys and values"),
    ]

    @Test("A fault has its one error", arguments: cases)
    func sections(example: Case) {
        var errors: [PolicyError] = []
        do {
            _ = try Policy(yaml: example.yaml, file: "policy.yaml") { _ in [] }
        } catch {
            errors = error.errors
        }
        #expect(errors.map(\.key) == [example.error?.key].compactMap { $0 }, "\(example.yaml)")
        if let expected = example.error?.expected {
            #expect(errors.first?.expected.contains(expected) == true, "\(errors.first?.description ?? "")")
        }
    }
}
