internal import Crypto

/// A key that signs with Ed25519 (RFC 8032): what stands for a platform's own key in simulations.
public struct Ed25519SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Draws a key.
    public init() { key = Curve25519.Signing.PrivateKey() }

    /// Takes a seed of 32 bytes.
    /// - Returns: `nil` if there are not as many.
    public init?(seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else { return nil }
        self.key = key
    }

    /// The public key, 32 bytes.
    public var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// A signature over `message`, 64 bytes.
    public func sign(_ message: [UInt8]) -> [UInt8] {
        guard let signature = try? key.signature(for: message) else { fatalError("Ed25519 signs every message") }
        return Array(signature)
    }
}
