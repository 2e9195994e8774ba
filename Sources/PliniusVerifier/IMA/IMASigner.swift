import Crypto
import CryptoExtras
import FoundationEssentials

/// Somebody whose files may be measured, whatever they hold: an update of a signed package needs no new list.
public struct IMASigner: Sendable {
    /// For findings.
    public var name: String
    /// The files that the signature counts for; all of them, if there are no patterns.
    public var paths: [Pattern] = []
    /// When a signature begins to count; always did, if `nil`.
    public var notBefore: Instant?
    /// When it ends to count; never, if `nil`.
    public var notAfter: Instant?
    /// What the header of a signature names the key by: the last four bytes of the SHA-1 of the public key, or of the certificate's subject
    /// key identifier.
    public var keyIdentifier: [UInt8]
    private let key: Key

    private enum Key {
        case rsa(modulus: [UInt8], exponent: [UInt8])
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
    }

    /// Takes a SubjectPublicKeyInfo: RSA with 2048 to 8192 bits, P-256 or P-384.
    /// - Throws: `ima.signer.key`.
    public init(name: String, publicKey der: [UInt8]) throws(EvidenceError) {
        self.name = name
        let bitString: [UInt8]
        if let key = try? P256.Signing.PublicKey(derRepresentation: der) {
            self.key = .p256(key)
            bitString = Array(key.x963Representation)
        } else if let key = try? P384.Signing.PublicKey(derRepresentation: der) {
            self.key = .p384(key)
            bitString = Array(key.x963Representation)
        } else if let key = try? _RSA.Signing.PublicKey(derRepresentation: der),
            (2048...8192).contains(key.keySizeInBits), let primitives = try? key.getKeyPrimitives()
        {
            self.key = .rsa(modulus: Array(primitives.modulus), exponent: Array(primitives.publicExponent))
            bitString = Array(key.pkcs1DERRepresentation)
        } else {
            throw EvidenceError(
                "ima.signer.key", expected: "a public key of RSA with 2048 to 8192 bits, P-256 or P-384, in DER",
                found: "\(der.count) other bytes for \(name)")
        }
        keyIdentifier = Array(HashAlgorithm.sha1.hash(bitString).suffix(4))
    }

    /// Whether a signature in the kernel's form vouches for a file's digest: the type 3, the version 2, a hash function, a key identifier
    /// and a length (big-endian) in front of it (Linux, security/integrity/integrity.h).
    func vouches(for content: IMALog.Content, at now: Instant) -> Bool {
        guard notBefore.map({ $0 <= now }) ?? true, notAfter.map({ now < $0 }) ?? true,
            paths.isEmpty || paths.contains(where: { $0.matches(content.path) })
        else { return false }
        let header = content.signature.prefix(9)
        let signature = Array(content.signature.dropFirst(9))
        guard header.count == 9, header[0] == 3, header[1] == 2, Array(header[3...6]) == keyIdentifier,
            signature.count == Int(header[7]) << 8 | Int(header[8]),
            let hash = Self.hashes[header[2]], content.digest.hash == hash, content.digest.isStrong
        else { return false }
        let digest = content.digest.bytes
        switch key {
        case .rsa(let modulus, let exponent):
            return RSAVerification.isValid(signature, over: digest, hash, modulus: modulus, exponent: exponent)
        case .p256(let key):
            let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature)
            return signature.map { key.isValidSignature($0, for: ReadyDigest(bytes: digest)) } ?? false
        case .p384(let key):
            let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature)
            return signature.map { key.isValidSignature($0, for: ReadyDigest(bytes: digest)) } ?? false
        }
    }

    /// The kernel's numbers (Linux, include/uapi/linux/hash_info.h).
    private static let hashes: [UInt8: HashAlgorithm] = [4: .sha256, 5: .sha384, 6: .sha512]
}

/// A digest that somebody else made, for signatures over it.
private struct ReadyDigest: Digest {
    /// Of no use: each of these has its own length.
    static let byteCount = 0
    let bytes: [UInt8]

    var description: String { hexadecimal(bytes) }

    func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }

    func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try unsafe bytes.withUnsafeBytes(body)
    }
}
