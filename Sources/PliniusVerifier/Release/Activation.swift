import Crypto
public import PliniusWire

/// A secret on its way to the one TPM that holds both keys of an enrolment.
///
/// Whoever proves that it knows the secret proves where the attestation key lives; a certificate alone says nothing of that key.
public struct PendingActivation: Sendable {
    /// What the enclave gets.
    public let credential: Credential
    private let key: ActivatedKey
    private let secret: [UInt8]

    /// Wraps a fresh secret.
    /// - Throws: `EvidenceError` if either key is none.
    public init(_ enrolment: Enrolment) throws(EvidenceError) {
        let secret = (0..<32).map { _ in UInt8.random(in: 0...255) }
        let name = try TPMPublic(enrolment.attestationKey, format: "tpm.ak.format").name
        let wrapped = try TPMCredential(wrapping: secret, for: enrolment.endorsementKey, attestationKey: name)
        credential = Credential(identityObject: wrapped.blob, encryptedSecret: wrapped.encryptedSeed)
        key = ActivatedKey(name: name, endorsementKey: enrolment.endorsementKey)
        self.secret = secret
    }

    /// What has to be remembered until the proof comes, by whoever keeps it from everybody else.
    public struct Kept: Hashable, Sendable, Codable {
        let name: [UInt8]
        let endorsementKey: [UInt8]
        let secret: [UInt8]
        let credential: [[UInt8]]
    }

    public var kept: Kept {
        Kept(
            name: key.name, endorsementKey: key.endorsementKey, secret: secret,
            credential: [credential.identityObject, credential.encryptedSecret])
    }

    /// Goes on with what was remembered.
    /// - Throws: `EvidenceError` if that is none.
    public init(_ kept: Kept) throws(EvidenceError) {
        guard kept.secret.count == 32, kept.credential.count == 2 else {
            throw EvidenceError("tpm.activation.proof", expected: "what was remembered", found: "something else")
        }
        credential = Credential(identityObject: kept.credential[0], encryptedSecret: kept.credential[1])
        key = ActivatedKey(name: kept.name, endorsementKey: kept.endorsementKey)
        secret = kept.secret
    }

    /// The key that is where the enrolment says; `nil` unless the proof holds.
    /// - Parameter transcript: Everything that was said up to the credential, it included.
    public func key(provenBy activation: [UInt8], over transcript: Transcript) -> ActivatedKey? {
        let isProven = HMAC<SHA256>.isValidAuthenticationCode(
            activation, authenticating: Array(SHA256.hash(data: transcript.bytes)), using: SymmetricKey(data: secret))
        return isProven ? key : nil
    }
}

/// An attestation key that is known to be in the TPM of an endorsement key.
public struct ActivatedKey: Hashable, Sendable {
    /// Two bytes for the hash, and the digest.
    let name: [UInt8]
    /// TPMT_PUBLIC.
    let endorsementKey: [UInt8]
}

extension Policy {
    /// Whether only an activation shows whose the quote is: the policy asks for a maker's certificate, and names no attestation key.
    public var needsActivation: Bool { tpm?.value.endorsement?.value == true && tpm?.value.akNames == nil }

    /// Checks that the key that quoted is in the TPM whose certificate came with the quote.
    func examineActivation(
        _ activated: ActivatedKey?, of evidence: Evidence, _ claims: TPMClaims, _ context: Context,
        _ examination: inout Examination
    ) throws(EvidenceError) {
        let line = tpm?.value.endorsement?.line
        let expected = "proof that the key that quoted is in the TPM of the certificate"
        guard let activated else {
            throw EvidenceError("tpm.activation.proof", expected: expected, found: "none")
        }
        examination.check("tpm.activation.proof", true, expected: expected, found: "a secret given back", askedBy: line)
        examination.check(
            "tpm.activation.key", claims.akName == activated.name, expected: hexadecimal(activated.name),
            found: claims.akName.map { hexadecimal($0) } ?? "a bare key", askedBy: line)
        _ = try examineEndorsement(
            certificate: evidence.part("ek-certificate", "tpm.ek.present"),
            ek: TPMPublic(activated.endorsementKey, format: "tpm.ek.format"), widened(context), askedBy: line,
            &examination)
    }
}
