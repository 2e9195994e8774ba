package import Crypto
import FoundationEssentials
import SwiftASN1
import X509
package import _CryptoExtras

/// A key that signatures are checked with, of one of the kinds that makers certify.
package enum PublicKey: Sendable {
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
    case p521(P521.Signing.PublicKey)
    case rsa(_RSA.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)

    /// Reads a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
    ///
    /// A key for RSAES-OAEP alone, as some endorsement keys are certified, is a key as any other of RSA.
    /// - Throws: `x509.key.format`.
    package init(spki der: [UInt8]) throws(EvidenceError) {
        do {
            self = try Self(node: try DER.parse(der))
        } catch {
            throw EvidenceError(
                "x509.key.format", expected: "a public key of a kind this build knows", found: "\(error)")
        }
    }

    /// - Throws: `x509.key.format`; a modulus has 2048 bits at least.
    package init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(EvidenceError) {
        do {
            self = .rsa(try _RSA.Signing.PublicKey(n: modulus, e: exponent))
        } catch {
            throw EvidenceError(
                "x509.key.format", expected: "an RSA key of 2048 bits or more",
                found: "a modulus of \(modulus.count * 8) bits, refused with \(error)")
        }
    }

    init(node: ASN1Node) throws {
        if try Self.algorithm(of: node) == OID.rsaOAEP {
            let bits = try DER.sequence(node, identifier: .sequence) { fields in
                _ = fields.next()
                return try ASN1BitString(derEncoded: &fields)
            }
            self = .rsa(try _RSA.Signing.PublicKey(derRepresentation: bits.bytes))
            return
        }
        let key = try Certificate.PublicKey(derEncoded: node)
        guard let known = Self(key) else {
            throw ASN1Error.invalidASN1Object(reason: "a key of kind \(key)")
        }
        self = known
    }

    /// What a SubjectPublicKeyInfo says its key is for.
    static func algorithm(of node: ASN1Node) throws -> ASN1ObjectIdentifier {
        try DER.sequence(node, identifier: .sequence) { fields in
            let algorithm = try required(&fields, "key's algorithm")
            _ = try required(&fields, "key")
            return try DER.sequence(algorithm, identifier: .sequence) { inner in
                let oid = try ASN1ObjectIdentifier(derEncoded: &inner)
                while inner.next() != nil {}
                return oid
            }
        }
    }

    init?(_ key: Certificate.PublicKey) {
        if let key = P256.Signing.PublicKey(key) {
            self = .p256(key)
        } else if let key = P384.Signing.PublicKey(key) {
            self = .p384(key)
        } else if let key = P521.Signing.PublicKey(key) {
            self = .p521(key)
        } else if let key = _RSA.Signing.PublicKey(key) {
            self = .rsa(key)
        } else if let key = Curve25519.Signing.PublicKey(key) {
            self = .ed25519(key)
        } else {
            return nil
        }
    }

    /// Whether a signature over a message holds.
    ///
    /// It does not if the key is not of the algorithm's kind, or the signature not of its form.
    package func isValid(_ signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm) -> Bool {
        switch algorithm.hash {
        case .sha1: isValid(signature, Insecure.SHA1.hash(data: message), message, algorithm)
        case .sha256: isValid(signature, SHA256.hash(data: message), message, algorithm)
        case .sha384: isValid(signature, SHA384.hash(data: message), message, algorithm)
        case .sha512: isValid(signature, SHA512.hash(data: message), message, algorithm)
        case nil: isValid(signature, SHA512.hash(data: message), message, algorithm)
        }
    }

    private func isValid(
        _ signature: [UInt8], _ digest: some Digest, _ message: [UInt8], _ algorithm: SignatureAlgorithm
    ) -> Bool {
        switch (self, algorithm) {
        case (.p256(let key), .ecdsa):
            (try? P256.Signing.ECDSASignature(derRepresentation: signature))
                .map { key.isValidSignature($0, for: digest) } ?? false
        case (.p256(let key), .ecdsaRaw):
            (try? P256.Signing.ECDSASignature(rawRepresentation: signature))
                .map { key.isValidSignature($0, for: digest) } ?? false
        case (.p384(let key), .ecdsa):
            (try? P384.Signing.ECDSASignature(derRepresentation: signature))
                .map { key.isValidSignature($0, for: digest) } ?? false
        case (.p384(let key), .ecdsaRaw):
            (try? P384.Signing.ECDSASignature(rawRepresentation: signature))
                .map { key.isValidSignature($0, for: digest) } ?? false
        case (.p521(let key), .ecdsa):
            (try? P521.Signing.ECDSASignature(derRepresentation: signature))
                .map { key.isValidSignature($0, for: digest) } ?? false
        case (.p521(let key), .ecdsaRaw):
            (try? P521.Signing.ECDSASignature(rawRepresentation: signature))
                .map { key.isValidSignature($0, for: digest) } ?? false
        case (.rsa(let key), .rsaPKCS1):
            key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: .insecurePKCS1v1_5)
        case (.rsa(let key), .rsaPSS):
            key.isValidSignature(_RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: .PSS)
        case (.ed25519(let key), .ed25519):
            key.isValidSignature(signature, for: message)
        default:
            false
        }
    }
}
