import Crypto
import FoundationEssentials
public import PliniusWire

/// A key on its way, and what its receipt will be checked with.
public struct SealedGrant: Sendable {
    public let grant: KeyGrant
    private let receiptKey: SymmetricKey

    fileprivate init(_ grant: KeyGrant, receiptKey: SymmetricKey) {
        self.grant = grant
        self.receiptKey = receiptKey
    }

    /// Whether a receipt proves that the grant was opened by the enclave that it was sealed to.
    /// - Parameter transcript: Everything that was said up to the grant, it included.
    public func isConfirmed(by receipt: Receipt, over transcript: Transcript) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(
            receipt.proof, authenticating: Array(SHA256.hash(data: transcript.bytes)), using: receiptKey)
    }
}

extension KeyGrant {
    /// Seals keys to the enclave that verified evidence speaks of.
    /// - Parameters:
    ///   - keys: 32 bytes each, one for each of `terms.keys`; the caller wipes them.
    ///   - terms: What they are and may be used for.
    ///   - receiptKey: 32 bytes that nobody else knows, fresh ones if there are none.
    ///   - transcript: Everything that was said up to the evidence, it included.
    /// - Throws: `EvidenceError` with the check `release.key` if nothing can be sealed to the enclave's key.
    public static func seal(
        _ keys: [[UInt8]], under terms: GrantTerms, receiptKey: [UInt8]? = nil, to evidence: VerifiedEvidence,
        over transcript: Transcript
    ) throws(EvidenceError) -> SealedGrant {
        let receiptKey = receiptKey ?? (0..<keyByteCount).map { _ in UInt8.random(in: 0...255) }
        precondition(keys.count == terms.keys.count, "\(keys.count) keys are not the \(terms.keys.count) of the terms")
        precondition((keys + [receiptKey]).allSatisfy { $0.count == keyByteCount }, "a key has \(keyByteCount) bytes")
        let data = evidence.runtimeData
        let digest = Array(SHA256.hash(data: transcript.bytes))
        let encoded = terms.encoded
        let length = (0..<GrantTerms.lengthByteCount).map { UInt8(truncatingIfNeeded: encoded.count >> (8 * $0)) }
        // Of its final length at once, so that no copy of the keys stays behind.
        var content: [UInt8] = []
        content.reserveCapacity(terms.contentByteCount)
        for part in [length, encoded] + keys + [receiptKey] { content += part }
        defer { for index in content.indices { content[index] = 0 } }
        do {
            var sender =
                switch data.suite {
                case .x25519:
                    try HPKE.Sender(
                        recipientKey: Curve25519.KeyAgreement.PublicKey(rawRepresentation: data.publicKey),
                        ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
                        info: Data(info))
                case .p256:
                    try HPKE.Sender(
                        recipientKey: P256.KeyAgreement.PublicKey(x963Representation: data.publicKey),
                        ciphersuite: .init(kem: .P256_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
                        info: Data(info))
                }
            let grant = KeyGrant(
                transcript: digest, encapsulatedKey: Array(sender.encapsulatedKey),
                ciphertext: try Array(sender.seal(content, authenticating: digest)))
            return SealedGrant(grant, receiptKey: SymmetricKey(data: receiptKey))
        } catch {
            throw EvidenceError(
                "release.key", expected: "a public key of the suite \(data.suite)",
                found: "\(data.publicKey.count) bytes that nothing can be sealed to")
        }
    }
}

extension Transcript {
    /// Takes in the next frame, sent or received.
    public mutating func append(_ frame: Frame) { append(frame) { Array(SHA256.hash(data: $0)) } }
}
