public import Crypto
import FoundationEssentials

/// The private half of an ``OwnerKey``.
///
/// Its file is PKCS #8 in PEM, unencrypted, as `openssl genpkey` writes it; whoever writes one keeps others from reading it.
public enum OwnerSigningKey: Sendable {
    case ed25519(Curve25519.Signing.PrivateKey)
    case p256(P256.Signing.PrivateKey)

    /// A new Ed25519 key.
    public init() { self = .ed25519(Curve25519.Signing.PrivateKey()) }

    public var publicKey: OwnerKey {
        let key =
            switch self {
            case .ed25519(let key): OwnerKey(.ed25519, Array(key.publicKey.rawRepresentation))
            case .p256(let key): OwnerKey(.p256, Array(key.publicKey.x963Representation))
            }
        guard let key else { preconditionFailure("a private key has a public one") }
        return key
    }

    /// Signs the statement of a hash, detached.
    /// - Throws: what the library throws if it has no randomness.
    public func sign(_ hash: StatementHash) throws -> Signature {
        let message = Signature.message(hash)
        let bytes =
            switch self {
            case .ed25519(let key): Array(try key.signature(for: message))
            case .p256(let key): Array(try key.signature(for: message).rawRepresentation)
            }
        return Signature(key: publicKey, bytes: bytes)
    }
}

// MARK: - The file

extension OwnerSigningKey {
    /// PrivateKeyInfo up to the 32 secret bytes of an Ed25519 key (RFC 8410, section 7).
    private static let ed25519Prefix: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]

    /// Reads a key file.
    /// - Throws: `FormatError` with the check `key.format`, which tells nothing of what it read.
    public init(pem: String) throws(FormatError) {
        let lines = pem.split(whereSeparator: \.isNewline)
        if lines.first == "-----BEGIN PRIVATE KEY-----", lines.last == "-----END PRIVATE KEY-----",
            let der = Data(base64Encoded: lines.dropFirst().dropLast().joined()),
            der.count == Self.ed25519Prefix.count + 32, der.starts(with: Self.ed25519Prefix),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: der.suffix(32))
        {
            self = .ed25519(key)
        } else if let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) {
            self = .p256(key)
        } else {
            throw FormatError(
                "key.format", expected: "a private key of Ed25519 or P-256 in PEM (PKCS #8), unencrypted",
                found: "\(pem.utf8.count) bytes of something else")
        }
    }

    /// The key file; it holds the secret.
    public var pem: String {
        switch self {
        case .ed25519(let key):
            let der = Data(Self.ed25519Prefix) + key.rawRepresentation
            return "-----BEGIN PRIVATE KEY-----\n\(der.base64EncodedString())\n-----END PRIVATE KEY-----\n"
        case .p256(let key): return key.pemRepresentation + "\n"
        }
    }
}
