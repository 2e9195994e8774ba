internal import Crypto

/// Signs simulated evidence with Ed25519 (RFC 8032).
/// - Returns: the signature, 64 bytes, and the public key, 32 bytes; `nil` if the seed has not 32 bytes.
package func simulationSignature(over message: [UInt8], seed: SecretBytes) -> (signature: [UInt8], key: [UInt8])? {
    guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: unsafe seed.withBytes { unsafe Array($0) }),
        let signature = try? key.signature(for: message)
    else { return nil }
    return (Array(signature), Array(key.publicKey.rawRepresentation))
}
