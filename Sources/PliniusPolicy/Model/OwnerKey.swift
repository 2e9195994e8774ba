import Crypto
import PliniusVerifier

/// The public key of somebody who speaks for an owner.
///
/// Its text form is `ed25519:` with 64 hexadecimal digits, or `p256:` with the 130 of an uncompressed point (SEC 1, X9.63).
public struct OwnerKey: Hashable, Sendable {
    /// What a signature is made with.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Ed25519 (RFC 8032); a key of 32 bytes.
        case ed25519
        /// ECDSA with P-256 and SHA-256 (FIPS 186-5); a key of 65 bytes.
        case p256

        /// Of the key, in bytes.
        public var byteCount: Int { self == .ed25519 ? 32 : 65 }
    }

    public let kind: Kind
    public let bytes: [UInt8]

    /// Takes a key's bytes.
    /// - Returns: `nil` if they are no key.
    public init?(_ kind: Kind, _ bytes: [UInt8]) {
        guard bytes.count == kind.byteCount else { return nil }
        switch kind {
        case .ed25519:
            guard (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)) != nil else { return nil }
        case .p256:
            guard (try? P256.Signing.PublicKey(x963Representation: bytes)) != nil else { return nil }
        }
        self.kind = kind
        self.bytes = bytes
    }

    /// Reads the text form, with lower-case letters alone: a key has one name.
    /// - Returns: `nil` if it is none.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let kind = Kind(rawValue: String(text[..<colon])),
            let bytes = lowerCaseBytes(String(text[text.index(after: colon)...]), count: kind.byteCount)
        else { return nil }
        self.init(kind, bytes)
    }

    /// SHA-256 of the text form, 32 bytes.
    public var id: [UInt8] { Array(SHA256.hash(data: Array(description.utf8))) }

    /// Whether this key's owner signed these bytes.
    func isValid(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        switch kind {
        case .ed25519:
            return (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes))?
                .isValidSignature(signature, for: message) ?? false
        case .p256:
            guard let key = try? P256.Signing.PublicKey(x963Representation: bytes),
                let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: message)
        }
    }
}

extension OwnerKey: CustomStringConvertible {
    public var description: String { "\(kind.rawValue):\(hexadecimal(bytes))" }
}

extension OwnerKey: Comparable {
    public static func < (first: OwnerKey, second: OwnerKey) -> Bool { first.description < second.description }
}

extension OwnerKey {
    static func read(_ json: CanonicalJSON) -> OwnerKey? { json.text.flatMap { OwnerKey($0) } }
}
