import Crypto
import FoundationEssentials
import PliniusVerifier
import PliniusWire
import Testing

/// Judges a GPU's evidence, as a verdict does: what was thrown is a check that failed.
private func judge(
    _ evidence: Evidence, _ requirements: NVIDIARequirements, _ context: Context
) -> (claims: NVIDIAClaims?, failed: [String]) {
    var examination = Examination()
    let claims = examination.group("nvidia") { inner throws(EvidenceError) in
        try examineNVIDIA(evidence, requirements, context, &inner)
    }
    return (claims, examination.findings[0].parts.filter { $0.outcome == .failed }.map(\.check))
}

/// A GPU under a maker of the test's own.
private struct TestGPU {
    var firmware: [UInt8] = Array(repeating: 5, count: 48)
    var certifiedFirmware: [UInt8]? = Array(repeating: 5, count: 48)
    var request: [UInt8] = [0x11, 0xE0, 1, 0xFF]
    var response: [UInt8] = [0x11, 0x60, 0, 0]
    var blocks: [[UInt8]] = [Self.block(1, 0xAA), Self.block(2, 0xBB)]
    var count: UInt8 = 2
    var extraFields: [UInt8] = []
    var revoked: [[UInt8]] = []
    var omitsList = false
    var signsWithStrangeKey = false
    /// The driver's version and the VBIOS's.
    var versions = field(3, Array("590.12\u{0}".utf8)) + field(6, [0, 0xA5, 0, 0x96, 1, 0, 0, 0])
    /// What the certificate says of the firmware, if not in the form that it has.
    var composite: [UInt8]?

    static func block(_ index: UInt8, _ value: UInt8, form: UInt8 = 1, size: UInt8 = 51, inner: UInt8 = 48) -> [UInt8] {
        [index, form, size, 0, 1, inner, 0] + Array(repeating: value, count: 48)
    }

    static func field(_ type: UInt8, _ value: [UInt8]) -> [UInt8] { [type, 0, UInt8(value.count), 0] + value }

    func made() throws -> (evidence: Evidence, context: Context) {
        let root = try TestAuthority("Device Identity", .p384(P384.Signing.PrivateKey()))
        let point = TestDER.extension("2.5.29.31", TestDER.sequence())
        let identity = try TestAuthority(
            "Identity", .p384(P384.Signing.PrivateKey()), under: root,
            extensions: [TestDER.authority(), TestDER.usage(0x06), point])
        let key = P384.Signing.PrivateKey()
        let composite =
            composite
            ?? certifiedFirmware.map {
                TestDER.sequence(
                    TestDER.integer(1), TestKey.p384(key).spki,
                    TestDER.sequence(TestDER.identifier("2.16.840.1.101.3.4.2.2"), TestDER.octets($0)))
            }
        let leaf = try identity.certify(
            "GPU", .p384(key), to: "99991231235959",
            extensions: composite.map { [TestDER.extension("2.23.133.5.4.1", $0)] } ?? [])
        let fields = versions + Self.field(20, firmware) + extraFields
        let record = Array(blocks.joined())
        var report = request + Array(repeating: 9, count: 32) + [0] + response
        report += [count, UInt8(record.count & 255), UInt8(record.count >> 8), 0] + record
        report += Array(repeating: 8, count: 32) + [UInt8(fields.count), 0] + fields
        let signer = signsWithStrangeKey ? P384.Signing.PrivateKey() : key
        report += Array(try signer.signature(for: report).rawRepresentation)
        var context = Context(now: Vectors.pinnedTime)
        context.anchors.nvidia = [root.certificate]
        if !omitsList { context.collateral.nvidiaRevocationLists = [try root.revoke(revoked)] }
        return (
            Evidence(.nvidia, ["report": report, "certificates": testPEM([leaf, identity.certificate])]), context
        )
    }
}

@Suite("GPUs")
struct NVIDIATests {
    private static let line = PolicyLine("nvidia", line: 9)
    private static func value(_ byte: UInt8) -> [UInt8] { Array(repeating: byte, count: 48) }

    @Test("A GPU passes with all that a policy may list, and says what it is")
    func passes() throws {
        let (evidence, context) = try TestGPU().made()
        var requirements = NVIDIARequirements()
        requirements.measurements = Setting([1: [Self.value(0), Self.value(0xAA)], 2: [Self.value(0xBB)]], Self.line)
        requirements.driverVersions = Setting(["580.1", "590.12"], Self.line)
        requirements.vbiosVersions = Setting(["96.00.A5.00.01"], Self.line)
        let (claims, failed) = judge(evidence, requirements, context)
        #expect(failed.isEmpty)
        #expect(claims?.boundData == Array(repeating: 9, count: 32))
        #expect(claims?.measurements["measurement.2"] == String(repeating: "bb", count: 48))
        #expect(claims?.device == "GPU" && claims?.serialNumber == [7])
    }

    @Test("Measurements that nobody compares are tolerated by the line that says so, and show")
    func anyMeasurement() throws {
        let (evidence, context) = try TestGPU().made()
        var requirements = NVIDIARequirements()
        let line = PolicyLine("nvidia.toleratesAnyMeasurement", line: 9)
        requirements.toleratesAnyMeasurement = Setting(true, line)
        var examination = Examination()
        _ = try examineNVIDIA(evidence, requirements, context, &examination)
        let tolerated = examination.findings.filter { $0.outcome == .tolerated }
        #expect(tolerated.map(\.check) == ["nvidia.measurements"] && tolerated.first?.policyLine == line)
        #expect(examination.hasPassed)
        // Without the line nothing is said of them, nor where they are compared.
        for value in [nil, false] {
            requirements.toleratesAnyMeasurement = value.map { Setting($0, line) }
            var strict = Examination()
            _ = try examineNVIDIA(evidence, requirements, context, &strict)
            #expect(strict.findings.allSatisfy { $0.outcome == .passed })
        }
        requirements.toleratesAnyMeasurement = Setting(true, line)
        requirements.measurements = Setting([1: [Self.value(1)]], line)
        #expect(judge(evidence, requirements, context).failed == ["nvidia.measurement.1"])
    }

    @Test("What a policy does not list is named")
    func policy() throws {
        let (evidence, context) = try TestGPU().made()
        for (change, failing): ((inout NVIDIARequirements) -> Void, String) in [
            ({ $0.measurements = Setting([2: [Self.value(1)]], Self.line) }, "nvidia.measurement.2"),
            ({ $0.measurements = Setting([3: [Self.value(1)]], Self.line) }, "nvidia.measurement.3"),
            ({ $0.measurements = Setting([3: [[]]], Self.line) }, "nvidia.measurement.3"),
            ({ $0.measurements = Setting([1: []], Self.line) }, "nvidia.measurement.1"),
            ({ $0.driverVersions = Setting(["590.1"], Self.line) }, "nvidia.driver"),
            ({ $0.vbiosVersions = Setting([], Self.line) }, "nvidia.vbios"),
        ] {
            var requirements = NVIDIARequirements()
            change(&requirements)
            #expect(judge(evidence, requirements, context).failed == [failing])
        }
    }

    @Test("A version that a report does not give is none that a policy lists")
    func versions() throws {
        var gpu = TestGPU()
        gpu.versions = []
        let (evidence, context) = try gpu.made()
        var requirements = NVIDIARequirements()
        requirements.driverVersions = Setting(["590.12"], Self.line)
        requirements.vbiosVersions = Setting(["96.00.A5.00.01"], Self.line)
        #expect(judge(evidence, requirements, context).failed == ["nvidia.driver", "nvidia.vbios"])
    }

    @Test("What is wrong with a GPU is named")
    func fails() throws {
        for (change, failing): ((inout TestGPU) -> Void, String) in [
            ({ $0.firmware[0] = 6 }, "nvidia.certificate.fwid"),
            ({ $0.certifiedFirmware = [] }, "nvidia.certificate.fwid"),
            ({ $0.composite = [0x30, 0] }, "nvidia.certificate.fwid"),
            ({ $0.composite = [1, 2, 3] }, "nvidia.certificate.fwid"),
            ({ $0.signsWithStrangeKey = true }, "nvidia.report.signature"),
            ({ $0.revoked = [[2]] }, "nvidia.certificate.revocation"),
            ({ $0.omitsList = true }, "nvidia.certificate.revocation"),
            ({ $0.request[1] = 0xE1 }, "nvidia.report.format"),
            ({ $0.request[0] = 0x12 }, "nvidia.report.format"),
            ({ $0.request[2] = 0 }, "nvidia.report.format"),
            ({ $0.response[1] = 0x7F }, "nvidia.report.format"),
            ({ $0.count = 1 }, "nvidia.report.format"),
            ({ $0.count = 3 }, "nvidia.report.format"),
            ({ $0.blocks[1] = TestGPU.block(1, 0xBB) }, "nvidia.report.format"),
            ({ $0.blocks[1] = TestGPU.block(2, 0xBB, form: 0) }, "nvidia.report.format"),
            ({ $0.blocks[1] = TestGPU.block(2, 0xBB, size: 52) }, "nvidia.report.format"),
            ({ $0.blocks[1] = TestGPU.block(2, 0xBB, inner: 47) }, "nvidia.report.format"),
            ({ $0.blocks[1] = TestGPU.block(2, 0xBB, inner: 49) }, "nvidia.report.format"),
            ({ $0.extraFields = TestGPU.field(3, [1]) }, "nvidia.report.format"),
            ({ $0.extraFields = [9, 0, 1, 0] }, "nvidia.report.format"),
        ] {
            var gpu = TestGPU()
            change(&gpu)
            let (evidence, context) = try gpu.made()
            #expect(judge(evidence, NVIDIARequirements(), context).failed == [failing])
        }
        var gpu = TestGPU()
        (gpu.omitsList, gpu.certifiedFirmware) = (true, nil)
        let (evidence, context) = try gpu.made()
        var requirements = NVIDIARequirements()
        requirements.toleratesAbsentRevocationLists = Setting(true, Self.line)
        #expect(judge(evidence, requirements, context).failed.isEmpty)
        #expect(
            judge(Evidence(.nvidia, [:]), requirements, context).failed == ["nvidia.report.format"])
        let bare = Evidence(.nvidia, ["report": try #require(evidence["report"])])
        #expect(judge(bare, requirements, context).failed == ["nvidia.certificates.format"])
        var pinned = context
        pinned.anchors = .pinned
        #expect(judge(evidence, requirements, pinned).failed == ["nvidia.certificate.chain"])
    }

    @Test("The nonce binds the runtime data")
    func nonce() {
        let digest = Array(SHA512.hash(data: [1, 2, 3] as [UInt8]))
        let expected = Array(SHA256.hash(data: Array("plinius/1/gpu".utf8) + digest))
        #expect(NVIDIAReport.nonce(runtimeData: [1, 2, 3]) == expected)
    }

    @Test("No length and no bytes make the reader trap")
    func damage() throws {
        let report = try #require(try TestGPU().made().evidence["report"])
        for count in 0..<report.count {
            #expect(throws: EvidenceError.self) { try NVIDIAReport(Array(report.prefix(count))) }
        }
        #expect(throws: EvidenceError.self) { try NVIDIAReport(report + [0]) }
        let long = #expect(throws: EvidenceError.self) {
            try NVIDIAReport(report + Array(repeating: 0, count: NVIDIAReport.byteLimit))
        }
        #expect(long?.expected == "at most \(NVIDIAReport.byteLimit) bytes")
        for position in report.indices {
            for change: UInt8 in [1, 0x80, 0xFF] {
                var changed = report
                changed[position] ^= change
                _ = try? NVIDIAReport(changed)
            }
        }
    }
}

@Suite("Published evidence of a GPU", .enabled(if: Vectors.areThere, Vectors.reason))
struct NVIDIAVectorTests {
    private struct Entry: Decodable {
        var evidence: Data
        var certificate: Data
        var nonce: String
    }

    private static let requirements: NVIDIARequirements = {
        var requirements = NVIDIARequirements()
        requirements.toleratesAbsentRevocationLists = Setting(true, PolicyLine("nvidia", line: 2))
        return requirements
    }()

    private func entry() throws -> Entry {
        let entries = try JSONDecoder().decode([Entry].self, from: Data(Vectors.bytes("nvidia/hopper_evidence.json")))
        return try #require(entries.first)
    }

    private func evidence(_ entry: Entry) -> Evidence {
        Evidence(.nvidia, ["report": Array(entry.evidence), "certificates": Array(entry.certificate)])
    }

    @Test("A real Hopper passes: five certificates, the nonce, the versions")
    func positive() throws {
        let entry = try entry()
        let context = Context(now: Vectors.pinnedTime)
        let (claims, failed) = judge(evidence(entry), Self.requirements, context)
        #expect(failed.isEmpty)
        #expect(
            claims?.boundData.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == entry.nonce)
        #expect(claims?.driverVersion == "590.12" && claims?.vbiosVersion == "96.00.A5.00.01")
        #expect(claims?.blocks.keys.sorted() == Array(1...64))
        #expect(judge(evidence(entry), NVIDIARequirements(), context).failed == ["nvidia.certificate.revocation"])
    }

    @Test("Its makers' key is the one that is pinned")
    func root() throws {
        let certificates = try ParsedCertificate.parse(pem: Array(try entry().certificate))
        #expect(certificates.count == 5 && TrustAnchors.pinned.nvidia == [certificates[4].der])
        #expect(certificates[4].isSigned(by: certificates[4].publicKey))
        #expect(certificates[0].notAfter == Instant(9999, 12, 31, 23, 59, 59))
    }

    @Test("A changed byte of request, response or signature is noticed")
    func mutation() throws {
        let entry = try entry()
        // Request: codes, nonce, slot; response: codes, the record, its nonce, opaque data; signature.
        let fields: [(range: Range<Int>, isFormat: Bool)] = [
            (0..<2, true), (2..<3, false), (3..<4, false), (4..<36, false), (36..<37, false), (37..<39, true),
            (39..<41, false), (41..<45, true), (45..<46, false), (52..<100, false), (100..<3565, false),
            (3565..<3597, false), (3599..<4178, false), (4178..<4274, false),
        ]
        for (range, isFormat) in fields {
            for offset in Set([range.lowerBound, (range.lowerBound + range.upperBound) / 2, range.upperBound - 1]) {
                for bit: UInt8 in [2, 0x40] {
                    var changed = entry
                    changed.evidence[offset] ^= bit
                    let failed = judge(evidence(changed), Self.requirements, Context(now: Vectors.pinnedTime)).failed
                    if isFormat {
                        #expect(failed == ["nvidia.report.format"], "byte \(offset)")
                    } else {
                        // A changed length within the record or the opaque data cannot even be read.
                        #expect(
                            failed.contains("nvidia.report.signature") || failed == ["nvidia.report.format"],
                            "byte \(offset)")
                    }
                }
            }
        }
    }

    @Test("Certificates in another order, or one less, end nowhere")
    func certificates() throws {
        let entry = try entry()
        let certificates = try ParsedCertificate.parse(pem: Array(entry.certificate)).map(\.der)
        for (kept, failing) in [
            ([1, 2, 3], "nvidia.report.signature"), ([0, 2, 3, 4], "nvidia.certificate.chain"),
            ([0, 1, 2, 4], "nvidia.certificate.chain"),
        ] {
            let evidence = Evidence(
                .nvidia, ["report": Array(entry.evidence), "certificates": testPEM(kept.map { certificates[$0] })])
            #expect(judge(evidence, Self.requirements, Context(now: Vectors.pinnedTime)).failed == [failing])
        }
    }
}
