import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing

/// Judges evidence of SEV-SNP, as a verdict does: what was thrown is a check that failed.
private func judge(
    _ evidence: Evidence, _ requirements: SNPRequirements, _ context: Context
) -> (claims: SNPClaims?, failed: [String], findings: [Finding]) {
    var examination = Examination()
    let claims = examination.group("snp") { inner throws(EvidenceError) in
        try examineSNP(evidence, requirements, context, &inner)
    }
    let findings = examination.findings[0].parts
    return (claims, findings.filter { $0.outcome == .failed }.map(\.check), findings)
}

@Suite("SEV-SNP")
struct SNPTests {
    private static let line = SNPTestGuest.line

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var failing: [String]
        var change: @Sendable (inout SNPTestGuest) -> Void

        init(_ name: String, _ failing: String..., change: @escaping @Sendable (inout SNPTestGuest) -> Void) {
            (testDescription, self.failing) = (name, failing.map { "snp.\($0)" })
            self.change = change
        }
    }

    static func on(_ value: Bool = true) -> Setting<Bool> { Setting(value, line) }
    static func one(_ byte: UInt8, _ count: Int) -> [UInt8] { Array(repeating: byte, count: count) }
    static func list(_ byte: UInt8, _ count: Int) -> Setting<[[UInt8]]> {
        Setting([one(0, count), one(byte, count)], line)
    }

    static let passing: [Case] = [
        Case("as it is") { _ in },
        Case("certificates as PEM") { $0.asPEM = true },
        Case("every setting that it meets") {
            $0.requirements.measurement = list(0xAA, 48)
            $0.requirements.hostData = Setting(one(0xBB, 32), line)
            $0.requirements.idKeyDigest = list(0xCC, 48)
            $0.requirements.authorKeyDigest = list(0xDD, 48)
            $0.requirements.familyID = Setting(one(0xF0, 16), line)
            $0.requirements.imageID = Setting(one(0x1D, 16), line)
            $0.requirements.minimumGuestSVN = Setting(3, line)
            $0.requirements.vmpl = Setting(0, line)
            $0.requirements.products = Setting([.turin], line)
            $0.requirements.signers = Setting([.chip], line)
            $0.requirements.chipID = Setting([Array(1...8) + one(0, 56)], line)
            $0.requirements.permittedPolicy = Setting(.smt, line)
            $0.requirements.minimumABI = Setting(SNPABIVersion(major: 1, minor: 55), line)
            $0.requirements.permittedPlatform = Setting([.smt, .ecc, .aliasCheckComplete], line)
            $0.requirements.requiredPlatform = Setting(.aliasCheckComplete, line)
            $0.requirements.minimumTCB = Setting(
                [.fmc: 1, .bootloader: 2, .tee: 0, .snp: 4, .microcode: 200], line)
            $0.requirements.minimumLaunchTCB = Setting([.snp: 3, .microcode: 199], line)
            $0.requirements.requiresCommittedFirmware = on(false)
            $0.requirements.launchMitigations = Setting(3, line)
            $0.requirements.currentMitigations = Setting(5, line)
        },
        Case("a policy that restricts") {
            $0[10, 2] = [0x12, 0]
            $0.requirements.permittedPolicy = Setting([], line)
            $0.requirements.requiredPolicy = Setting(.singleSocket, line)
        },
        Case("firmware that is committed") {
            $0[0x38, 8] = $0[0x1E0, 8]
            $0[0x1E8, 3] = $0[0x1EC, 3]
            $0.requirements.requiresCommittedFirmware = on()
        },
        Case("another privilege level, as the policy says") {
            $0[0x30, 1] = [2]
            $0.requirements.vmpl = Setting(2, line)
        },
        Case("debugging, tolerated") {
            $0[10, 1] = [0x0B]
            $0.requirements.toleratesDebug = on()
        },
        Case("a migration agent, tolerated") {
            $0[10, 1] = [0x07]
            $0[0x160, 32] = one(0x22, 32)
            $0.requirements.toleratesMigrationAgent = on()
        },
        Case("a hidden chip, tolerated") {
            $0[0x1A0, 8] = one(0, 8)
            $0.requirements.toleratesMaskedChipID = on()
        },
        Case("no lists, tolerated") {
            $0.hasLists = false
            $0.requirements.toleratesAbsentRevocationLists = on()
        },
        Case("Genoa, version 3") {
            $0.becomeGenoa()
        },
        Case("Bergamo counts as Genoa") {
            $0.becomeGenoa()
            $0[0x189, 1] = [0xA0]
        },
        Case("Milan, version 2, a chip wrapped in an octet string") {
            $0.becomeGenoa()
            ($0.root, $0.authority, $0.productName) = ("ARK-Milan", "SEV-Milan", "Milan-B0")
            $0[0, 1] = [2]
            $0[0x188, 3] = [0, 0, 0]
            $0.hardwareID = [4, 64] + one(0x77, 64)
        },
        Case("a loaded key") {
            $0.becomeLoaded()
            $0.requirements.clouds = Setting(["CN=a", "CN=b"], line)
        },
    ]

    static let failing: [Case] = [
        Case("a version that nobody knows", "report.format") { $0[0, 1] = [6] },
        Case("version 1", "report.format") { $0[0, 1] = [1] },
        Case("no key signed", "report.signer") { $0[0x48, 1] = [0x1C] },
        Case("a hidden key", "report.signer") { $0[0x48, 1] = [2] },
        Case("another signature algorithm", "report.signer") { $0[0x34, 1] = [2] },
        Case("a signer that the policy leaves out", "report.signer") {
            $0.requirements.signers = Setting([.loaded], line)
        },
        Case("no certificate", "certificate.present") { $0.omitsCertificates = true },
        Case("a strange key", "report.signature") { $0.signsWithStrangeKey = true },
        Case("changed after it was signed", "report.signature") { $0.changesAfterSigning = [0x50] },
        Case("a changed signature", "report.signature") { $0.changesAfterSigning = [0x2A0] },
        Case("a byte behind r", "report.format") { $0.changesAfterSigning = [0x2A0 + 48] },
        Case("a byte behind s", "report.format") { $0.changesAfterSigning = [0x2A0 + 143] },
        Case("a byte behind the signature", "report.format") { $0.changesAfterSigning = [1183] },
        Case("an expired certificate", "certificate.validity", "certificate.kind") { $0.leafTo = "20250630235959" },
        Case("a revoked authority", "certificate.revocation", "certificate.kind") { $0.revoked = [[2]] },
        Case("no lists", "certificate.revocation") { $0.hasLists = false },
        Case("an authority that is none", "certificate.constraints", "certificate.kind") {
            $0.authorityExtensions = [TestDER.usage(0x04)]
        },
        Case("the root of another product", "certificate.product") { $0.root = "ARK-Genoa" },
        Case("a certificate of another product", "certificate.product", "certificate.kind", "certificate.chip") {
            $0.productName = "Genoa-B1"
            $0.versions["3.3"] = 0
            ($0.versions["3.1"], $0.versions["3.2"]) = (1, 2)
        },
        Case("a product that nobody knows", "certificate.product") { $0.productName = "Rome-B0" },
        Case("a processor of another product", "certificate.product") { $0[0x188, 2] = [0x19, 0x11] },
        Case("a processor that nobody knows", "certificate.product") { $0[0x188, 1] = [0x1B] },
        Case("a product that the policy leaves out", "certificate.product") {
            $0.requirements.products = Setting([.milan, .genoa], line)
        },
        Case("a loaded key, where the chip's is said to sign", "certificate.kind") { $0.leaf = "SEV-VLEK" },
        Case("the chip's key, where a loaded one is said to sign", "certificate.kind") { $0[0x48, 1] = [4] },
        Case("a chip's key under the authority for loaded ones", "certificate.kind") {
            $0.authority = "SEV-VLEK-Turin"
        },
        Case("a key for other versions", "certificate.tcb") { $0.versions["3.8"] = 201 },
        Case("a key for another first loader", "certificate.tcb") { $0.versions["3.9"] = 0 },
        Case("a key that says no version", "certificate.tcb") { $0.versions["3.3"] = nil },
        Case("a key for a version of nine bits", "certificate.tcb") { $0.versions["3.8"] = 456 },
        Case("another chip", "certificate.chip") { $0.hardwareID = Array(2...9) },
        Case("a chip of the wrong length", "certificate.chip") { $0.hardwareID = Array(1...8) + one(0, 56) },
        Case("a chip that is more than its certificate says", "certificate.chip") { $0[0x1A8, 1] = [1] },
        Case("a hidden chip", "certificate.chip") { $0[0x1A0, 8] = one(0, 8) },
        Case("another chip, where hiding is tolerated", "certificate.chip") {
            $0.hardwareID = Array(2...9)
            $0.requirements.toleratesMaskedChipID = on()
        },
        Case("another cloud", "certificate.cloud") {
            $0.becomeLoaded()
            $0.requirements.clouds = Setting(["CN=a"], line)
        },
        Case("no cloud", "certificate.cloud") { $0.requirements.clouds = Setting(["CN=b"], line) },
        Case("a chip's key that names a cloud", "certificate.cloud") {
            $0.cloud = "CN=b"
            $0.requirements.clouds = Setting(["CN=b"], line)
        },
        Case("debugging", "policy.debug") { $0[10, 1] = [0x0B] },
        Case("debugging, not tolerated", "policy.debug") {
            $0[10, 1] = [0x0B]
            $0.requirements.toleratesDebug = on(false)
        },
        Case("migration is allowed", "policy.migration") { $0[10, 1] = [0x07] },
        Case("an agent is bound", "policy.migration") { $0[0x160, 1] = [0] },
        Case("a policy without its fixed bit", "policy.reserved") { $0[10, 1] = [0x01] },
        Case("a policy of bits to come", "policy.reserved") { $0[11, 1] = [0x04] },
        Case("two threads", "policy.permitted") { $0.requirements.permittedPolicy = Setting(.cxl, line) },
        Case("more than one socket", "policy.required") {
            $0.requirements.requiredPolicy = Setting(.singleSocket, line)
        },
        Case("an older interface", "policy.abi") {
            $0.requirements.minimumABI = Setting(SNPABIVersion(major: 1, minor: 56), line)
        },
        Case("another privilege level", "vmpl") { $0[0x30, 1] = [1] },
        Case("not the privilege level of the policy", "vmpl") { $0.requirements.vmpl = Setting(1, line) },
        Case("another measurement", "measurement") { $0.requirements.measurement = list(1, 48) },
        Case("no measurement is listed", "measurement") { $0.requirements.measurement = Setting([], line) },
        Case("other host data", "hostdata") { $0.requirements.hostData = Setting(one(1, 32), line) },
        Case("another owner", "idkeydigest") { $0.requirements.idKeyDigest = list(1, 48) },
        Case("another author", "authorkeydigest") { $0.requirements.authorKeyDigest = list(1, 48) },
        Case("an author's digest that does not count", "authorkeydigest") {
            $0[0x48, 1] = [0]
            $0.requirements.authorKeyDigest = list(0xDD, 48)
        },
        Case("another family", "familyid") { $0.requirements.familyID = Setting(one(1, 16), line) },
        Case("another image", "imageid") { $0.requirements.imageID = Setting(one(1, 16), line) },
        Case("a chip that the policy does not list", "chipid") { $0.requirements.chipID = list(1, 64) },
        Case("an older guest", "guestsvn") { $0.requirements.minimumGuestSVN = Setting(4, line) },
        Case("older firmware", "tcb.snp") { $0.requirements.minimumTCB = Setting([.snp: 5, .tee: 0], line) },
        Case("an older first loader", "tcb.fmc") { $0.requirements.minimumTCB = Setting([.fmc: 2], line) },
        Case("a component that the product has not", "tcb.fmc") {
            $0.becomeGenoa()
            $0.requirements.minimumTCB = Setting([.fmc: 0], line)
        },
        Case("older microcode at launch", "launch-tcb.microcode") {
            $0.requirements.minimumLaunchTCB = Setting([.microcode: 200], line)
        },
        Case("firmware on probation", "firmware") { $0.requirements.requiresCommittedFirmware = on() },
        Case("versions on probation", "firmware") {
            $0[0x1E8, 3] = $0[0x1EC, 3]
            $0.requirements.requiresCommittedFirmware = on()
        },
        Case("a build on probation", "firmware") {
            $0[0x38, 8] = $0[0x1E0, 8]
            $0.requirements.requiresCommittedFirmware = on()
        },
        Case("two threads at the platform", "platform.permitted") {
            $0.requirements.permittedPlatform = Setting([.ecc, .aliasCheckComplete], line)
        },
        Case("memory that is not all encrypted", "platform.required") {
            $0.requirements.requiredPlatform = Setting([.tsme, .ecc], line)
        },
        Case("a mitigation that was missing", "mitigations.launch") {
            $0.requirements.launchMitigations = Setting(4, line)
        },
        Case("a mitigation that is missing", "mitigations.current") {
            $0.requirements.currentMitigations = Setting(8, line)
        },
        Case("mitigations of a launch before there were any", "mitigations.launch") {
            $0[0, 4] = [4, 0, 0, 0]
            $0.requirements.launchMitigations = Setting(1, line)
        },
        Case("mitigations before there were any", "mitigations.current") {
            $0[0, 1] = [4]
            $0.requirements.currentMitigations = Setting(1, line)
        },
    ]

    @Test("What is right passes", arguments: passing)
    func passes(example: Case) throws {
        var guest = SNPTestGuest()
        example.change(&guest)
        let (evidence, context) = try guest.made()
        let (claims, failed, _) = judge(evidence, guest.requirements, context)
        #expect(failed.isEmpty)
        #expect(claims?.boundData == Array(0..<64))
        #expect(claims?.measurements["measurement"] == String(repeating: "aa", count: 48))
    }

    @Test("What is wrong is named", arguments: failing)
    func fails(example: Case) throws {
        var guest = SNPTestGuest()
        example.change(&guest)
        let (evidence, context) = try guest.made()
        let (claims, failed, findings) = judge(evidence, guest.requirements, context)
        #expect(failed == example.failing && claims == nil)
        #expect(findings.contains { $0.outcome == .failed && !$0.expected.isEmpty && !$0.found.isEmpty })
    }

    @Test("A tolerated check names the line that lets it pass")
    func tolerance() throws {
        var guest = SNPTestGuest()
        guest[10, 1] = [0x0B]
        guest.requirements.toleratesDebug = Self.on()
        let (evidence, context) = try guest.made()
        let finding = judge(evidence, guest.requirements, context).findings.first { $0.check == "snp.policy.debug" }
        #expect(finding?.outcome == .tolerated && finding?.policyLine == Self.line)
    }

    @Test("A root of the tests' own is none by default")
    func pinned() throws {
        let (evidence, context) = try SNPTestGuest().made()
        var other = context
        other.anchors = .pinned
        #expect(TrustAnchors.pinned.amd.count == 3)
        #expect(judge(evidence, SNPRequirements(), other).failed.first == "snp.certificate.chain")
    }

    @Test("AMD's root keys signed themselves and the authorities below them, and are named as products are")
    func roots() throws {
        let roots = try TrustAnchors.pinned.amd.map { try ParsedCertificate(der: $0) }
        #expect(roots.map(\.commonName) == ["ARK-Milan", "ARK-Genoa", "ARK-Turin"])
        #expect(roots.allSatisfy { $0.issuer == $0.subject && $0.isSigned(by: $0.publicKey) })
    }

    @Test("Imported certificates serve where the evidence has none, if they are for the platform")
    func imported() throws {
        var guest = SNPTestGuest()
        let (evidence, context) = try guest.made()
        let certificates = try SNPCertificates(try #require(evidence["certificates"])).all.map(\.der)
        var other = context
        other.collateral.amdCertificates = [[1, 2]] + certificates
        let bare = Evidence(.snp, ["report": try #require(evidence["report"])])
        #expect(judge(bare, SNPRequirements(), other).failed.isEmpty)
        guest[0x180, 8] = [1, 2, 0, 4, 0, 0, 0, 201]
        let (newer, _) = try guest.made()
        let report = Evidence(.snp, ["report": try #require(newer["report"])])
        #expect(judge(report, SNPRequirements(), other).failed == ["snp.certificate.present"])
    }

    @Test("Reports and tables of every other length are refused, and no bytes make them trap")
    func damage() throws {
        let (evidence, _) = try SNPTestGuest().made()
        let report = try #require(evidence["report"])
        for count in 0..<report.count {
            #expect(throws: EvidenceError.self) { try SNPReport(Array(report.prefix(count))) }
        }
        #expect(throws: EvidenceError.self) { try SNPReport(report + [0]) }
        let table = try #require(evidence["certificates"])
        for count in 0..<(5 * 24) {
            #expect(throws: EvidenceError.self) { try SNPCertificates(Array(table.prefix(count))) }
        }
        #expect(throws: EvidenceError.self) { try SNPCertificates(Array(table.dropLast(4))) }
        for (offset, value) in [(16, 0xFF), (19, 0xFF), (20, 0xFF), (23, 0xFF)] {
            var changed = table
            changed[offset] = UInt8(value)
            #expect(throws: EvidenceError.self) { try SNPCertificates(changed) }
        }
        #expect(throws: EvidenceError.self) {
            try SNPCertificates(Array(repeating: 1, count: 33 * 24))
        }
        #expect(throws: Never.self) { try SNPCertificates(Array(repeating: 0, count: 1 << 20)) }
        #expect(throws: EvidenceError.self) { try SNPCertificates(Array(repeating: 0, count: (1 << 20) + 1)) }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            _ = try? SNPReport(
                (0..<1184).map { $0 < 4 ? [3, 0, 0, 0][$0] : UInt8.random(in: 0...255, using: &random) })
            _ = try? SNPCertificates((0..<200).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }
}

extension SNPTestGuest {
    /// A guest whose report a cloud's key signed.
    mutating func becomeLoaded() {
        (authority, leaf, hardwareID, cloud) = ("SEV-VLEK-Turin", "SEV-VLEK", nil, "CN=b")
        self[0x48, 1] = [5]
        self[0x1A0, 8] = Array(repeating: 0, count: 8)
    }

    /// A guest of Genoa: version 3, with the older layout of versions and a chip of 64 bytes.
    mutating func becomeGenoa() {
        (root, authority, productName) = ("ARK-Genoa", "SEV-Genoa", "Genoa-B1")
        versions = ["3.1": 9, "3.2": 0, "3.3": 21, "3.8": 72]
        hardwareID = Array(repeating: 0x77, count: 64)
        self[0, 1] = [3]
        self[0x180, 8] = [9, 0, 0, 0, 0, 0, 21, 72]
        self[0x188, 3] = [0x19, 0x11, 1]
        self[0x1A0, 64] = Array(repeating: 0x77, count: 64)
    }
}

@Suite("Published SEV-SNP evidence", .enabled(if: Vectors.areThere, Vectors.reason))
struct SNPVectorTests {
    private static let line = PolicyLine("snp", line: 3)

    /// What the evidence needs, beyond the defaults, to pass.
    private static func requirements(_ change: (inout SNPRequirements) -> Void = { _ in }) -> SNPRequirements {
        var requirements = SNPRequirements()
        requirements.toleratesAbsentRevocationLists = Setting(true, line)
        change(&requirements)
        return requirements
    }

    private static func evidence(_ folder: String, _ leaf: String) throws -> Evidence {
        let name = leaf.contains("vlek") ? "a8074bc2a25a483eaae639c045a0b8a1" : "63da758de6644564adc5f4b93be8accd"
        return Evidence(
            .snp,
            [
                "report": try Vectors.bytes("snp/\(folder)/report.bin"),
                "certificates": SNPTestGuest.table([(name, try Vectors.bytes("snp/\(folder)/\(leaf)"))]),
            ])
    }

    struct Positive: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var leaf: String
        var requirements: SNPRequirements
        /// What fails without its tolerance.
        var tolerated: [String]
    }

    static let positives = [
        Positive(
            testDescription: "milan-v2", leaf: "vcek.der",
            requirements: requirements { $0.toleratesDebug = Setting(true, line) }, tolerated: ["snp.policy.debug"]),
        Positive(testDescription: "milan-trustee", leaf: "vcek.der", requirements: requirements(), tolerated: []),
        Positive(
            testDescription: "vlek", leaf: "vlek.der",
            requirements: requirements { $0.vmpl = Setting(1, line) }, tolerated: ["snp.vmpl"]),
    ]

    @Test(
        "Real reports pass with their makers' keys, and by default only what needs no tolerance", arguments: positives)
    func positive(example: Positive) throws {
        let evidence = try Self.evidence(example.testDescription, example.leaf)
        let context = Context(now: Vectors.pinnedTime)
        let (claims, failed, _) = judge(evidence, example.requirements, context)
        #expect(failed.isEmpty && claims?.product == .milan)
        #expect(claims?.signer == (example.leaf == "vlek.der" ? .loaded : .chip))
        #expect(claims?.cloud == (example.leaf == "vlek.der" ? "CN=cc-us-east-2.amazonaws.com" : nil))
        #expect(
            judge(evidence, SNPRequirements(), context).failed == ["snp.certificate.revocation"] + example.tolerated)
    }

    @Test("A cloud's key is refused from the day it ends")
    func expired() throws {
        let evidence = try Self.evidence("vlek", "vlek.der")
        for (now, failing) in [
            (Instant(2025, 12, 10, 22, 14, 21), nil), (Instant(2025, 12, 10, 22, 14, 22), "snp.certificate.validity"),
        ] {
            let requirements = Self.requirements { $0.vmpl = Setting(1, Self.line) }
            #expect(judge(evidence, requirements, Context(now: now)).failed.first == failing)
        }
    }

    @Test(
        "Certificates that others made up are refused, and whose they are not",
        arguments: ["vcek-invalid-1.der", "vcek-invalid-2.der"])
    func invalid(leaf: String) throws {
        let evidence = try Self.evidence("milan-trustee", leaf)
        let failed = judge(evidence, Self.requirements(), Context(now: Vectors.pinnedTime)).failed
        #expect(failed.first == "snp.certificate.signature" && failed.contains("snp.report.signature"))
        #expect(failed.contains("snp.certificate.chip") && failed.contains("snp.certificate.tcb"))
    }

    @Test("Authorities as PEM, as stored evidence has them, and those of another product")
    func bundle() throws {
        let report = try Vectors.bytes("snp/milan-trustee/report.bin")
        let leaf = testPEM([try Vectors.bytes("snp/milan-trustee/vcek.der")])
        let context = Context(now: Vectors.pinnedTime)
        for name in ["milan", "genoa"] {
            let pem = leaf + (try Vectors.bytes("snp/roots/ask_ark_\(name).pem"))
            let evidence = Evidence(.snp, ["report": report, "certificates": pem])
            #expect(judge(evidence, Self.requirements(), context).failed.isEmpty)
        }
        for (position, name) in ["milan", "genoa"].enumerated() {
            let pair = try ParsedCertificate.parse(pem: try Vectors.bytes("snp/roots/ask_ark_\(name).pem"))
            #expect(pair[1].der == TrustAnchors.pinned.amd[position])
            #expect(pair[0].isSigned(by: pair[1].publicKey))
        }
    }

    private struct AzureEvidence: Decodable {
        var report: [UInt8]
        var vcek: String
    }

    @Test(
        "The hardware reports of Azure's paravisor hold, Genoa's too",
        arguments: [("v0", SNPProduct.milan), ("genoa", .genoa)])
    func azure(name: String, product: SNPProduct) throws {
        let file = try JSONDecoder().decode(AzureEvidence.self, from: Data(Vectors.bytes("vtpm/az-snp-\(name).json")))
        let evidence = Evidence(
            .snp, ["report": Array(file.report[32..<(32 + 1184)]), "certificates": Array(file.vcek.utf8)])
        let (claims, failed, _) = judge(evidence, Self.requirements(), Context(now: Vectors.pinnedTime))
        #expect(failed.isEmpty && claims?.product == product)
    }

    @Test("The report of one machine is not the other's")
    func splice() throws {
        let evidence = Evidence(
            .snp,
            [
                "report": try Vectors.bytes("snp/milan-v2/report.bin"),
                "certificates": testPEM([try Vectors.bytes("snp/milan-trustee/vcek.der")]),
            ])
        let failed = judge(evidence, Self.requirements(), Context(now: Vectors.pinnedTime)).failed
        #expect(failed.prefix(3) == ["snp.report.signature", "snp.certificate.tcb", "snp.certificate.chip"])
    }

    /// The fields of a report: where they lie, and the check that a change of any of their bytes has to fail, besides the signature.
    static let fields: [(range: Range<Int>, name: String, check: String?)] = [
        (0..<4, "version", nil), (4..<8, "guest SVN", nil), (8..<16, "policy", nil), (0x10..<0x20, "family", nil),
        (0x20..<0x30, "image", nil), (0x30..<0x34, "VMPL", "snp.vmpl"), (0x34..<0x38, "algorithm", nil),
        (0x38..<0x40, "current TCB", nil), (0x40..<0x48, "platform", nil), (0x48..<0x49, "keys", nil),
        (0x4C..<0x50, "reserved", nil), (0x50..<0x90, "report data", nil),
        (0x90..<0xC0, "measurement", "snp.measurement"), (0xC0..<0xE0, "host data", "snp.hostdata"),
        (0xE0..<0x110, "id key", "snp.idkeydigest"), (0x110..<0x140, "author key", nil),
        (0x140..<0x160, "report id", nil), (0x160..<0x180, "agent", "snp.policy.migration"),
        (0x180..<0x182, "reported TCB", "snp.certificate.tcb"), (0x182..<0x186, "reserved TCB", nil),
        (0x186..<0x188, "reported TCB", "snp.certificate.tcb"), (0x188..<0x1A0, "processor", nil),
        (0x1A0..<0x1E0, "chip", nil), (0x1E0..<0x1E8, "committed TCB", nil), (0x1E8..<0x1F0, "firmware", nil),
        (0x1F0..<0x1F8, "launch TCB", nil), (0x1F8..<0x208, "mitigations", nil), (0x208..<0x2A0, "reserved", nil),
    ]

    @Test("A changed byte of any field is noticed, by its name", arguments: positives)
    func mutation(example: Positive) throws {
        let evidence = try Self.evidence(example.testDescription, example.leaf)
        let report = try #require(evidence["report"])
        var requirements = example.requirements
        requirements.measurement = Setting([Array(report[0x90..<0xC0])], Self.line)
        requirements.hostData = Setting(Array(report[0xC0..<0xE0]), Self.line)
        requirements.idKeyDigest = Setting([Array(report[0xE0..<0x110])], Self.line)
        func failed(_ report: [UInt8]) throws -> [String] {
            let changed = Evidence(.snp, ["report": report, "certificates": try #require(evidence["certificates"])])
            return judge(changed, requirements, Context(now: Vectors.pinnedTime)).failed
        }
        #expect(try failed(report).isEmpty)
        for (range, name, check) in Self.fields {
            for offset in [range.lowerBound, (range.lowerBound + range.upperBound) / 2, range.upperBound - 1] {
                var changed = report
                changed[offset] ^= 0x40
                let names = try failed(changed)
                if names == ["snp.report.format"] || names == ["snp.report.signer"] {
                    #expect(["version", "algorithm", "keys"].contains(name))
                } else {
                    #expect(names.contains("snp.report.signature"), "\(name), byte \(offset)")
                }
                if let check { #expect(names.contains(check), "\(name), byte \(offset)") }
            }
        }
        for offset in 0x2A0..<1184 where offset % 12 == 0 || offset == 1183 {
            var changed = report
            changed[offset] ^= 0x40
            let isScalar = (offset - 0x2A0) % 72 < 48 && offset < 0x2A0 + 144
            #expect(try failed(changed) == [isScalar ? "snp.report.signature" : "snp.report.format"])
        }
    }

    @Test("A changed byte of the certificate is noticed", arguments: positives)
    func certificate(example: Positive) throws {
        let der = try Vectors.bytes("snp/\(example.testDescription)/\(example.leaf)")
        let report = try Vectors.bytes("snp/\(example.testDescription)/report.bin")
        for offset in stride(from: 0, to: der.count, by: 29) {
            var changed = der
            changed[offset] ^= 0x10
            let evidence = Evidence(
                .snp,
                [
                    "report": report,
                    "certificates": SNPTestGuest.table([("63da758de6644564adc5f4b93be8accd", changed)]),
                ])
            let (claims, failed, _) = judge(evidence, example.requirements, Context(now: Vectors.pinnedTime))
            #expect(claims == nil)
            #expect(
                !Set(failed).isDisjoint(with: [
                    "x509.certificate.format", "snp.certificate.signature", "snp.certificate.chain",
                    "snp.certificate.present",
                ]),
                "byte \(offset)")
        }
    }
}
