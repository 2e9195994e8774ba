internal import PliniusTPM
public import PliniusWire

extension Attester {
    /// What a verifier needs to wrap a secret for this machine's TPM, and which of the TPM's endorsement keys it will be wrapped for.
    public func enrolment(
        options: EvidenceOptions = EvidenceOptions()
    ) throws(AttestationError) -> (Enrolment, endorsement: TPMKeyAlgorithm) {
        let tpm = try TPM(paths.tpm)
        let attestationKey = try tpm.attestationKey(options.keyAlgorithm, at: options.keyHandle)
        // The one whose certificate evidence comes with.
        var algorithm = TPMKeyAlgorithm.rsa
        if try tpm.certificate(.rsa) == nil, try tpm.certificate(.ecc) != nil { algorithm = .ecc }
        let endorsement = try tpm.endorsementKey(algorithm)
        do throws(WireError) {
            let enrolment = try Enrolment(
                endorsementCertificate: endorsement.certificate ?? [], endorsementKey: endorsement.publicArea,
                attestationKey: attestationKey)
            return (enrolment, algorithm)
        } catch { throw AttestationError("TPM: \(error)") }
    }
}
