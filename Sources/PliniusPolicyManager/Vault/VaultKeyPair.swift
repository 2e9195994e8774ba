internal import Crypto
internal import FoundationEssentials
public import PliniusSealing

/// A key pair of HPKE, as ``HPKEMessage`` has it: the service's, the same at every start, or an owner's.
public struct VaultKeyPair: Sendable {
    private let privateKey: Curve25519.KeyAgreement.PrivateKey

    /// Draws a key pair.
    public init() { privateKey = Curve25519.KeyAgreement.PrivateKey() }

    /// Makes the key pair of a seed.
    /// - Parameter seed: 32 bytes; others trap.
    public init(seed: SecretBytes) {
        let key = unsafe seed.withBytes { unsafe try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: $0) }
        guard let key else { preconditionFailure("a seed has 32 bytes, not \(seed.count)") }
        privateKey = key
    }

    /// What secrets are sealed to, ``HPKEMessage/keyByteCount`` bytes.
    public var publicKey: [UInt8] { Array(privateKey.publicKey.rawRepresentation) }

    /// Opens a secret that was sealed to ``publicKey``.
    /// - Throws: ``ManagerError/Code/forbidden`` for another key, other bytes or another context; they cannot be told apart.
    public func open(
        _ message: HPKEMessage, info: [UInt8], authenticating context: [UInt8]
    ) throws(ManagerError) -> SecretBytes {
        do {
            let sender = try Curve25519.KeyAgreement.PublicKey(ofLargeOrder: message.encapsulatedKey)
            var recipient = try HPKE.Recipient(
                privateKey: privateKey, ciphersuite: HPKEMessage.suite, info: Data(info),
                encapsulatedKey: sender.rawRepresentation)
            var opened = try recipient.open(message.ciphertext, authenticating: context)
            defer { opened.resetBytes(in: opened.startIndex..<opened.endIndex) }
            return unsafe SecretBytes(count: opened.count) { unsafe $0.copyBytes(from: opened) }
        } catch {
            throw ManagerError(
                .forbidden, "the sealed secret does not open: seal it to the service's key of today, for this request")
        }
    }
}
