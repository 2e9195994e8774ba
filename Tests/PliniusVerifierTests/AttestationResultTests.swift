import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing

/// The values are those of the table of AR4SI (draft-ietf-rats-ar4si, section 2.3.4).
@Suite("Attestation results", .enabled(if: Vectors.areThere, Vectors.reason))
struct AttestationResultTests {
    private static func policy(_ kind: String, _ sections: String) throws -> Policy {
        let yaml = """
            version: 1
            name: results
            level: test
            purposes: [train]
            evidence: [\(kind)]
            configs: any
            datasets: any
            \(sections)
            """
        return try Policy(yaml: yaml, file: "policy.yaml") { _ in [] }
    }

    private static func result(
        _ files: [String: String], _ policy: Policy? = nil, _ collateral: Collateral = Collateral()
    ) throws -> AttestationResult {
        let stored = try StoredEvidence(files: files.mapValues { try Vectors.bytes($0) })
        let found = stored.verdict(
            under: policy, in: Context(now: Vectors.pinnedTime, collateral: collateral))
        return AttestationResult(found.verdict, policy: policy?.name.value, at: Vectors.pinnedTime)
    }

    @Test("Registers that nobody compares say nothing of what runs")
    func openRegisters() throws {
        let names = ["ak.pub", "quote.out", "quotesig.out", "quotepcr.out"]
        let files = Dictionary(uniqueKeysWithValues: names.map { ($0, "tpm/keylime/\($0)") })
        let strict = try #require(try Self.result(files).submodules["tpm"])
        #expect(strict.trustworthinessVector == ["instance-identity": 2, "hardware": 2])
        #expect(strict.status == "affirming" && strict.policies == nil)
    }

    @Test("What is loaded at the start, what is tolerated, and by whose name")
    func tolerated() throws {
        let any = "nvidia:\n  toleratesAnyMeasurement: true\n  toleratesAbsentRevocationLists: true"
        let policy = try Self.policy("nvidia", any)
        let result = try Self.result(["evidence.json": "nvidia/hopper_evidence.json"], policy)
        let gpu = try #require(result.submodules.first { $0.key.hasPrefix("nvidia") }?.value)
        #expect(gpu.trustworthinessVector["executables"] == 33)
        #expect(gpu.trustworthinessVector["instance-identity"] == -33)
        #expect(gpu.trustworthinessVector["hardware"] == 2)
        #expect(gpu.status == "warning" && gpu.policies == ["results"])

        let report = try Vectors.bytes("snp/milan-trustee/report.bin")
        let measurement = report[0x90..<0xC0].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let guest = "snp:\n  measurement: [\"\(measurement)\"]\n  toleratesAbsentRevocationLists: true"
        let files = ["report.bin": "snp/milan-trustee/report.bin", "vcek.der": "snp/milan-trustee/vcek.der"]
        let snp = try #require(try Self.result(files, Self.policy("sev-snp", guest)).submodules["sev-snp"])
        #expect(snp.trustworthinessVector["executables"] == 3)
        #expect(snp.trustworthinessVector["runtime-opaque"] == 2 && snp.status == "warning")
    }

    @Test("An enclave holds nothing but what was measured; a signature that fails says so")
    func enclave() throws {
        var collateral = Collateral()
        collateral.intel = [try IntelCollateral(json: Vectors.bytes("sgx/quote-v3.collateral.json"))]
        let quote = try Vectors.bytes("sgx/quote-v3.bin")
        let measurement = quote[112..<144].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let enclave = """
            sgx:
              mrenclave: ["\(measurement)"]
              tcb: {tolerate: [ConfigurationAndSWHardeningNeeded], advisories: [INTEL-SA-00289, INTEL-SA-00615]}
            """
        let files = ["quote.bin": "sgx/quote-v3.bin"]
        let policy = try Self.policy("sgx", enclave)
        let good = try #require(try Self.result(files, policy, collateral).submodules["sgx"])
        #expect(
            good.trustworthinessVector
                == ["instance-identity": 2, "hardware": 32, "configuration": 2, "executables": 2, "runtime-opaque": 2])
        #expect(good.status == "warning")

        var forged = quote
        forged[120] ^= 1
        let stored = try StoredEvidence(files: ["quote.bin": forged])
        let verdict = stored.verdict(
            under: policy, in: Context(now: Vectors.pinnedTime, collateral: collateral)
        ).verdict
        let refused = AttestationResult(verdict, policy: nil, at: Vectors.pinnedTime)
        #expect(refused.submodules["sgx"]?.trustworthinessVector["hardware"] == 99)
        #expect(refused.submodules["sgx"]?.trustworthinessVector["executables"] == 96)
        #expect(refused.status == "contraindicated")
    }
}
