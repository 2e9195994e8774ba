import Crypto
package import PliniusWire

/// What a policy asks of evidence that nothing protects.
public struct SimulatedRequirements: Sendable {
    /// The policy's level; simulated evidence counts at ``SecurityLevel/test`` alone.
    public var level: Setting<SecurityLevel>?
    /// The SHA-256 digests of the programs that may run, 32 bytes each.
    public var measurement: Setting<[[UInt8]]>?

    public init() {}
}

/// What simulated evidence says, after its test key's signature held.
public struct SimulatedClaims: PlatformClaims {
    public let boundData: [UInt8]
    /// The SHA-256 of the program.
    public let measurement: [UInt8]

    public var measurements: [String: String] { ["simulated.measurement": hexadecimal(measurement)] }
}

/// Judges simulated evidence, whose layout ``PliniusWire/Evidence/Kind/simulated`` describes.
///
/// | Check | What has to hold |
/// |---|---|
/// | `simulated.policy.level` | the policy is for tests |
/// | `simulated.report.format` | the parts have their lengths, the report its mark and its version |
/// | `simulated.signer.anchor` | the key is one of the test keys that the verifier was given |
/// | `simulated.report.signature` | that key signed the report |
/// | `simulated.report.measurement` | the program is one that the policy names, if it names any |
package func examineSimulated(
    _ evidence: Evidence, _ requirements: SimulatedRequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> SimulatedClaims {
    let level = requirements.level
    examination.check(
        "simulated.policy.level", level?.value == .test, expected: "a policy of level test for simulated evidence",
        found: level.map { "level \($0.value.rawValue)" } ?? "no level", askedBy: level?.line)
    let report = try evidence.simulatedPart("report", byteCount: 108)
    let signature = try evidence.simulatedPart("signature", byteCount: 64)
    let key = try evidence.simulatedPart("key", byteCount: 32)
    let names = evidence.parts.map(\.name)
    guard names.count == 3 else {
        throw SimulatedFormat.error("three parts of simulated evidence", names.joined(separator: ", "))
    }
    var cursor = ByteCursor(report, format: SimulatedFormat.check)
    guard try cursor.bytes(8) == Array("PLINSIM1".utf8), try cursor.little(UInt32.self) == 1 else {
        throw SimulatedFormat.error("a simulated report of version 1", hexadecimal(report.prefix(12)))
    }
    let reportData = try cursor.bytes(64)
    let measurement = try cursor.bytes(32)
    try cursor.finish()
    examination.check(
        "simulated.signer.anchor", context.anchors.simulated.contains(key),
        expected: "one of the \(context.anchors.simulated.count) keys that may sign simulated evidence",
        found: hexadecimal(key))
    let publicKey = try? Curve25519.Signing.PublicKey(rawRepresentation: key)
    examination.check(
        "simulated.report.signature", publicKey?.isValidSignature(signature, for: report) ?? false,
        expected: "a signature of the test key over the simulated report", found: hexadecimal(signature.prefix(8)) + "…"
    )
    if let allowed = requirements.measurement {
        examination.check(
            "simulated.report.measurement", allowed.value.contains(measurement),
            expected: "a simulated program with SHA-256 "
                + (allowed.value.isEmpty ? "of none" : allowed.value.map { hexadecimal($0) }.joined(separator: " or ")),
            found: hexadecimal(measurement), askedBy: allowed.line)
    }
    return SimulatedClaims(boundData: reportData, measurement: measurement)
}

private enum SimulatedFormat {
    static let check = "simulated.report.format"

    static func error(_ expected: String, _ found: String) -> EvidenceError {
        EvidenceError(check, expected: expected, found: found)
    }
}

extension Evidence {
    fileprivate func simulatedPart(_ name: String, byteCount: Int) throws(EvidenceError) -> [UInt8] {
        guard let bytes = self[name], bytes.count == byteCount else {
            throw SimulatedFormat.error(
                "\(byteCount) bytes as the part \(name) of simulated evidence",
                self[name].map { "\($0.count) bytes" } ?? "none")
        }
        return bytes
    }
}
