import Foundation
import Testing
import _PliniusTestSupport

@Suite("plinius-owner evidence learn", .enabled(if: EvidenceVectors.areThere, EvidenceVectors.reason))
struct EvidenceLearnTests {
    /// Evidence that some policy can be about.
    struct Row: CustomTestStringConvertible, Sendable {
        /// A file, or a folder whose files belong together.
        let path: String
        /// The file of the folder to change, and the byte.
        let mutated: (file: String, offset: Int)
        /// What the draft has to say.
        let lines: [String]
        var arguments: [String] = []

        var testDescription: String { path }
    }

    static let register = "sha256:c4a065637fc6a7c55f2811dd06cb45dd037133be2b3dc5c3e6fbe6bf061db724"
    static let rows = [
        Row(
            path: "sgx/quote-v3.bin", mutated: ("quote-v3.bin", 112),
            lines: ["level: tee\n", "mrenclave:", "tolerate: [ConfigurationAndSWHardeningNeeded]", "- INTEL-SA-00615"],
            arguments: ["--collateral", "@sgx/quote-v3.collateral.json"]),
        Row(
            path: "tdx/quote-v4.bin", mutated: ("quote-v4.bin", 48 + 0x88),
            lines: ["mrtd:", "toleratesAbsentCollateral: true", "toleratesTrailingBytes: true"]),
        Row(path: "tdx/ccel", mutated: ("ccel.bin", 5_000), lines: ["rtmr:", "bootLog:"]),
        Row(
            path: "snp/milan-trustee", mutated: ("report.bin", 0x90),
            lines: ["measurement:", "products: [Milan]", "toleratesAbsentRevocationLists: true"]),
        Row(path: "snp/vlek", mutated: ("report.bin", 0x90), lines: ["vmpl: 1", "signers: [vlek]"]),
        Row(
            path: "vtpm/az-snp-v1.json", mutated: ("az-snp-v1.json", 3_000),
            lines: ["level: tee+tpm\n", "evidence: [azure-vtpm]", "snp:", "registers:"]),
        Row(path: "vtpm/az-tdx-v0.json", mutated: ("az-tdx-v0.json", -1), lines: ["tdx:", "tpm:"]),
        Row(
            path: "tpm/gce-cos-85-nonce9009.pb", mutated: ("gce-cos-85-nonce9009.pb", 340),
            lines: ["level: test\n", "akNames:", "sha384:", "secureBoot: true"]),
        Row(path: "tpm/keylime", mutated: ("quote.out", 60), lines: ["akNames:"]),
        Row(
            path: "nvidia/hopper_evidence.json", mutated: ("hopper_evidence.json", 9_000),
            lines: ["driverVersions: [590.12]", "measurements:", "64:"]),
        Row(
            path: "ima/ascii_runtime_measurements", mutated: ("ascii_runtime_measurements", 5_000),
            lines: ["generations:", "lists:"], arguments: ["--register", register]),
    ]

    @Test("A draft accepts the evidence that it was made from, and refuses it with one byte changed", arguments: rows)
    func roundTrip(row: Row) throws {
        let folder = try TemporaryDirectory()
        let arguments = try row.arguments.map {
            $0.hasPrefix("@") ? try EvidenceVectors.path(String($0.dropFirst())) : $0
        }
        let path = try EvidenceVectors.path(row.path)
        let policy = folder("policy.yaml")
        let learned = try Program.owner.run(
            ["evidence", "learn", path, "--now", EvidenceVectors.pinnedTime, "--out", policy] + arguments)
        #expect(learned.succeeded, "\(learned.errors)")
        let text = String(decoding: try folder.read("policy.yaml"), as: UTF8.self)
        for line in row.lines { #expect(text.contains(line), "\(text)") }

        let accepted = try EvidenceOutcome(verifying: path, ["--policy", policy] + arguments)
        #expect(accepted.outcome.succeeded, "\(accepted.outcome.errors)")
        #expect(accepted.failures == [] && accepted.object["policy"] as? String == "learned")
        // What the draft tolerates is what it says that it does.
        #expect(accepted.tolerated.isEmpty || learned.output.contains("passes by"))

        let changed = try TemporaryDirectory()
        let isFolder = FileManager.default.fileExists(atPath: "\(path)/\(row.mutated.file)")
        let root = isFolder ? URL(filePath: path) : URL(filePath: path).deletingLastPathComponent()
        let names = isFolder ? try FileManager.default.contentsOfDirectory(atPath: path) : [row.mutated.file]
        for name in names where !name.hasPrefix("vcek-invalid") {
            var bytes = [UInt8](try Data(contentsOf: root.appending(path: name)))
            if name == row.mutated.file { change(&bytes, at: row.mutated.offset) }
            try changed.write(bytes, to: name)
        }
        let refused = try EvidenceOutcome(
            verifying: isFolder ? changed("") : changed(row.mutated.file), ["--policy", policy] + arguments)
        #expect(refused.outcome.status == .exited(3), "\(refused.outcome.output)")
    }

    /// Replaces a byte by another that means something: a digit where there are digits, in a list of numbers another number.
    private func change(_ bytes: inout [UInt8], at offset: Int) {
        guard offset >= 0 else {
            // The quote's first byte behind a name in JSON, as a number.
            let text = String(decoding: bytes, as: UTF8.self)
            bytes = Array(
                text.replacing("\"message\": [255, 84", with: "\"message\": [255, 85")
                    .replacing("\"message\":[255,84", with: "\"message\":[255,85").utf8)
            return
        }
        let isDigit = (48...57).contains(bytes[offset])
        bytes[offset] = isDigit ? (bytes[offset] == 57 ? 48 : bytes[offset] + 1) : bytes[offset] ^ 1
    }

    static let refusals = [
        ("sgx/quote-v3-debug-enclave.bin", "sgx.debug"), ("tdx/quote-v4-debug-td.bin", "tdx.debug"),
        ("snp/milan-v2", "snp.policy.debug"), ("tpm/swtpm-evidence.json", "akNames or endorsement"),
    ]

    @Test("Nothing is learned from what no secret should be given to", arguments: refusals)
    func refuses(path: String, word: String) throws {
        let outcome = try Program.owner.run([
            "evidence", "learn", try EvidenceVectors.path(path), "--now", EvidenceVectors.pinnedTime,
        ])
        #expect(outcome.status == .exited(3) && outcome.output == "")
        #expect(outcome.errors.contains(word), "\(outcome.errors)")
    }

    @Test("A draft refuses another machine's evidence of the same kind")
    func otherMachine() throws {
        let folder = try TemporaryDirectory()
        let policy = folder("policy.yaml")
        let learned = try Program.owner.run([
            "evidence", "learn", try EvidenceVectors.path("vtpm/az-snp-v1.json"), "--now", EvidenceVectors.pinnedTime,
            "--out", policy,
        ])
        #expect(learned.succeeded, "\(learned.errors)")
        for other in ["vtpm/az-snp-genoa.json", "vtpm/az-tdx-v0.json", "snp/milan-trustee"] {
            let outcome = try EvidenceOutcome(verifying: try EvidenceVectors.path(other), ["--policy", policy])
            #expect(outcome.outcome.status == .exited(3), "\(other)")
        }
        let again = try Program.owner.run([
            "evidence", "learn", try EvidenceVectors.path("tpm/keylime"), "--out", policy,
        ])
        #expect(again.status == .exited(2) && again.errors.contains("is there already"))
    }
}
