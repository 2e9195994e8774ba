import Crypto
import PliniusVerifier
import PliniusWire
import Testing

@Suite("Published evidence of Azure's machines", .enabled(if: Vectors.areThere, Vectors.reason))
struct AzureVTPMTests {
    /// The files, each with the machine that it is of.
    static let files = [
        ("vtpm/az-snp-v0.json", "milan"), ("vtpm/az-snp-v1.json", "milan"), ("vtpm/az-snp-genoa.json", "genoa"),
        ("vtpm/az-tdx-v0.json", "tdx"),
    ]

    private static func evidence(_ file: String) throws -> Evidence {
        try PliniusVerifier.AzureEvidence.read(Vectors.bytes(file))
    }

    /// Nothing but that no lists and no collateral of these platforms were published with them.
    private static var requirements: AzureVTPMRequirements {
        var requirements = AzureVTPMRequirements()
        requirements.snp.toleratesAbsentRevocationLists = asked(true)
        requirements.tdx.tcb.toleratesAbsentCollateral = asked(true)
        requirements.tdx.tcb.toleratesTrailingBytes = asked(true)
        return requirements
    }

    private func failing(
        _ evidence: Evidence, _ requirements: AzureVTPMRequirements = AzureVTPMTests.requirements
    ) -> [String] {
        failures { (examination: inout Examination) throws(EvidenceError) in
            _ = try examineAzureVTPM(evidence, requirements, Context(now: Vectors.pinnedTime), &examination)
        }
    }

    @Test("Each holds: hardware, paravisor, key, quote", arguments: files.map(\.0))
    func valid(file: String) throws {
        let evidence = try Self.evidence(file)
        #expect(failing(evidence) == [])
        var examination = Examination()
        let claims = try examineAzureVTPM(
            evidence, Self.requirements, Context(now: Vectors.pinnedTime), &examination)
        #expect(claims.tpm.registers[.sha256]?.count == 24)
        #expect(claims.measurements["pcr.sha256.0"] != nil)
        #expect(claims.measurements["measurement"] != nil || claims.measurements["mrtd"] != nil)
        var requirements = Self.requirements
        requirements.tpm.extraData = asked(claims.boundData)
        #expect(failing(evidence, requirements) == [])
        requirements.tpm.extraData = asked(claims.boundData + [0])
        #expect(failing(evidence, requirements) == ["tpm.quote.extra-data"])
        requirements = Self.requirements
        requirements.tpm.akNames = asked([[0, 0x0B]])
        #expect(failing(evidence, requirements) == ["tpm.ak.format"])
        // A key of its own beside the evidence is the one that the hardware vouches for, or none.
        let stranger = SoftwareTPM(.rsa(try #require(SoftwareTPM.rsaKey)), .rsassa).area
        #expect(failing(evidence.with("ak", stranger)) == ["azure.hcl.key"])
    }

    @Test("Revocation lists and collateral are missed, unless a setting lets that pass")
    func strict() throws {
        #expect(!failing(try Self.evidence(Self.files[0].0), AzureVTPMRequirements()).isEmpty)
        #expect(!failing(try Self.evidence(Self.files[3].0), AzureVTPMRequirements()).isEmpty)
    }

    @Test("No hardware vouches for another machine's TPM")
    func splices() throws {
        var refused = 0
        for (file, machine) in Self.files {
            let hardware = try Self.evidence(file)
            for (other, otherMachine) in Self.files where file != other {
                var spliced = hardware
                for part in ["attest", "signature", "pcrs"] {
                    spliced = spliced.with(part, try Self.evidence(other)[part])
                }
                if machine == otherMachine {
                    #expect(failing(spliced) == [], "\(file) with the quote of \(other)")
                } else {
                    refused += 1
                    #expect(failing(spliced) == ["tpm.quote.signature"], "\(file) with the quote of \(other)")
                }
                // The paravisor's report of one machine with what the hardware of the other adds.
                var foreign = hardware
                for part in ["certificates", "quote"] { foreign = foreign.with(part, try Self.evidence(other)[part]) }
                if machine != otherMachine { #expect(failing(foreign) != [], "\(file) with the hardware of \(other)") }
            }
            // A TPM of another kind of machine is a fourth platform.
            for quote in try GCEAttestation.read(Vectors.bytes("tpm/gce-cos-85-nonce9009.pb"))
                + [TrusteeTPMEvidence.read(Vectors.bytes("tpm/swtpm-evidence.json"))]
            {
                var spliced = hardware
                for part in ["attest", "signature", "pcrs"] { spliced = spliced.with(part, quote[part]) }
                refused += 1
                #expect(failing(spliced) == ["tpm.quote.signature"])
                #expect(
                    failing(spliced.with("ak", quote["ak"])).contains {
                        $0.hasPrefix("azure.hcl.key") || $0.hasPrefix("tpm.")
                    })
            }
        }
        #expect(refused == 10 + 16)
    }

    @Test("Every byte of the paravisor's report and of the quote is held by a check", arguments: [0, 2])
    func mutations(index: Int) throws {
        let evidence = try Self.evidence(Self.files[index].0)
        let report = try #require(evidence["hcl-report"])
        let claims = 1236..<1236 + (Int(report[1232]) | Int(report[1233]) << 8)
        let attest = try #require(evidence["attest"])
        let fields = [
            ProtectedField(part: "hcl-report", range: 0..<32, checks: ["azure.hcl.format"]),
            ProtectedField(part: "hcl-report", range: 32..<1216, checks: ["snp."], everyBit: false),
            ProtectedField(
                part: "hcl-report", range: 1216..<1236,
                checks: ["azure.hcl.format", "azure.hcl.binding", "tdx.quote.format"]),
            ProtectedField(
                part: "hcl-report", range: claims, checks: ["azure.hcl.format", "azure.hcl.binding"], everyBit: false),
            ProtectedField(
                part: "hcl-report", range: claims.upperBound..<report.count, checks: ["azure.hcl.format"],
                everyBit: false),
            ProtectedField(
                part: "attest", range: 0..<attest.count, checks: ["tpm.attest.", "tpm.quote.signature"], everyBit: false
            ),
            ProtectedField(
                part: "signature", range: 0..<262, checks: ["tpm.signature.format", "tpm.quote.signature"],
                everyBit: false),
            ProtectedField(
                part: "pcrs", range: 0..<864, checks: ["tpm.pcrs.", "tpm.quote.pcr-digest"], everyBit: false),
        ]
        for field in fields {
            for (offset, bits) in field.changes {
                let found = failing(try evidence.flipping(field.part, at: offset, bits))
                #expect(
                    found.first.map { name in field.checks.contains(where: name.hasPrefix) } == true,
                    "\(field), byte \(offset), bits \(bits): \(found)")
            }
        }
    }

    @Test("A domain's own report is held to the quote, but for what its machine alone can check")
    func domainReport() throws {
        let evidence = try Self.evidence(Self.files[3].0)
        // The processor's SVN and the code, which nothing but the machine's own key covers.
        let free = [16..<32, 224..<256]
        for offset in stride(from: 0, to: 1184, by: 5) {
            let found = failing(try evidence.flipping("hcl-report", at: 32 + offset, 1 << (offset % 8)))
            let isFree = free.contains { $0.contains(offset) }
            #expect(found == (isFree ? [] : ["azure.hcl.report"]), "byte \(offset)")
        }
    }

    @Test("A domain's own report with digests that fit is refused where it is of another domain")
    func otherDomain() throws {
        let evidence = try Self.evidence(Self.files[3].0)
        let report = try #require(evidence["hcl-report"])
        let changes: [(Int, Bool)] = [
            (264, true), (280, true), (328, true), (376, true), (512, true), (520, true), (528, true), (576, true),
            (624, true), (672, true), (128, true),
            // A register that is extended while the system runs.
            (720, false),
        ]
        for (offset, isRefused) in changes {
            var changed = report
            changed[32 + offset] ^= 1
            changed.replaceSubrange(32 + 32..<32 + 80, with: Array(SHA384.hash(data: changed[32 + 256..<32 + 495])))
            changed.replaceSubrange(32 + 80..<32 + 128, with: Array(SHA384.hash(data: changed[32 + 512..<32 + 1024])))
            let found = failing(evidence.with("hcl-report", changed))
            #expect(found == (isRefused ? ["azure.hcl.report"] : []), "byte \(offset)")
        }
    }

    @Test("No piece of a paravisor's report is one")
    func truncations() throws {
        let report = try #require(try Self.evidence(Self.files[0].0)["hcl-report"])
        let claims = 1236 + (Int(report[1232]) | Int(report[1233]) << 8)
        for count in 0..<claims {
            #expect(throws: EvidenceError.self) { try HCLReport(Array(report.prefix(count))) }
        }
    }
}
