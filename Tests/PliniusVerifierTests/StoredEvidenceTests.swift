import Crypto
import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing

/// Evidence of this program's own that was kept, and policies drafted from it.
@Suite struct StoredEvidenceTests {
    private static let signer = Curve25519.Signing.PrivateKey()
    private static let context = Context(now: Instant(seconds: 1_800_000_000))

    /// Evidence that binds its runtime data, as a file.
    private func file(_ change: (inout EvidenceBundle) -> Void = { _ in }) throws -> StoredEvidence {
        var data = RuntimeData()
        data.nonce = [UInt8](repeating: 1, count: 32)
        data.publicKey = [UInt8](repeating: 2, count: 32)
        data.configDigest = [UInt8](repeating: 3, count: 32)
        data.datasetIDs = [[UInt8](repeating: 4, count: 16)]
        data.runName = "default"
        let report =
            Array("PLINSIM1".utf8) + [1, 0, 0, 0] + Array(SHA512.hash(data: data.encoded))
            + [UInt8](repeating: 7, count: 32)
        let parts = [
            "report": report, "signature": Array(try Self.signer.signature(for: report)),
            "key": Array(Self.signer.publicKey.rawRepresentation),
        ]
        var bundle = EvidenceBundle(runtimeData: data.encoded, evidence: [Evidence(.simulated, parts)])
        change(&bundle)
        return try StoredEvidence(files: ["kept": bundle.encoded])
    }

    private func learned(_ stored: StoredEvidence) throws -> Policy {
        let learned = try stored.learnPolicy(name: "p", listName: "p.ima", in: Self.context)
        #expect(learned.verdict.verdict.hasPassed, "\(learned.verdict.verdict.text)")
        return try Policy(yaml: learned.yaml, file: "p") { _ in [] }
    }

    @Test("A draft from kept evidence takes it, and neither other runtime data nor another program")
    func roundTrip() throws {
        let stored = try file()
        let policy = try learned(stored)
        #expect(policy.level.value == .test && policy.configDigests.value == [[UInt8](repeating: 3, count: 32)])
        #expect(stored.verdict(under: policy, in: Self.context).verdict.hasPassed)
        let rebound = try file { bundle in bundle.runtimeData[8] ^= 1 }
        let failed = rebound.verdict(under: policy, in: Self.context).verdict.firstFailure
        #expect(failed?.check == "simulated.binding.report-data")
        let program = try file { $0.evidence[0].parts[1].bytes[107] ^= 1 }
        #expect(!program.verdict(under: policy, in: Self.context).verdict.hasPassed)
    }

    @Test("Without a policy the binding is checked all the same, and what is simulated is refused")
    func withoutPolicy() throws {
        let strict = try file().verdict(under: nil, in: Self.context)
        #expect(strict.verdict.firstFailure?.check == "simulated.policy.level")
        let checks = strict.verdict.findings[0].parts
        #expect(checks.first { $0.check == "simulated.binding.report-data" }?.outcome == .passed)
        let rebound = try file { $0.runtimeData[8] ^= 1 }.verdict(under: nil, in: Self.context)
        #expect(
            rebound.verdict.findings[0].parts.first { $0.check == "simulated.binding.report-data" }?.outcome == .failed)
        let result = AttestationResult(strict.verdict, policy: nil, at: Self.context.now)
        #expect(result.status == "contraindicated")
        #expect(result.submodules["simulated"]?.trustworthinessVector["hardware"] == 97)
    }

    @Test("A section for each kind of device is read, and what it lacks is an error")
    func sections() throws {
        let head = """
            version: 1
            name: p
            purposes: [train]
            configs: any
            datasets: any

            """
        let good =
            head + """
                level: tee
                evidence: [sev-snp]
                snp:
                  measurement: ["\(String(repeating: "ab", count: 48))"]
                  requiredPolicy: [singleSocket, ciphertextHiding]
                  minimumABI: "1.51"
                  minimumTCB:
                    snp: 22
                  vmpl: 1
                """
        let snp = try #require(try Policy(yaml: good, file: "p") { _ in [] }.snp?.value)
        #expect(snp.requiredPolicy?.value == [.singleSocket, .ciphertextHiding] && snp.vmpl?.value == 1)
        #expect(snp.minimumABI?.value == SNPABIVersion(major: 1, minor: 51) && snp.minimumTCB?.value == [.snp: 22])
        for (text, key) in [
            (good.replacing("vmpl: 1", with: "vmpl: 4"), "snp.vmpl"),
            (good.replacing("1.51", with: "1"), "snp.minimumABI"),
            (good.replacing("measurement", with: "imageID"), "snp.imageID"),
            (head + "level: tee+tpm\nevidence: [azure-vtpm]\ntpm:\n", "evidence"),
            (head + "level: test\nevidence: [nvidia]\nnvidia:\n", "nvidia"),
        ] {
            let error = #expect(throws: PolicyErrors.self) { try Policy(yaml: text, file: "p") { _ in [] } }
            #expect(error?.errors.contains { $0.key == key } == true, "\(error.map(\.description) ?? "")")
        }
    }
}
