import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing

/// Published evidence, put into bundles and judged under policies as an owner writes them.
///
/// No published evidence binds the runtime data of a bundle of ours, so that one check fails of each, and nothing is ever released to it.
@Suite("Bundles of published evidence", .enabled(if: Vectors.areThere, Vectors.reason))
struct StoredBundleTests {
    private static let lists = "\n  toleratesAbsentRevocationLists: true"
    private static let absent = "\n  tcb: {toleratesAbsentCollateral: true, toleratesTrailingBytes: true}"

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func policy(_ kind: String, _ sections: String, level: String = "test") throws -> Policy {
        let yaml = """
            version: 1
            name: stored
            level: \(level)
            purposes: [train]
            evidence: [\(kind)]
            configs: [any]
            datasets: [any]
            \(sections)
            """
        return try Policy(yaml: yaml, file: "policy.yaml") { _ in [] }
    }

    /// The checks that fail, but for the one that says that the evidence binds other data.
    private static func failing(
        _ evidence: Evidence, _ policy: Policy, _ collateral: Collateral = Collateral()
    ) throws -> [String] {
        func names(_ finding: Finding) -> [String] {
            guard finding.outcome == .failed else { return [] }
            return finding.parts.isEmpty ? [finding.check] : finding.parts.flatMap(names)
        }
        let bundle = EvidenceBundle(runtimeData: RuntimeData.sample.encoded, evidence: [evidence])
        let context = Context(now: Vectors.pinnedTime, collateral: collateral)
        let verdict = UnverifiedEvidence(bundle).verdict(under: policy, in: context)
        #expect(verdict.evidence == nil && !verdict.hasPassed)
        var challenge = Challenge(nonce: RuntimeData.sample.nonce)
        challenge.wanted = [evidence.kind.rawValue]
        let live = UnverifiedEvidence(bundle).verdict(
            under: policy, for: IssuedChallenge(challenge, issued: context.now, life: 60), in: context)
        #expect(live.evidence == nil, "nothing is released to what binds other data")
        let failed = verdict.findings.flatMap(names)
        let binding = "\(evidence.kind).binding.report-data"
        // What is not judged to its end binds nothing.
        if failed.contains(binding) { return failed.filter { $0 != binding } }
        #expect(!failed.isEmpty)
        return failed
    }

    @Test func sgx() throws {
        let quote = try Vectors.bytes("sgx/quote-v3.bin")
        let evidence = Evidence(.sgx, ["quote": quote])
        var collateral = Collateral()
        collateral.intel = [try IntelCollateral(json: Vectors.bytes("sgx/quote-v3.collateral.json"))]
        let enclave = "sgx:\n  mrenclave: [\"\(Self.hex(quote[112..<144]))\"]"
        let tolerant =
            enclave
            + "\n  tcb: {tolerate: [ConfigurationAndSWHardeningNeeded], advisories: [INTEL-SA-00289, INTEL-SA-00615]}"
        #expect(try Self.failing(evidence, Self.policy("sgx", tolerant, level: "tee"), collateral).isEmpty)
        #expect(try Self.failing(evidence, Self.policy("sgx", enclave), collateral) == ["sgx.tcb.status"])
        #expect(try Self.failing(evidence, Self.policy("sgx", tolerant)) == ["sgx.collateral.present"])
        let other = tolerant.replacing(Self.hex(quote[112..<116]), with: "00000000")
        #expect(try Self.failing(evidence, Self.policy("sgx", other), collateral) == ["sgx.mrenclave"])
    }

    @Test func tdxWithItsEventLog() throws {
        let quote = try Vectors.bytes("tdx/ccel/quote.bin")
        let log = try Vectors.bytes("tdx/ccel/ccel.bin")
        let domain = "tdx:\n  mrtd: [\"\(Self.hex(quote[184..<232]))\"]" + Self.absent
        let policy = try Self.policy("tdx", domain, level: "tee")
        #expect(try Self.failing(Evidence(.tdx, ["quote": quote, "ccel": log]), policy).isEmpty)
        let parsed = try EventLog(log, kind: .confidentialComputing)
        let event = try #require(parsed.events.first { $0.type != .noAction && $0.digests[.sha384] != nil })
        let place = try #require(log.firstRange(of: event.digests[.sha384] ?? [])?.lowerBound)
        var changed = log
        changed[place] ^= 1
        #expect(try Self.failing(Evidence(.tdx, ["quote": quote, "ccel": changed]), policy) == ["tdx.rtmr.replay"])
        let other = domain.replacing(Self.hex(quote[184..<188]), with: "00000000")
        #expect(
            try Self.failing(Evidence(.tdx, ["quote": quote, "ccel": log]), Self.policy("tdx", other)) == ["tdx.mrtd"])
    }

    @Test func snp() throws {
        let report = try Vectors.bytes("snp/milan-trustee/report.bin")
        let evidence = Evidence(
            .snp,
            ["report": report, "certificates": testPEM([try Vectors.bytes("snp/milan-trustee/vcek.der")])])
        let guest = "snp:\n  measurement: [\"\(Self.hex(report[0x90..<0xC0]))\"]"
        #expect(try Self.failing(evidence, Self.policy("sev-snp", guest + Self.lists, level: "tee")).isEmpty)
        #expect(try !Self.failing(evidence, Self.policy("sev-snp", guest)).isEmpty, "the revocation lists are missed")
        let other = guest.replacing(Self.hex(report[0x90..<0x94]), with: "00000000") + Self.lists
        #expect(try Self.failing(evidence, Self.policy("sev-snp", other)) == ["snp.measurement"])
        let above = guest + Self.lists + "\n  vmpl: 1"
        #expect(try Self.failing(evidence, Self.policy("sev-snp", above)) == ["snp.vmpl"])
        let debug = Evidence(
            .snp,
            [
                "report": try Vectors.bytes("snp/milan-v2/report.bin"),
                "certificates": testPEM([try Vectors.bytes("snp/milan-v2/vcek.der")]),
            ])
        let measurement = try Vectors.bytes("snp/milan-v2/report.bin")[0x90..<0xC0]
        let debugged = "snp:\n  measurement: [\"\(Self.hex(measurement))\"]" + Self.lists
        #expect(try Self.failing(debug, Self.policy("sev-snp", debugged)) == ["snp.policy.debug"])
    }

    private static let tpm = "\ntpm:\n  selection: {sha256: [0, 7]}"

    @Test(arguments: ["vtpm/az-snp-v0.json", "vtpm/az-snp-genoa.json"])
    func azureOverSNP(_ file: String) throws {
        let evidence = try PliniusVerifier.AzureEvidence.read(Vectors.bytes(file))
        let report = try #require(evidence["hcl-report"])
        let guest = "snp:\n  measurement: [\"\(Self.hex(report[0xB0..<0xE0]))\"]" + Self.lists
        #expect(
            try Self.failing(evidence, Self.policy("azure-vtpm", guest + Self.tpm, level: "tee+tpm")).isEmpty)
        let other = guest.replacing(Self.hex(report[0xB0..<0xB4]), with: "00000000") + Self.tpm
        #expect(try Self.failing(evidence, Self.policy("azure-vtpm", other)) == ["snp.measurement"])
        let zero = guest + Self.tpm + "\n  registers: {sha256: {7: [\"\(String(repeating: "00", count: 32))\"]}}"
        #expect(try Self.failing(evidence, Self.policy("azure-vtpm", zero)) == ["tpm.pcr.sha256.7"])
        // The machine below is of another kind than the policy speaks of.
        let domain = "tdx:\n  mrtd: [\"\(String(repeating: "00", count: 48))\"]" + Self.tpm
        #expect(try Self.failing(evidence, Self.policy("azure-vtpm", domain)) == ["azure-vtpm.policy.section"])
        // Files that are to be listed and whose log did not come.
        let ima = guest + Self.tpm + "\nima:\n  generations: [{name: all, lists: []}]"
        #expect(try Self.failing(evidence, Self.policy("azure-vtpm", ima)).contains("tpm.ima-log.present"))
    }

    @Test func azureOverTDX() throws {
        let evidence = try PliniusVerifier.AzureEvidence.read(Vectors.bytes("vtpm/az-tdx-v0.json"))
        let quote = try #require(evidence["quote"])
        let domain = "tdx:\n  mrtd: [\"\(Self.hex(quote[184..<232]))\"]" + Self.absent
        #expect(try Self.failing(evidence, Self.policy("azure-vtpm", domain + Self.tpm)).isEmpty)
        let other = domain.replacing(Self.hex(quote[184..<188]), with: "11111111") + Self.tpm
        #expect(try Self.failing(evidence, Self.policy("azure-vtpm", other)) == ["tdx.mrtd"])
    }

    @Test func nvidia() throws {
        struct Entry: Decodable {
            var certificate: Data
            var evidence: Data
        }
        let file = Data(try Vectors.bytes("nvidia/hopper_evidence.json"))
        let entry = try #require(try JSONDecoder().decode([Entry].self, from: file).first)
        let evidence = Evidence(
            .nvidia, ["report": Array(entry.evidence), "certificates": Array(entry.certificate)])
        let any = "nvidia:\n  toleratesAnyMeasurement: true"
        #expect(try Self.failing(evidence, Self.policy("nvidia", any + Self.lists)).isEmpty)
        #expect(try Self.failing(evidence, Self.policy("nvidia", any)) == ["nvidia.certificate.revocation"])
        let other = any + Self.lists + "\n  driverVersions: [\"1.0\"]"
        #expect(try Self.failing(evidence, Self.policy("nvidia", other)) == ["nvidia.driver"])
    }

    @Test func aGPUIsHeldToReferenceListsOfBundles() throws {
        let stored = try StoredEvidence(files: ["gpu.json": Vectors.bytes("nvidia/hopper_evidence.json")])
        let evidence = try #require(stored.evidence.first)
        let strict = stored.verdict(under: nil, in: Context(now: Vectors.pinnedTime)).measurements
        let lines = strict.compactMap { name, value in
            name.split(separator: ".").last.map { "sha384:\(value) \($0)" }
        }
        var collateral = Collateral()
        collateral.references = [try ReferenceList(.nvidia, "hopper", text: lines.joined(separator: "\n"))]
        let policy = try Self.policy("nvidia", "nvidia:\n  references: [hopper]" + Self.lists)
        #expect(lines.count > 10)
        #expect(try Self.failing(evidence, policy, collateral).isEmpty)
        #expect(try Self.failing(evidence, policy) == ["collateral.reference"])
        collateral.references[0].entries[3].digest[0] ^= 1
        let label = collateral.references[0].entries[3].label
        #expect(try Self.failing(evidence, policy, collateral) == ["nvidia.measurement.\(label)"])
        collateral.references[0].purpose = .ima
        #expect(try Self.failing(evidence, policy, collateral) == ["collateral.reference"])
    }

    @Test func aBootIsHeldToReferenceListsOfBundles() throws {
        let evidence = try GCEAttestation.read(Vectors.bytes("tpm/gce-cos-85-nonce9009.pb"))[1]
        let log = try EventLog(try #require(evidence["uefi-log"]))
        let lines = log.events.filter { $0.register == 4 }.compactMap { event in
            event.digests[.sha256].map { "sha256:\(Self.hex($0)) 4 \(event.type)" }
        }
        var collateral = Collateral()
        collateral.references = [try ReferenceList(.bootLog, "cos", text: lines.joined(separator: "\n"))]
        let key = try TPMPublic(try #require(evidence["ak"]), format: "tpm.ak.format").name
        let policy = try Self.policy(
            "tpm", "tpm:\n  akNames: [\(Self.hex(key))]\n  bootLog:\n    references: [cos]")
        #expect(!lines.isEmpty)
        #expect(try Self.failing(evidence, policy, collateral).isEmpty)
        #expect(try Self.failing(evidence, policy) == ["collateral.reference"])
        collateral.references[0].entries.removeAll { $0.label.contains("BOOT_SERVICES_APPLICATION") }
        #expect(try Self.failing(evidence, policy, collateral).contains("bootlog.register.4.digests"))
        // What would compare nothing is no list.
        for entries in [[], [ReferenceList.Entry("shim", [UInt8](repeating: 1, count: 32))]] {
            collateral.references[0].entries = entries
            #expect(try Self.failing(evidence, policy, collateral) == ["collateral.reference"])
        }
    }

    @Test func filesAreHeldToReferenceListsOfBundles() throws {
        let ascii = try Vectors.bytes("ima/ascii_runtime_measurements")
        let log = try IMALog(ascii: ascii)
        let lines = log.entries.compactMap(\.content).filter { $0.path != "boot_aggregate" }
            .map { "\($0.digest) \($0.path)" }
        var collateral = Collateral()
        collateral.references = [
            try ReferenceList(.ima, "os", text: lines.filter { $0.hasPrefix("sha1:") }.joined(separator: "\n"))
        ]
        let policy = try Self.policy(
            "tpm",
            "tpm:\n  endorsement: true\nima:\n  permitsSHA1: true\n  permitsUnboundBoot: true\n"
                + "  generations: [{name: os, references: [os]}]")
        let stored = try StoredEvidence(files: ["ascii": ascii])
        var expected = StoredExpectations()
        let register = "c4a065637fc6a7c55f2811dd06cb45dd037133be2b3dc5c3e6fbe6bf061db724"
        expected.registers[.sha256] = stride(from: 0, to: 64, by: 2).compactMap {
            UInt8(register.dropFirst($0).prefix(2), radix: 16)
        }
        func failure(_ collateral: Collateral) -> Finding? {
            stored.verdict(
                under: policy, expecting: expected, in: Context(now: Vectors.pinnedTime, collateral: collateral)
            ).verdict.firstFailure
        }
        #expect(failure(collateral) == nil)
        #expect(failure(Collateral())?.check == "collateral.reference")
        collateral.references[0].entries.removeFirst()
        #expect(failure(collateral)?.check == "ima.entry.file")
    }

    @Test func aKindWithoutItsSectionIsRefusedWhenThePolicyIsReadAndWhenEvidenceIsJudged() throws {
        for kind in ["sgx", "tdx", "sev-snp", "nvidia", "tpm", "azure-vtpm"] {
            #expect(throws: PolicyErrors.self) { try Self.policy(kind, "") }
        }
        let sections = "tdx:\n  mrtd: [\"\(String(repeating: "00", count: 48))\"]"
        let policy = try Self.policy("tdx", sections)
        for kind in Evidence.Kind.allCases where kind != .tdx {
            let failing = try Self.failing(Evidence(kind, [:]), policy)
            #expect(failing == ["bundle.kinds", "\(kind).policy.section"])
        }
        #expect(throws: PolicyErrors.self, "a paravisor's TPM has no maker's certificate") {
            try Self.policy("azure-vtpm", sections + "\ntpm:\n  endorsement: true")
        }
    }
}

extension RuntimeData {
    fileprivate static var sample: RuntimeData {
        var data = RuntimeData()
        data.nonce = [UInt8](repeating: 1, count: 32)
        data.publicKey = [UInt8](repeating: 9, count: 32)
        data.configDigest = [UInt8](repeating: 3, count: 32)
        data.datasetIDs = [[UInt8](repeating: 4, count: 16)]
        data.runName = "default"
        return data
    }
}
