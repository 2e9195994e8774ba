internal import Crypto
internal import FoundationEssentials
public import PliniusSealing

/// A secret on its way to the holder of a key pair.
///
/// RFC 9180 in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
public struct HPKEMessage: Hashable, Sendable {
    /// The length of a public key, and of an encapsulated one.
    public static let keyByteCount = 32

    /// What the recipient makes the message's key of, ``keyByteCount`` bytes.
    public let encapsulatedKey: [UInt8]
    /// The secret, sealed; 16 bytes longer than it.
    public let ciphertext: [UInt8]

    public init(encapsulatedKey: [UInt8], ciphertext: [UInt8]) {
        self.encapsulatedKey = encapsulatedKey
        self.ciphertext = ciphertext
    }

    /// Seals one secret to a public key.
    /// - Parameters:
    ///   - info: What the exchange is about; the recipient must know the same.
    ///   - context: What else the tag binds.
    /// - Throws: ``ManagerError/Code/malformed`` if nothing can be sealed to the key.
    public init(
        sealing secret: SecretBytes, to publicKey: [UInt8], info: [UInt8], authenticating context: [UInt8]
    ) throws(ManagerError) {
        do {
            let recipient = try Curve25519.KeyAgreement.PublicKey(ofLargeOrder: publicKey)
            var sender = try HPKE.Sender(recipientKey: recipient, ciphersuite: Self.suite, info: Data(info))
            encapsulatedKey = Array(sender.encapsulatedKey)
            ciphertext = try unsafe secret.withBytes { bytes throws in
                try unsafe Array(sender.seal(bytes, authenticating: context))
            }
        } catch {
            throw ManagerError(
                .malformed, "nothing can be sealed to the key: give an X25519 key of \(Self.keyByteCount) bytes")
        }
    }

    static var suite: HPKE.Ciphersuite {
        HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256)
    }
}

extension Curve25519.KeyAgreement.PublicKey {
    /// Refuses a point that has the same, known secret with everybody (RFC 9180, section 7.1.4); swift-crypto lets it pass.
    init(ofLargeOrder bytes: [UInt8]) throws {
        try self.init(rawRepresentation: bytes)
        // Private keys are multiples of the small order: with such a point any of them comes to zero.
        let shared = try Curve25519.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(with: self)
        guard unsafe shared.withUnsafeBytes({ unsafe $0.contains { $0 != 0 } }) else {
            throw ManagerError(.malformed, "the key is of small order")
        }
    }
}
