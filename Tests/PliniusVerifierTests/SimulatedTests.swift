import Crypto
import PliniusVerifier
import PliniusWire
import Testing

@Suite("Simulated evidence")
struct SimulatedTests {
    private static let key = Curve25519.Signing.PrivateKey()
    private static let program = [UInt8](repeating: 0x77, count: 32)
    private static let reportData = (0..<64).map { UInt8($0) }

    private func report(mark: String = "PLINSIM1", version: UInt32 = 1) -> [UInt8] {
        Array(mark.utf8) + little(version) + Self.reportData + Self.program
    }

    private func evidence(_ report: [UInt8]? = nil, key: Curve25519.Signing.PrivateKey = Self.key) throws -> Evidence {
        let report = report ?? self.report()
        return Evidence(
            .simulated,
            [
                "report": report, "signature": Array(try key.signature(for: report)),
                "key": Array(key.publicKey.rawRepresentation),
            ])
    }

    private func judge(
        _ evidence: Evidence, level: SecurityLevel? = .test, measurement: [[UInt8]]? = [Self.program],
        anchors: [[UInt8]] = [Array(Self.key.publicKey.rawRepresentation)]
    ) -> (Examination, SimulatedClaims?) {
        var requirements = SimulatedRequirements()
        requirements.level = level.map { Setting($0, PolicyLine("level", line: 2)) }
        requirements.measurement = measurement.map { Setting($0, PolicyLine("simulated.measurement", line: 7)) }
        var context = Context(now: Vectors.pinnedTime)
        context.anchors.simulated = anchors
        var examination = Examination()
        let claims = examination.group("simulated") { (inner: inout Examination) throws(EvidenceError) in
            try examineSimulated(evidence, requirements, context, &inner)
        }
        return (examination, claims)
    }

    @Test(
        "Evidence of a test key that the verifier was given passes at the level test, and every finding says what it is"
    )
    func passes() throws {
        let (examination, claims) = judge(try evidence())
        #expect(examination.hasPassed)
        #expect(claims?.boundData == Self.reportData && claims?.measurement == Self.program)
        #expect(claims?.measurements["simulated.measurement"] == String(repeating: "77", count: 32))
        let findings = examination.findings[0].parts
        #expect(findings.count == 4 && findings.allSatisfy { ($0.check + $0.expected).contains("simulated") })
    }

    @Test(
        "At every other level, and without one, it is refused",
        arguments: [SecurityLevel.tee, .teeAndTPM, .trustedSystem, nil])
    func level(_ level: SecurityLevel?) throws {
        let (examination, claims) = judge(try evidence(), level: level)
        #expect(examination.failures == ["simulated.policy.level"] && claims == nil)
    }

    @Test("A key that the verifier was not given is refused, whatever it signs")
    func stranger() throws {
        #expect(judge(try evidence(), anchors: []).0.failures == ["simulated.signer.anchor"])
        let stranger = Curve25519.Signing.PrivateKey()
        #expect(judge(try evidence(key: stranger)).0.failures == ["simulated.signer.anchor"])
    }

    @Test("A program that the policy does not name is refused")
    func measurement() throws {
        #expect(
            judge(try evidence(), measurement: [[UInt8](repeating: 1, count: 32)]).0.failures == [
                "simulated.report.measurement"
            ])
        #expect(judge(try evidence(), measurement: []).0.failures == ["simulated.report.measurement"])
    }

    @Test("Every byte of the report is signed, and every byte of the signature counts")
    func mutation() throws {
        let good = try evidence()
        for part in good.parts {
            for place in part.bytes.indices {
                var changed = Dictionary(uniqueKeysWithValues: good.parts.map { ($0.name, $0.bytes) })
                changed[part.name]?[place] ^= 1
                let failures = judge(Evidence(.simulated, changed)).0.failures
                let expected =
                    part.name == "key"
                    ? "simulated.signer.anchor"
                    : part.name == "report" && place < 12 ? "simulated.report.format" : "simulated.report.signature"
                #expect(failures.contains(expected), "\(part.name), byte \(place)")
            }
        }
    }

    @Test("Parts that are missing, too short, too long or too many are refused")
    func format() throws {
        let good = try evidence()
        for part in good.parts {
            for bytes in [nil, [], Array(part.bytes.dropLast()), part.bytes + [0]] as [[UInt8]?] {
                var changed = Dictionary(uniqueKeysWithValues: good.parts.map { ($0.name, $0.bytes) })
                changed[part.name] = bytes
                #expect(judge(Evidence(.simulated, changed)).0.failures.contains("simulated.report.format"))
            }
        }
        var more = Dictionary(uniqueKeysWithValues: good.parts.map { ($0.name, $0.bytes) })
        more["quote"] = [1]
        #expect(judge(Evidence(.simulated, more)).0.failures == ["simulated.report.format"])
        for report in [report(mark: "PLINSIM2"), report(version: 2)] {
            #expect(judge(try evidence(report)).0.failures == ["simulated.report.format"])
        }
    }
}
