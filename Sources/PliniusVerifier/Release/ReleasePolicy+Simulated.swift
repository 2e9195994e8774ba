import Crypto
import PliniusWire

/// What a policy asks of simulated evidence.
public struct SignedProgramRequirements: Sendable {
    /// SHA-256 digests of enclave programs, in hexadecimal; none is accepted without it.
    public var measurements: Setting<Set<String>>?
    /// Who may sign, Ed25519 public keys in hexadecimal, beside the anchors of the context.
    public var keys: Setting<Set<String>>?

    public init() {}
}

/// What simulated evidence says.
struct SignedProgramClaims: PlatformClaims {
    let boundData: [UInt8]
    let measurements: [String: String]
}

/// Carries the checks of simulated evidence out.
///
/// | Check | What it means |
/// |---|---|
/// | `simulated.report.format` | the parts are there and have the layout of version 1 |
/// | `simulated.report.signature` | the report is signed by the key beside it |
/// | `simulated.report.signer` | that key is one of those that may |
/// | `simulated.measurement` | the enclave's program is one of those that the policy names |
func examineSignedProgram(
    _ evidence: Evidence, _ requirements: SignedProgramRequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> SignedProgramClaims {
    let format = "simulated.report.format"
    guard let report = evidence["report"], let signature = evidence["signature"], let signer = evidence["key"],
        evidence.parts.count == 3
    else {
        throw EvidenceError(
            format, expected: "the parts report, signature and key",
            found: evidence.parts.map(\.name).joined(separator: ", "))
    }
    var cursor = ByteCursor(report, format: format)
    let magic = try cursor.bytes(8)
    let version = try cursor.little(UInt32.self)
    guard magic == Array("PLINSIM1".utf8), version == 1 else {
        throw EvidenceError(format, expected: "PLINSIM1, version 1", found: "\(hexadecimal(magic)), version \(version)")
    }
    let reportData = try cursor.bytes(64)
    let measurement = hexadecimal(try cursor.bytes(32))
    try cursor.finish()
    examination.check(format, true, expected: "version 1", found: "version 1")

    let key = try? Curve25519.Signing.PublicKey(rawRepresentation: signer)
    let isSigned = key?.isValidSignature(signature, for: report) ?? false
    examination.check(
        "simulated.report.signature", isSigned, expected: "a signature over the report by the key beside it",
        found: isSigned ? "one" : "none")
    let signers = (requirements.keys?.value ?? []).union(context.anchors.simulated.map { hexadecimal($0) })
    examination.check(
        "simulated.report.signer", signers.contains(hexadecimal(signer)),
        expected: signers.isEmpty ? "a key that the policy names" : signers.sorted().joined(separator: " or "),
        found: hexadecimal(signer), askedBy: requirements.keys?.line)
    let measurements = requirements.measurements?.value ?? []
    examination.check(
        "simulated.measurement", measurements.contains(measurement),
        expected: measurements.isEmpty
            ? "a measurement that the policy names" : measurements.sorted().joined(separator: " or "),
        found: measurement, askedBy: requirements.measurements?.line)
    return SignedProgramClaims(boundData: reportData, measurements: ["measurement": measurement])
}
