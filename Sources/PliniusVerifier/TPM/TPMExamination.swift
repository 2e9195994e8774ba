package import PliniusWire

/// Judges a TPM's quote, and the logs that it proves.
///
/// | Check | What has to hold |
/// |---|---|
/// | `tpm.attest.format`, `tpm.attest.magic`, `tpm.attest.type` | it is a statement that a TPM made itself, and a quote |
/// | `tpm.ak.format`, `tpm.ak.attributes` | the key is a TPM's, never left it, and signs nothing but such statements |
/// | `tpm.ak.name` | it is one that the policy names |
/// | `tpm.signature.format`, `tpm.quote.signature` | it signed the quote |
/// | `tpm.quote.hash` | over a digest that nobody can forge |
/// | `tpm.quote.extra-data` | the quote answers this challenge |
/// | `tpm.pcrs.format`, `tpm.pcrs.quoted`, `tpm.quote.pcr-digest` | the values of the registers are those that were quoted |
/// | `tpm.quote.selection` | the quote covers the registers of the policy |
/// | `tpm.clock.reset-count`, `tpm.clock.restart-count` | the machine was not booted since |
/// | `tpm.firmware.version` | the firmware is new enough |
/// | `tpm.pcr.BANK.INDEX` | the register has a value that the policy lists |
/// | `tpm.ek.…` | ``examineEndorsement(certificate:ek:_:askedBy:_:)`` |
/// | `tpm.uefi-log.present`, `bootlog.…` | ``examineBootLog(_:registers:_:_:)`` |
/// | `tpm.ima-log.present`, `tpm.ima-log.start`, `ima.…` | ``examineIMA(_:quoted:bootRegisters:_:state:at:_:)`` |
package func examineTPM(
    _ evidence: Evidence, _ requirements: TPMRequirements, _ context: Context, _ examination: inout Examination
) throws(EvidenceError) -> TPMClaims {
    let key = try TPMQuote.Key(evidence, requirements, &examination)
    let quote = try TPMQuote(evidence, signedBy: key, requirements, &examination)
    if let endorsement = requirements.endorsement, endorsement.value {
        let certificate = try evidence.part("ek-certificate", "tpm.ek.present")
        _ = try examineEndorsement(
            certificate: certificate, ek: nil, context, askedBy: endorsement.line, &examination)
    }
    return try quote.examineLogs(evidence, requirements, context, &examination)
}

extension Examination {
    /// A check that everything after it relies on.
    /// - Throws: The check itself, if it fails.
    mutating func demand(
        _ name: String, _ holds: Bool, expected: String, found: String, askedBy line: PolicyLine? = nil
    ) throws(EvidenceError) {
        guard holds else { throw EvidenceError(name, expected: expected, found: found) }
        check(name, true, expected: expected, found: found, askedBy: line)
    }
}
