package import PliniusWire

extension TPM {
    /// A quote of some registers and what it takes to judge it, as parts of evidence; the machine's logs are not among them.
    package func evidence(
        of registers: Set<PCRValues.Register>, extraData: [UInt8], algorithm: TPMKeyAlgorithm, at handle: UInt32?
    ) throws(AttestationError) -> [String: [UInt8]] {
        let quote = try quote(registers, extraData: extraData, algorithm: algorithm, at: handle)
        var parts = [
            "attest": quote.attest, "signature": quote.signature, "pcrs": quote.values.encoded, "ak": quote.key,
        ]
        parts["ek-certificate"] = try anyCertificate()
        return parts
    }

    /// What a verifier needs to wrap a secret for this TPM, and which of its endorsement keys it will be wrapped for.
    package func enrolment(
        algorithm: TPMKeyAlgorithm, at handle: UInt32?
    ) throws(AttestationError) -> (Enrolment, endorsement: TPMKeyAlgorithm) {
        let attestationKey = try attestationKey(algorithm, at: handle)
        // The one whose certificate evidence comes with.
        var endorsementAlgorithm = TPMKeyAlgorithm.rsa
        if try certificate(.rsa) == nil, try certificate(.ecc) != nil { endorsementAlgorithm = .ecc }
        let endorsement = try endorsementKey(endorsementAlgorithm)
        do throws(WireError) {
            let enrolment = try Enrolment(
                endorsementCertificate: endorsement.certificate ?? [], endorsementKey: endorsement.publicArea,
                attestationKey: attestationKey)
            return (enrolment, endorsementAlgorithm)
        } catch { throw AttestationError("TPM: \(error)") }
    }
}
