import CTSS2
package import PliniusWire

/// A TPM's endorsement key: what a verifier knows the TPM by.
public struct EndorsementKey: Hashable, Sendable {
    /// TPMT_PUBLIC.
    public var publicArea: [UInt8]
    /// The manufacturer's certificate, DER, if the TPM has one.
    public var certificate: [UInt8]?
}

extension TPM {
    /// Where the certificates of the endorsement keys lie (TCG EK credential profile, 2.2.1).
    private static let certificates: [TPMKeyAlgorithm: UInt32] = [.rsa: 0x01C0_0002, .ecc: 0x01C0_000A]

    /// The certificate of an endorsement key, DER, without what fills its space.
    package func certificate(_ algorithm: TPMKeyAlgorithm) throws(AttestationError) -> [UInt8]? {
        guard let index = Self.certificates[algorithm], try has(index) else { return nil }
        let bytes = try read(index)
        // SEQUENCE, of a length in two bytes.
        guard bytes.count > 4, bytes[0] == 0x30, bytes[1] == 0x82 else { return bytes }
        return Array(bytes.prefix(4 + Int(bytes[2]) << 8 + Int(bytes[3])))
    }

    /// The endorsement key, and its certificate.
    package func endorsementKey(_ algorithm: TPMKeyAlgorithm) throws(AttestationError) -> EndorsementKey {
        let template = TPMTemplate.endorsementKey(algorithm)
        return try withPrimary(template, in: ESYS_TR_RH_ENDORSEMENT) { key throws(AttestationError) in
            EndorsementKey(publicArea: try publicArea(of: key), certificate: try certificate(algorithm))
        }
    }

    /// The certificate of one of the endorsement keys, which vouches for the TPM as well as the other's.
    package func anyCertificate() throws(AttestationError) -> [UInt8]? {
        if let certificate = try certificate(.rsa) { return certificate }
        return try certificate(.ecc)
    }

    /// The attestation key's TPMT_PUBLIC.
    /// - Parameter handle: Where the key is kept; it is made anew if there is none.
    package func attestationKey(_ algorithm: TPMKeyAlgorithm, at handle: UInt32?) throws(AttestationError) -> [UInt8] {
        try withAttestationKey(algorithm, at: handle) { key throws(AttestationError) in try publicArea(of: key) }
    }

    /// Lends the attestation key, which is kept at `handle` if there is one.
    func withAttestationKey<R>(
        _ algorithm: TPMKeyAlgorithm, at handle: UInt32?, _ body: (ESYS_TR) throws(AttestationError) -> R
    ) throws(AttestationError) -> R {
        let template = TPMTemplate.attestationKey(algorithm)
        guard let handle else { return try withPrimary(template, in: ESYS_TR_RH_ENDORSEMENT, body) }
        if try !has(handle) {
            try withPrimary(template, in: ESYS_TR_RH_ENDORSEMENT) { key throws(AttestationError) in
                var kept = Self.none
                try Self.check(
                    unsafe Esys_EvictControl(
                        context, ESYS_TR_RH_OWNER, key, Self.noPassword, Self.none, Self.none, handle, &kept),
                    "keep a key at 0x\(String(handle, radix: 16))")
            }
        }
        let key = try object(at: handle)
        // Algorithm, hash, attributes, no policy, no cipher, scheme.
        guard try publicArea(of: key).starts(with: template.prefix(16)) else {
            throw AttestationError("TPM: 0x\(String(handle, radix: 16)) holds no attestation key of this kind")
        }
        return try body(key)
    }

    /// Gives back the secret that a verifier wrapped for this TPM and this attestation key.
    package func activate(
        credential: [UInt8], encryptedSeed: [UInt8], endorsement: TPMKeyAlgorithm, attestation: TPMKeyAlgorithm,
        at handle: UInt32?
    ) throws(AttestationError) -> [UInt8] {
        try withAttestationKey(attestation, at: handle) { attestation throws(AttestationError) in
            try withPrimary(TPMTemplate.endorsementKey(endorsement), in: ESYS_TR_RH_ENDORSEMENT) {
                endorsement throws(AttestationError) in
                try withSession(.policy) { session throws(AttestationError) in
                    try Self.check(
                        unsafe Esys_PolicySecret(
                            context, ESYS_TR_RH_ENDORSEMENT, session, Self.noPassword, Self.none, Self.none, nil, nil,
                            nil, 0, nil, nil),
                        "let its endorsement key be used")
                    return unsafe try Self.with(credential, Tss2_MU_TPM2B_ID_OBJECT_Unmarshal) {
                        blob throws(AttestationError) in
                        unsafe try Self.with(encryptedSeed, Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal) {
                            seed throws(AttestationError) in
                            let what = "give the secret back: is it wrapped for this TPM and this attestation key?"
                            return Array(
                                unsafe try Self.bytes(what, Tss2_MU_TPM2B_DIGEST_Marshal) {
                                    unsafe Esys_ActivateCredential(
                                        context, attestation, endorsement, Self.noPassword, session, Self.none, blob,
                                        seed, $0)
                                }.dropFirst(2))
                        }
                    }
                }
            }
        }
    }
}
