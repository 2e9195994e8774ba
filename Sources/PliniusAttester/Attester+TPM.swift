import Glibc
public import PliniusSealing
public import PliniusTPM
public import PliniusWire
internal import _PliniusSupport

extension Attester {
    /// No part of evidence is longer on the wire.
    static let maximumLogByteCount = 16 << 20

    func tpmEvidence(over extraData: [UInt8], _ options: EvidenceOptions) throws(AttestationError) -> Evidence {
        let tpm = try TPM(paths.tpm)
        let quote = try tpm.quote(
            options.registers, extraData: extraData, algorithm: options.keyAlgorithm, at: options.keyHandle)
        var parts = [
            "attest": quote.attest, "signature": quote.signature, "pcrs": quote.values.encoded, "ak": quote.key,
        ]
        parts["ek-certificate"] = try tpm.anyCertificate()
        guard options.includesLogs else { return Evidence(.tpm, parts) }
        parts = try withLog("uefi-log", at: paths.uefiLog, parts)
        // After the quote: so the log holds all that the quote covers.
        parts = try withLog("ima-log", at: paths.imaLog, parts)
        if let log = parts["ima-log"] {
            parts["ima-log"] = try imaEntries(of: log, from: options.firstLogEntry)
            var start = ByteWriter()
            start.write(options.firstLogEntry)
            parts["ima-start"] = start.bytes
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

    /// The binary log without its first entries.
    private func imaEntries(of log: [UInt8], from first: UInt64) throws(AttestationError) -> [UInt8] {
        var reader = ByteReader(log)
        do throws(TruncatedInput) {
            for _ in 0..<first { try Self.skipEntry(&reader) }
        } catch {
            throw AttestationError(
                "IMA: the log ends before entry \(first), which the verifier is to have seen: was there a boot since?")
        }
        return Array(log.suffix(reader.remaining))
    }

    /// PCR (4), template digest (20), the template's name; its data, which in the oldest template has no length of its own.
    private static func skipEntry(_ reader: inout ByteReader) throws(TruncatedInput) {
        _ = try reader.readBytes(24)
        let name = try reader.readBytes(Int(try reader.read(UInt32.self)))
        if name == Array("ima".utf8) { _ = try reader.readBytes(20) }
        _ = try reader.readBytes(Int(try reader.read(UInt32.self)))
    }

    /// The TPM's endorsement key, for a verifier that is to learn it.
    public func endorsementKey(_ algorithm: TPMKeyAlgorithm = .rsa) throws(AttestationError) -> EndorsementKey {
        try TPM(paths.tpm).endorsementKey(algorithm)
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
