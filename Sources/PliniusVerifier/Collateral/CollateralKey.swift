public import Crypto

/// A key that vouches for bundles: whoever fetched what is in them from the makers.
public enum CollateralKey: Hashable, Sendable {
    /// 32 bytes.
    case ed25519([UInt8])
    /// x ‖ y, 64 bytes.
    case p256([UInt8])

    /// The number of the kind in a bundle, the key's bytes.
    var fields: (UInt8, [UInt8]) {
        switch self {
        case .ed25519(let key): (1, key)
        case .p256(let key): (2, key)
        }
    }

    /// The length of a key of a kind; `nil` for an unknown one.
    static func byteCount(_ kind: UInt8) -> Int? { kind == 1 ? 32 : kind == 2 ? 64 : nil }

    init(kind: UInt8, _ bytes: [UInt8]) { self = kind == 1 ? .ed25519(bytes) : .p256(bytes) }

    func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        switch self {
        case .ed25519(let key):
            return (try? Curve25519.Signing.PublicKey(rawRepresentation: key))?
                .isValidSignature(signature, for: message) ?? false
        case .p256(let key):
            guard let key = try? P256.Signing.PublicKey(rawRepresentation: key),
                let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: message)
        }
    }
}

extension CollateralKey: CustomStringConvertible {
    public var description: String {
        switch self {
        case .ed25519(let key): "ed25519:\(hexadecimal(key))"
        case .p256(let key): "p256:\(hexadecimal(key))"
        }
    }
}

/// The private half of a ``CollateralKey``.
public enum CollateralSigningKey: Sendable {
    case ed25519(Curve25519.Signing.PrivateKey)
    case p256(P256.Signing.PrivateKey)

    public var publicKey: CollateralKey {
        switch self {
        case .ed25519(let key): .ed25519(Array(key.publicKey.rawRepresentation))
        case .p256(let key): .p256(Array(key.publicKey.rawRepresentation))
        }
    }

    /// 64 bytes.
    func signature(over message: [UInt8]) throws -> [UInt8] {
        switch self {
        case .ed25519(let key): Array(try key.signature(for: message))
        case .p256(let key): Array(try key.signature(for: message).rawRepresentation)
        }
    }
}
