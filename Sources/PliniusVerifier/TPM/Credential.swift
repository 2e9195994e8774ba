import Crypto
import CryptoExtras

/// A secret that only the TPM with one endorsement key gives back, and only while it holds one attestation key: TPM2_MakeCredential,
/// without a TPM.
///
/// Whoever returns the secret has shown that both keys are in one TPM. From then on the attestation key's name stands for it.
/// The structures are those of TPM 2.0 Library, Part 1, section 24.
public struct TPMCredential: Hashable, Sendable {
    /// TPM2B_ID_OBJECT: what TPM2_ActivateCredential takes as `credentialBlob`.
    public let blob: [UInt8]
    /// TPM2B_ENCRYPTED_SECRET: what it takes as `secret`.
    public let encryptedSeed: [UInt8]

    /// Wraps a secret, differently each time.
    ///
    /// - Parameters:
    ///   - secret: At most as long as a digest of the endorsement key's name.
    ///   - endorsementKey: TPMT_PUBLIC; whoever vouches for it is the caller's concern.
    ///   - name: The attestation key's, two bytes for the hash and the digest.
    /// - Throws: `tpm.ek.format`, `tpm.ek.template` or `tpm.credential.secret`.
    public init(
        wrapping secret: [UInt8], for endorsementKey: [UInt8], attestationKey name: [UInt8]
    ) throws(EvidenceError) {
        let ek = try TPMPublic(endorsementKey, format: "tpm.ek.format")
        let hash = ek.nameAlgorithm
        guard ek.attributes.isSuperset(of: [.restricted, .decrypt]), !ek.attributes.contains(.sign),
            let symmetric = ek.symmetric
        else {
            throw EvidenceError(
                "tpm.ek.template", expected: "a restricted key that decrypts, with a cipher for what it wraps",
                found: "\(ek.attributes)")
        }
        guard !secret.isEmpty, secret.count <= hash.byteCount else {
            throw EvidenceError(
                "tpm.credential.secret", expected: "1 to \(hash.byteCount) bytes", found: "\(secret.count) bytes")
        }
        let seed: [UInt8]
        (seed, encryptedSeed) = try Self.exchange(with: ek)
        let cipherKey = TPMDerivation.kdfa(
            hash, key: seed, label: "STORAGE", name, [], bits: Int(symmetric.keyBits))
        let identity = try Self.encrypt(TPMField.sized(secret), cipherKey)
        let authenticationKey = TPMDerivation.kdfa(
            hash, key: seed, label: "INTEGRITY", [], [], bits: 8 * hash.byteCount)
        let code = TPMDerivation.hmac(hash, key: authenticationKey, identity + name)
        blob = TPMField.sized(TPMField.sized(code) + identity)
    }

    /// A seed that the endorsement key alone learns, and what it learns it from.
    private static func exchange(with ek: TPMPublic) throws(EvidenceError) -> ([UInt8], [UInt8]) {
        let hash = ek.nameAlgorithm
        switch ek.key {
        case .rsa(let modulus, let exponent):
            let seed = randomBytes(hash.byteCount)
            let padded = OAEP.encode(
                seed, label: Array("IDENTITY\0".utf8), hash, randomness: randomBytes(hash.byteCount),
                byteCount: modulus.count)
            guard let padded, let encrypted = ModularPower.power(padded, exponent, modulus: modulus) else {
                throw EvidenceError("tpm.ek.format", expected: "an odd modulus", found: "\(modulus.count) bytes")
            }
            return (seed, TPMField.sized(encrypted))
        case .ecc(let curve, let x, let y):
            let (secret, ownX, ownY) = try agree(curve, x, y)
            let seed = TPMDerivation.kdfe(
                hash, secret: secret, label: "IDENTITY", ownX, x, bits: 8 * hash.byteCount)
            return (seed, TPMField.sized(TPMField.sized(ownX) + TPMField.sized(ownY)))
        }
    }

    /// The secret that a key made for this once shares with the endorsement key, and that key's point.
    private static func agree(
        _ curve: TPMPublic.Curve, _ x: [UInt8], _ y: [UInt8]
    ) throws(EvidenceError) -> ([UInt8], [UInt8], [UInt8]) {
        do {
            let secret: SharedSecret
            let own: [UInt8]
            switch curve {
            case .p256:
                let key = P256.KeyAgreement.PrivateKey()
                secret = try key.sharedSecretFromKeyAgreement(with: .init(x963Representation: [4] + x + y))
                own = Array(key.publicKey.rawRepresentation)
            case .p384:
                let key = P384.KeyAgreement.PrivateKey()
                secret = try key.sharedSecretFromKeyAgreement(with: .init(x963Representation: [4] + x + y))
                own = Array(key.publicKey.rawRepresentation)
            }
            return (SymmetricKey(data: secret).bytes, Array(own.prefix(x.count)), Array(own.suffix(x.count)))
        } catch {
            throw EvidenceError("tpm.ek.format", expected: "a point of the curve", found: hexadecimal([4] + x + y))
        }
    }

    /// AES in CFB mode; each key is used once, so that the initial vector is zero.
    private static func encrypt(_ bytes: [UInt8], _ key: [UInt8]) throws(EvidenceError) -> [UInt8] {
        do {
            let vector = try AES._CFB.IV(ivBytes: [UInt8](repeating: 0, count: 16))
            return Array(try AES._CFB.encrypt(bytes, using: SymmetricKey(data: key), iv: vector))
        } catch {
            throw EvidenceError(
                "tpm.ek.template", expected: "AES with 128, 192 or 256 bits", found: "\(8 * key.count) bits")
        }
    }

    private static func randomBytes(_ count: Int) -> [UInt8] { SymmetricKey(size: .init(bitCount: 8 * count)).bytes }
}

extension SymmetricKey {
    fileprivate var bytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}

/// EME-OAEP, with a label (RFC 8017, section 7.1.1).
package enum OAEP {
    /// The padded message, `nil` if it is too long.
    package static func encode(
        _ message: [UInt8], label: [UInt8], _ hash: HashAlgorithm, randomness seed: [UInt8], byteCount: Int
    ) -> [UInt8]? {
        let padding = byteCount - message.count - 2 * hash.byteCount - 2
        guard padding >= 0, seed.count == hash.byteCount else { return nil }
        let block = hash.hash(label) + [UInt8](repeating: 0, count: padding) + [1] + message
        let maskedBlock = exclusiveOr(block, mask(seed, hash, block.count))
        let maskedSeed = exclusiveOr(seed, mask(maskedBlock, hash, seed.count))
        return [0] + maskedSeed + maskedBlock
    }

    /// MGF1.
    static func mask(_ seed: [UInt8], _ hash: HashAlgorithm, _ byteCount: Int) -> [UInt8] {
        let count = (byteCount + hash.byteCount - 1) / hash.byteCount
        return Array((0..<count).flatMap { hash.hash(seed + TPMField.big(UInt32($0))) }.prefix(byteCount))
    }

    static func exclusiveOr(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] { zip(first, second).map(^) }
}
