internal import Crypto

/// The suites of RFC 9180 that secrets travel under, in base mode; the AEAD is AES-256-GCM, the KDF HKDF-SHA256.
public enum HPKESuite: UInt8, Hashable, Sendable, CaseIterable {
    /// DHKEM(X25519, HKDF-SHA256).
    case x25519 = 1
    /// DHKEM(P-256, HKDF-SHA256).
    case p256

    /// The length of a public key, and of an encapsulated one; of P-256 uncompressed.
    public var keyByteCount: Int { self == .x25519 ? 32 : 65 }

    fileprivate var ciphersuite: HPKE.Ciphersuite {
        HPKE.Ciphersuite(
            kem: self == .x25519 ? .Curve25519_HKDF_SHA256 : .P256_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256)
    }
}

/// A secret on its way to the holder of a key pair.
public struct HPKEMessage: Hashable, Sendable {
    /// What the recipient makes the message's key of, ``HPKESuite/keyByteCount`` bytes.
    public var encapsulatedKey: [UInt8]
    /// The secret, sealed; 16 bytes longer than it.
    public var ciphertext: [UInt8]

    public init(encapsulatedKey: [UInt8], ciphertext: [UInt8]) {
        self.encapsulatedKey = encapsulatedKey
        self.ciphertext = ciphertext
    }

    /// Seals one secret to a public key (RFC 9180, section 6.1).
    /// - Parameters:
    ///   - info: What the exchange is about; the recipient must know the same.
    ///   - context: What else the tag binds.
    /// - Throws: ``SealingError/notAPublicKey``.
    public init(
        sealing secret: SecretBytes, to publicKey: [UInt8], suite: HPKESuite, info: [UInt8],
        authenticating context: [UInt8]
    ) throws(SealingError) {
        guard publicKey.count == suite.keyByteCount else { throw .notAPublicKey }
        do {
            var sender =
                switch suite {
                case .x25519:
                    try HPKE.Sender(
                        recipientKey: Curve25519.KeyAgreement.PublicKey(ofLargeOrder: publicKey),
                        ciphersuite: suite.ciphersuite, info: foreign(info))
                case .p256:
                    try HPKE.Sender(
                        recipientKey: P256.KeyAgreement.PublicKey(x963Representation: publicKey),
                        ciphersuite: suite.ciphersuite, info: foreign(info))
                }
            encapsulatedKey = Array(sender.encapsulatedKey)
            ciphertext = try unsafe secret.withBytes { bytes throws in
                try unsafe Array(sender.seal(bytes, authenticating: context))
            }
        } catch {
            throw .notAPublicKey
        }
    }
}

/// A key pair that one exchange is made for: secrets come sealed to its public key and to nothing else.
public struct HPKEKeyPair: Sendable {
    public let suite: HPKESuite
    /// What evidence binds, ``HPKESuite/keyByteCount`` bytes.
    public let publicKey: [UInt8]
    private let privateKey: PrivateKey

    private enum PrivateKey: Sendable {
        case x25519(Curve25519.KeyAgreement.PrivateKey)
        case p256(P256.KeyAgreement.PrivateKey)
    }

    /// Draws a key pair.
    public init(_ suite: HPKESuite = .x25519) {
        switch suite {
        case .x25519: self.init(.x25519(.init()))
        case .p256: self.init(.p256(.init()))
        }
    }

    /// Takes a private key of 32 bytes: for published vectors.
    /// - Throws: ``SealingError/notAPublicKey`` if the bytes are none.
    package init(_ suite: HPKESuite, privateKey: [UInt8]) throws(SealingError) {
        do {
            switch suite {
            case .x25519: self.init(.x25519(try .init(rawRepresentation: privateKey)))
            case .p256: self.init(.p256(try .init(rawRepresentation: privateKey)))
            }
        } catch {
            throw .notAPublicKey
        }
    }

    private init(_ privateKey: PrivateKey) {
        self.privateKey = privateKey
        switch privateKey {
        case .x25519(let key): (suite, publicKey) = (.x25519, Array(key.publicKey.rawRepresentation))
        case .p256(let key): (suite, publicKey) = (.p256, Array(key.publicKey.x963Representation))
        }
    }

    /// Opens a secret that was sealed to ``publicKey``.
    /// - Throws: ``SealingError/authenticationFailed`` for another key, other bytes or another context; they cannot be told apart.
    public func open(
        _ message: HPKEMessage, info: [UInt8], authenticating context: [UInt8]
    ) throws(SealingError) -> SecretBytes {
        guard message.encapsulatedKey.count == suite.keyByteCount else { throw .authenticationFailed }
        do {
            var recipient =
                switch privateKey {
                case .x25519(let key):
                    try HPKE.Recipient(
                        privateKey: key, ciphersuite: suite.ciphersuite, info: foreign(info),
                        encapsulatedKey: Curve25519.KeyAgreement.PublicKey(ofLargeOrder: message.encapsulatedKey)
                            .rawRepresentation)
                case .p256(let key):
                    try HPKE.Recipient(
                        privateKey: key, ciphersuite: suite.ciphersuite, info: foreign(info),
                        encapsulatedKey: foreign(message.encapsulatedKey))
                }
            let opened = try recipient.open(message.ciphertext, authenticating: context)
            defer { unsafe wipe(opened) }
            return unsafe SecretBytes(count: opened.count) { unsafe $0.copyBytes(from: opened) }
        } catch {
            throw .authenticationFailed
        }
    }
}

extension Curve25519.KeyAgreement.PublicKey {
    /// Refuses a point that has the same, known secret with everybody (RFC 9180, section 7.1.4); swift-crypto lets it pass.
    fileprivate init(ofLargeOrder bytes: [UInt8]) throws {
        try self.init(rawRepresentation: bytes)
        // Private keys are multiples of the small order: with such a point any of them comes to zero.
        let shared = try Curve25519.KeyAgreement.PrivateKey().sharedSecretFromKeyAgreement(with: self)
        guard unsafe shared.withUnsafeBytes({ unsafe $0.contains { $0 != 0 } }) else {
            throw SealingError.notAPublicKey
        }
    }
}

/// Bytes in the type that swift-crypto asks for, which belongs to a module that the core does not import.
private func foreign<Bytes: RangeReplaceableCollection<UInt8>>(_ bytes: [UInt8]) -> Bytes { Bytes(bytes) }
