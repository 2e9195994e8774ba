import Glibc
public import PliniusSealing
internal import PliniusTPM
public import PliniusWire
internal import _PliniusSupport

extension Attester {
    /// No part of evidence is longer on the wire.
    static let maximumLogByteCount = 16 << 20

    func tpmEvidence(over extraData: [UInt8], _ options: EvidenceOptions) throws(AttestationError) -> Evidence {
        let tpm = try TPM(paths.tpm)
        var parts = try tpm.evidence(
            of: options.registers, extraData: extraData, algorithm: options.keyAlgorithm, at: options.keyHandle)
        parts = try withLog("uefi-log", at: paths.uefiLog, parts)
        // After the quote: so the log holds all that the quote covers.
        parts = try withLog("ima-log", at: paths.imaLog, parts)
        if let log = parts["ima-log"] {
            parts.merge(try MeasurementLog.parts(of: log, from: options.firstLogEntry)) { $1 }
        }
        return Evidence(.tpm, parts)
    }

    /// Adds a log, if this machine keeps one.
    func withLog(
        _ name: String, at path: String, _ parts: [String: [UInt8]]
    ) throws(AttestationError) -> [String: [UInt8]] {
        var parts = parts
        do throws(KernelError) {
            parts[name] = try kernel.read(path, Self.maximumLogByteCount)
        } catch  where error.number != ENOENT {
            throw AttestationError("\(path) cannot be read whole: \(error); logs are root's, and at most 16 MiB")
        } catch {}
        return parts
    }

    /// What a verifier needs to wrap a secret for this machine's TPM, and which of the TPM's endorsement keys it will be wrapped for.
    public func enrolment(
        options: EvidenceOptions = EvidenceOptions()
    ) throws(AttestationError) -> (Enrolment, endorsement: TPMKeyAlgorithm) {
        try TPM(paths.tpm).enrolment(algorithm: options.keyAlgorithm, at: options.keyHandle)
    }

    /// Gives back the secret of a credential, which shows that the attestation key is in the TPM with that endorsement key.
    /// - Parameters:
    ///   - credential: TPM2B_ID_OBJECT.
    ///   - encryptedSeed: TPM2B_ENCRYPTED_SECRET.
    public func activate(
        credential: [UInt8], encryptedSeed: [UInt8], endorsement: TPMKeyAlgorithm = .rsa,
        options: EvidenceOptions = EvidenceOptions()
    ) throws(AttestationError) -> SecretBytes {
        SecretBytes(
            try TPM(paths.tpm).activate(
                credential: credential, encryptedSeed: encryptedSeed, endorsement: endorsement,
                attestation: options.keyAlgorithm, at: options.keyHandle))
    }
}
