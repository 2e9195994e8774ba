import Crypto

extension CollateralSigningKey {
    /// An Ed25519 key from its 32 secret bytes.
    /// - Throws: `collateral.key.format`.
    public init(ed25519 seed: [UInt8]) throws(EvidenceError) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
            throw EvidenceError("collateral.key.format", expected: "32 secret bytes", found: "\(seed.count) bytes")
        }
        self = .ed25519(key)
    }
}
