import Foundation
import Testing
import _PliniusTestSupport

@Suite(
    "plinius-owner evidence verify, on published evidence",
    .enabled(if: EvidenceVectors.areThere, EvidenceVectors.reason))
struct EvidenceVerifyTests {
    /// A file or folder of the manifest, and what the strict defaults of its platform say.
    struct Row: CustomTestStringConvertible, Sendable {
        let path: String
        let code: CInt
        /// The checks that fail, in order, each once.
        let failures: [String]
        var arguments: [String] = []

        var testDescription: String { ([path] + arguments).joined(separator: " ") }
    }

    static let rows = [
        Row(
            path: "sgx/quote-v3.bin", code: 3, failures: ["sgx.tcb.status"],
            arguments: ["--collateral", "@sgx/quote-v3.collateral.json"]),
        Row(path: "sgx/quote-v3.bin", code: 3, failures: ["sgx.collateral.present"]),
        Row(path: "sgx/quote-v3-debug-enclave.bin", code: 3, failures: ["sgx.collateral.present", "sgx.debug"]),
        Row(path: "tdx/quote-v4.bin", code: 3, failures: ["tdx.quote.padding", "tdx.collateral.present"]),
        Row(path: "tdx/quote-v4-debug-td.bin", code: 3, failures: ["tdx.collateral.present", "tdx.debug"]),
        Row(path: "tdx/ccel", code: 3, failures: ["tdx.collateral.present"]),
        Row(
            path: "tdx/quote-v5-outdated.bin", code: 3, failures: ["tdx.tcb.level"],
            arguments: ["--collateral", "@tdx/quote-v5-outdated.collateral.json", "--now", "2026-03-01T00:00:00Z"]),
        Row(path: "snp/milan-v2", code: 3, failures: ["snp.certificate.revocation", "snp.policy.debug"]),
        Row(path: "snp/milan-v2/report.bin", code: 3, failures: ["snp.certificate.revocation", "snp.policy.debug"]),
        Row(path: "snp/milan-trustee", code: 3, failures: ["snp.certificate.revocation"]),
        Row(path: "snp/vlek", code: 3, failures: ["snp.certificate.revocation", "snp.vmpl"]),
        Row(path: "vtpm/az-snp-v0.json", code: 3, failures: ["snp.certificate.revocation"]),
        Row(path: "vtpm/az-snp-v1.json", code: 3, failures: ["snp.certificate.revocation"]),
        Row(path: "vtpm/az-snp-genoa.json", code: 3, failures: ["snp.certificate.revocation"]),
        Row(path: "vtpm/az-tdx-v0.json", code: 3, failures: ["tdx.collateral.present"]),
        Row(path: "tpm/gce-cos-85-nonce9009.pb", code: 0, failures: []),
        Row(path: "tpm/swtpm-evidence.json", code: 3, failures: ["tpm.ak.attributes"]),
        Row(path: "tpm/keylime", code: 0, failures: []),
        Row(path: "nvidia/hopper_evidence.json", code: 3, failures: ["nvidia.certificate.revocation"]),
        Row(path: "ima/ascii_runtime_measurements", code: 3, failures: ["ima.replay.register"]),
        Row(path: "ima/sml-ima-ng-sha1.b64", code: 3, failures: ["ima.replay.register"]),
        Row(path: "ima/sml-ima-sha1.b64", code: 3, failures: ["ima.replay.register"]),
    ]

    @Test("Each is found out by its content, and gets its verdict by the strict defaults", arguments: rows)
    func strict(row: Row) throws {
        let arguments = try row.arguments.map {
            $0.hasPrefix("@") ? try EvidenceVectors.path(String($0.dropFirst())) : $0
        }
        let outcome = try EvidenceOutcome(verifying: try EvidenceVectors.path(row.path), arguments)
        #expect(outcome.outcome.status == .exited(row.code), "\(outcome.outcome.errors)")
        var once: [String] = []
        for name in outcome.failures where !once.contains(name) { once.append(name) }
        #expect(once == row.failures)
        #expect(outcome.failedCheck == row.failures.first)
        for name in row.failures.prefix(1) { #expect(outcome.outcome.errors.contains(name)) }
    }

    static let others = [
        ("sgx/quote-v3.collateral.json", "nothing known"), ("tdx/quote-v5-outdated.collateral.json", "nothing known"),
        ("tdx/ccel/ccel.bin", "a boot log without a quote"), ("tdx/ccel/nonce.bin", "nothing known"),
        ("snp/milan-v2/vcek.der", "only certificates"), ("snp/roots/ask_ark_milan.pem", "only certificates"),
        ("snp/roots/ask_ark_genoa.pem", "only certificates"), ("snp/vlek/vlek.der", "only certificates"),
        ("snp/milan-trustee/vcek-invalid-1.der", "only certificates"), ("tpm/keylime/ak.pub", "public key"),
        ("tpm/keylime/ek.pub", "public key"), ("tpm/keylime/quotesig.out", "signature"),
        ("tpm/keylime/quotepcr.out", "values of registers"), ("tpm/keylime/ak.name", "nothing known"),
    ]

    @Test("What is no evidence by itself is told from evidence, with what there is", arguments: others)
    func noEvidence(path: String, what: String) throws {
        let outcome = try Program.owner.run(["evidence", "verify", try EvidenceVectors.path(path)])
        #expect(outcome.status == .exited(2))
        #expect(outcome.output == "")
        for word in ["stored.format", "SEV-SNP reports", "IMA logs", what] {
            #expect(outcome.errors.contains(word), "\(outcome.errors)")
        }
    }

    @Test("A TPM's statement alone says what it lacks")
    func halfQuote() throws {
        let outcome = try Program.owner.run(["evidence", "verify", try EvidenceVectors.path("tpm/keylime/quote.out")])
        #expect(outcome.status == .exited(3))
        #expect(outcome.errors.contains("a public key, a signature, values of registers beside"))
    }

    @Test(
        "Certificates that are not the chip's are refused by name",
        arguments: ["vcek-invalid-1.der", "vcek-invalid-2.der"])
    func wrongCertificate(name: String) throws {
        let folder = try TemporaryDirectory()
        try folder.write(EvidenceVectors.bytes("snp/milan-trustee/report.bin"), to: "report.bin")
        try folder.write(EvidenceVectors.bytes("snp/milan-trustee/\(name)"), to: "vcek.der")
        let outcome = try EvidenceOutcome(verifying: folder(""))
        #expect(outcome.outcome.status == .exited(3))
        #expect(outcome.failures.contains { $0.hasPrefix("snp.certificate.") && $0 != "snp.certificate.revocation" })
    }

    @Test("What evidence binds is compared: report data, nonces, registers")
    func binding() throws {
        let nonce = try EvidenceVectors.bytes("tdx/ccel/nonce.bin").map { hexadecimal($0) }.joined()
        let ccel = try EvidenceVectors.path("tdx/ccel")
        #expect(
            try EvidenceOutcome(verifying: ccel, ["--report-data", nonce]).passed.contains("tdx.binding.report-data"))
        let wrong = try EvidenceOutcome(verifying: ccel, ["--report-data", "ff" + nonce.dropFirst(2)])
        #expect(wrong.failures.contains("tdx.binding.report-data"))
        let cloud = try EvidenceVectors.path("tpm/gce-cos-85-nonce9009.pb")
        #expect(try EvidenceOutcome(verifying: cloud, ["--nonce", "9009"]).passed.contains("tpm.binding.nonce"))
        #expect(try EvidenceOutcome(verifying: cloud, ["--nonce", "9008"]).failures.contains("tpm.binding.nonce"))
        let log = try EvidenceVectors.path("ima/ascii_runtime_measurements")
        let register = "sha256:c4a065637fc6a7c55f2811dd06cb45dd037133be2b3dc5c3e6fbe6bf061db724"
        let proved = try EvidenceOutcome(verifying: log, ["--register", register])
        #expect(proved.passed.contains("ima.replay.register"))
        #expect(proved.failedCheck == "ima.bootAggregate" && proved.failures.contains("ima.entry.file"))
        let none = try Program.owner.run(["evidence", "verify", log, "--report-data", "00"])
        #expect(none.status == .exited(2) && none.errors.contains("--report-data"))
    }

    @Test("--json prints one object of one shape, --ear one of an attestation result, and nothing else")
    func shapes() throws {
        let outcome = try EvidenceOutcome(verifying: try EvidenceVectors.path("tpm/keylime"))
        #expect(outcome.outcome.errors == "" && outcome.outcome.output.filter { $0 == "\n" }.count == 1)
        #expect(outcome.object["accepted"] as? Bool == true && outcome.object["exitCode"] as? Int == 0)
        #expect(outcome.object["judgedAt"] as? String == EvidenceVectors.pinnedTime)
        #expect(outcome.object["kinds"] as? [String] == ["tpm"])
        let checks = try #require(outcome.object["checks"] as? [[String: Any]])
        for key in ["check", "outcome", "expected", "found", "parts"] { #expect(checks.first?[key] != nil) }
        let measurements = outcome.object["measurements"] as? [String: String] ?? [:]
        #expect(measurements.keys.contains { $0.hasPrefix("tpm.pcr.") })

        let result = try ear("sgx/quote-v3-debug-enclave.bin")
        #expect(result["eat_profile"] as? String == "tag:ietf.org,2026:rats/ear#04")
        #expect(result["iat"] as? Int == 1_751_328_000)
        #expect((result["ear_verifier_id"] as? [String: String])?.keys.sorted() == ["build", "developer"])
        #expect(result["ear_status"] as? String == "contraindicated")
        let module = (result["submods"] as? [String: Any])?["sgx"] as? [String: Any]
        #expect(module?["ear_status"] as? String == "contraindicated")
        let vector = module?["ear_trustworthiness_vector"] as? [String: Int]
        #expect(vector == ["instance-identity": 2, "hardware": 96, "configuration": 96, "runtime-opaque": 96])
        #expect(try ear("tpm/keylime")["ear_status"] as? String == "affirming")
        let both = try Program.owner.run([
            "evidence", "verify", try EvidenceVectors.path("tpm/keylime"), "--ear", "--json",
        ])
        #expect(both.status == .exited(2))
    }

    private func ear(_ path: String) throws -> [String: Any] {
        let outcome = try Program.owner.run([
            "evidence", "verify", try EvidenceVectors.path(path), "--now", EvidenceVectors.pinnedTime, "--ear",
        ])
        return try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    @Test("People see a check a line, in no colour, and without a policy what one would ask about")
    func people() throws {
        let outcome = try Program.owner.run([
            "evidence", "verify", try EvidenceVectors.path("snp/vlek"), "--now", EvidenceVectors.pinnedTime,
        ])
        #expect(outcome.status == .exited(3))
        for line in [
            "FAILED   sev-snp", "    ok       snp.report.signature: found ", "sev-snp.measurement: ", "snp.vmpl: 1",
        ] {
            #expect(outcome.output.contains(line), "\(outcome.output)")
        }
        #expect(!outcome.output.contains("\u{1B}"))
        #expect(outcome.errors.contains("the check snp.certificate.revocation failed: expected AMD's revocation lists"))
    }

    private func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}
