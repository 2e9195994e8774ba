/// What evidence of one platform says, after its signatures held.
public protocol PlatformClaims: Sendable {
    /// What the evidence binds: 64 bytes of report data, or the extra data of a TPM's quote.
    var boundData: [UInt8] { get }
    /// What was measured, each with its name in policies, in hexadecimal: `mrenclave`, `measurement`, `rtmr1`, `pcr.sha256.7`.
    var measurements: [String: String] { get }
}
