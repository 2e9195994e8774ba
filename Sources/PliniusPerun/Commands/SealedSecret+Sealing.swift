import Crypto
import FoundationEssentials
import PliniusPerunClient
import PliniusPolicy

extension SealedSecret {
    /// Seals an asset's key to a manager, for one statement alone (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM).
    /// - Throws: ``CommandError`` if the manager's key is none.
    init(_ secret: [UInt8], for trust: ManagerTrust, with statement: StatementHash) throws {
        guard let bytes = [UInt8](hexadecimal: trust.sealingKey),
            let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes)
        else { throw CommandError(.usage, "the trust file's sealing key is none: make it anew with perun trust") }
        let suite = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256)
        var sender = try HPKE.Sender(recipientKey: key, ciphersuite: suite, info: Data("perun/1/upload".utf8))
        let sealed = try sender.seal(secret, authenticating: statement.bytes)
        self.init(encapsulatedKey: Base64(Array(sender.encapsulatedKey)), ciphertext: Base64(Array(sealed)))
    }
}
