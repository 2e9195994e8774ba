package import PliniusWire

/// What a policy asks of a confidential virtual machine of Azure: of its TPM, and of the hardware that its paravisor runs on.
public struct AzureVTPMRequirements: Sendable {
    public var tpm = TPMRequirements()
    /// Where the hardware is AMD's.
    public var snp = SNPRequirements()
    /// Where the hardware is Intel's.
    public var tdx = TDXRequirements()

    public init() {}
}

/// What the evidence of such a machine says.
public struct AzureVTPMClaims: PlatformClaims {
    public let tpm: TPMClaims
    /// The hardware's.
    public let hardware: any PlatformClaims

    /// The quote's extra data; the hardware's report data binds the TPM's key.
    public var boundData: [UInt8] { tpm.boundData }
    public var measurements: [String: String] { tpm.measurements.merging(hardware.measurements) { first, _ in first } }
}

/// Judges a TPM that Azure's paravisor emulates: the hardware vouches for the paravisor, which vouches for the TPM's key, which signs the quote.
///
/// | Check | What has to hold |
/// |---|---|
/// | `azure.hcl.format` | the paravisor's report can be read |
/// | `azure.hcl.binding` | the hardware's report data is the digest of the paravisor's claims, which hold the key |
/// | `azure.hcl.report` | over TDX: the domain's own report in there is whole, and of the domain that the quote is of |
/// | `azure.hcl.key` | the TPM's public area, if it is there, is of that key |
/// | `snp.…`, `tdx.…` | ``examineSNP(_:_:_:_:)``, ``examineTDX(_:_:_:_:)`` |
/// | `tpm.…` | ``examineTPM(_:_:_:_:)``, but that the paravisor vouches for the key |
///
/// The code in a domain's own report is not looked at: only its own machine could check it. What is believed is the quote.
package func examineAzureVTPM(
    _ evidence: Evidence, _ requirements: AzureVTPMRequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> AzureVTPMClaims {
    let report = try HCLReport(evidence.part("hcl-report", "azure.hcl.format"))
    examination.check("azure.hcl.format", true, expected: "a report", found: "\(report.hardware)")
    let hardware: any PlatformClaims
    switch report.hardware {
    case .snp:
        var parts = ["report": report.hardwareReport]
        parts["certificates"] = evidence["certificates"]
        hardware = try examineSNP(Evidence(.snp, parts), requirements.snp, context, &examination)
    case .tdx:
        var parts = ["quote": try evidence.part("quote", "tdx.quote.format")]
        parts["ccel"] = evidence["ccel"]
        hardware = try examineTDX(Evidence(.tdx, parts), requirements.tdx, context, &examination)
        if case .domain(let quoted) = try DCAPQuote(parts["quote"] ?? [], of: .tdx).body {
            let own = TDReport(report.hardwareReport)
            let differences = own.differences(from: quoted)
            examination.check(
                "azure.hcl.report", own.isConsistent && differences.isEmpty,
                expected: "a report that is whole, of the domain that the quote is of",
                found: !own.isConsistent
                    ? "one whose digests are not of what it holds"
                    : differences.isEmpty ? "one" : "another \(differences.joined(separator: ", "))")
        }
    }
    let digest = report.hash.hash(report.claims)
    let expected = digest + [UInt8](repeating: 0, count: 64 - digest.count)
    try examination.demand(
        "azure.hcl.binding", hardware.boundData == expected, expected: "report data \(hexadecimal(expected))",
        found: hexadecimal(hardware.boundData))

    let publicKey = try PublicKey(rsaModulus: report.modulus, exponent: report.exponent)
    var key = TPMQuote.Key(publicKey: publicKey, area: nil)
    if evidence["ak"] != nil || requirements.tpm.akNames != nil {
        key = try TPMQuote.Key(evidence, requirements.tpm, &examination)
        try examination.demand(
            "azure.hcl.key", key.publicKey.isSame(as: publicKey), expected: "the key that the paravisor vouches for",
            found: key.publicKey.isSame(as: publicKey) ? "that key" : "another")
    }
    let quote = try TPMQuote(evidence, signedBy: key, requirements.tpm, &examination)
    return AzureVTPMClaims(
        tpm: try quote.examineLogs(evidence, requirements.tpm, context, &examination), hardware: hardware)
}
