internal import PliniusPolicy
internal import PliniusSealing

/// The service's Ed25519 key, which signs nothing but heads of its log.
public struct AuditSigner: Sendable {
    private let key: Ed25519SigningKey
    /// What the service is known by, 32 bytes.
    public let publicKey: [UInt8]

    init(seed: SecretBytes) {
        guard let key = unsafe seed.withBytes({ unsafe Ed25519SigningKey(seed: Array($0)) }) else {
            fatalError("every 32 bytes are a seed of Ed25519")
        }
        self.key = key
        publicKey = key.publicKey
    }

    /// Signs a head of this service's log.
    func sign(_ head: AuditHead) -> SignedAuditHead {
        precondition(head.service == publicKey, "a service signs its own heads")
        return SignedAuditHead(head: head, signature: key.sign(head.message))
    }
}
