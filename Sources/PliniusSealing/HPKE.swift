internal import Crypto

/// A key pair that one exchange is made for: secrets come sealed to its public key and to nothing else.
///
/// RFC 9180 in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
public struct HPKEKeyPair: Sendable {
    /// The length of a public key, and of an encapsulated one.
    public static let keyByteCount = 32

    private let privateKey: Curve25519.KeyAgreement.PrivateKey

    /// Draws a key pair.
    public init() { privateKey = Curve25519.KeyAgreement.PrivateKey() }

    /// Takes a private key of 32 bytes: for published vectors.
    /// - Returns: `nil` if there are not as many.
    package init?(privateKey: [UInt8]) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: privateKey) else { return nil }
        self.privateKey = key
    }

    /// What evidence binds, ``keyByteCount`` bytes.
    public var publicKey: [UInt8] { Array(privateKey.publicKey.rawRepresentation) }

    /// Opens a secret that was sealed to ``publicKey``.
    /// - Parameters:
    ///   - ciphertext: The secret, sealed; 16 bytes longer than it.
    ///   - encapsulatedKey: What the message's key is made of, ``keyByteCount`` bytes.
    ///   - info: What the exchange is about; the sender knew the same.
    ///   - context: What else the tag binds.
    /// - Throws: ``SealingError/authenticationFailed`` for another key, other bytes or another context; they cannot be told apart.
    public func open(
        _ ciphertext: [UInt8], encapsulatedKey: [UInt8], info: [UInt8], authenticating context: [UInt8]
    ) throws(SealingError) -> SecretBytes {
        do {
            let sender = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: encapsulatedKey)
            // A point of small order has the same, known secret with everybody (RFC 9180, section 7.1.4); swift-crypto lets it pass.
            let shared = try privateKey.sharedSecretFromKeyAgreement(with: sender)
            guard unsafe shared.withUnsafeBytes({ unsafe $0.contains { $0 != 0 } }) else {
                throw SealingError.authenticationFailed
            }
            var recipient = try HPKE.Recipient(
                privateKey: privateKey,
                ciphersuite: .init(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
                info: foreign(info),
                encapsulatedKey: sender.rawRepresentation)
            let opened = try recipient.open(ciphertext, authenticating: context)
            defer { unsafe wipe(opened) }
            return unsafe SecretBytes(count: opened.count) { unsafe $0.copyBytes(from: opened) }
        } catch {
            throw .authenticationFailed
        }
    }
}

/// Bytes in the type that swift-crypto asks for, which belongs to a module that the core does not import.
private func foreign<Bytes: RangeReplaceableCollection<UInt8>>(_ bytes: [UInt8]) -> Bytes { Bytes(bytes) }
