import SwiftASN1

/// How a signature was made.
package enum SignatureAlgorithm: Hashable, Sendable {
    /// ECDSA, the signature as X.509 has it: a DER sequence of r and s.
    case ecdsa(HashAlgorithm)
    /// ECDSA, the signature as r ‖ s, each big-endian and as long as the curve's field.
    case ecdsaRaw(HashAlgorithm)
    /// RSASSA-PKCS1-v1_5.
    case rsaPKCS1(HashAlgorithm)
    /// RSASSA-PSS with MGF1 over the same hash and a salt as long as a digest.
    case rsaPSS(HashAlgorithm)
    case ed25519

    /// The hash function, `nil` for Ed25519, which has its own.
    package var hash: HashAlgorithm? {
        switch self {
        case .ecdsa(let hash), .ecdsaRaw(let hash), .rsaPKCS1(let hash), .rsaPSS(let hash): hash
        case .ed25519: nil
        }
    }

    /// Reads an AlgorithmIdentifier, with its parameters (RFC 4055, RFC 5758, RFC 8410).
    init(derEncoded node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { fields in
            let oid = try ASN1ObjectIdentifier(derEncoded: &fields)
            let parameters = fields.next()
            if oid == OID.rsaPSS {
                guard let parameters else { throw ASN1Error.invalidASN1Object(reason: "RSASSA-PSS without parameters") }
                return .rsaPSS(try Self.pssHash(parameters))
            }
            // Absent or NULL: RFC 4055 and RFC 5758 differ on which, and both are found.
            guard parameters.map({ $0.identifier == .null }) ?? true, let algorithm = OID.signatures[oid] else {
                throw ASN1Error.invalidASN1Object(reason: "signature algorithm \(oid), which this build does not know")
            }
            return algorithm
        }
    }

    /// Reads RSASSA-PSS-params, and takes them only if they say what ``rsaPSS(_:)`` means.
    private static func pssHash(_ node: ASN1Node) throws -> HashAlgorithm {
        // The defaults of RFC 4055 are SHA-1 and a salt of 20 bytes; nothing that is to be believed uses them.
        var hash: HashAlgorithm?
        var mask: HashAlgorithm?
        var salt = 20
        var trailer = 1
        try DER.sequence(node, identifier: .sequence) { fields in
            hash = try DER.optionalExplicitlyTagged(&fields, tagNumber: 0, tagClass: .contextSpecific) {
                try hashAlgorithm($0)
            }
            mask = try DER.optionalExplicitlyTagged(&fields, tagNumber: 1, tagClass: .contextSpecific) {
                try DER.sequence($0, identifier: .sequence) { generator in
                    guard try ASN1ObjectIdentifier(derEncoded: &generator) == OID.mgf1, let inner = generator.next()
                    else { throw ASN1Error.invalidASN1Object(reason: "a mask generation other than MGF1") }
                    return try hashAlgorithm(inner)
                }
            }
            salt =
                try DER.optionalExplicitlyTagged(&fields, tagNumber: 2, tagClass: .contextSpecific) {
                    try Int(derEncoded: $0)
                } ?? salt
            trailer =
                try DER.optionalExplicitlyTagged(&fields, tagNumber: 3, tagClass: .contextSpecific) {
                    try Int(derEncoded: $0)
                } ?? trailer
        }
        guard let hash, mask == hash, salt == hash.byteCount, trailer == 1 else {
            throw ASN1Error.invalidASN1Object(
                reason: "RSASSA-PSS with \(hash?.description ?? "sha1"), a mask of \(mask?.description ?? "sha1"), "
                    + "a salt of \(salt) bytes and trailer \(trailer)")
        }
        return hash
    }

    private static func hashAlgorithm(_ node: ASN1Node) throws -> HashAlgorithm {
        try DER.sequence(node, identifier: .sequence) { fields in
            let oid = try ASN1ObjectIdentifier(derEncoded: &fields)
            guard fields.next().map({ $0.identifier == .null }) ?? true, let hash = OID.hashes[oid] else {
                throw ASN1Error.invalidASN1Object(reason: "hash function \(oid)")
            }
            return hash
        }
    }
}

/// The object identifiers that certificates are read with.
enum OID {
    static let rsaPSS: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 1, 10]
    static let rsaOAEP: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 1, 7]
    static let mgf1: ASN1ObjectIdentifier = [1, 2, 840, 113_549, 1, 1, 8]
    static let commonName: ASN1ObjectIdentifier = [2, 5, 4, 3]
    static let basicConstraints: ASN1ObjectIdentifier = [2, 5, 29, 19]
    static let distributionPoints: ASN1ObjectIdentifier = [2, 5, 29, 31]
    static let keyUsage: ASN1ObjectIdentifier = [2, 5, 29, 15]

    static let hashes: [ASN1ObjectIdentifier: HashAlgorithm] = [
        [2, 16, 840, 1, 101, 3, 4, 2, 1]: .sha256,
        [2, 16, 840, 1, 101, 3, 4, 2, 2]: .sha384,
        [2, 16, 840, 1, 101, 3, 4, 2, 3]: .sha512,
    ]

    static let signatures: [ASN1ObjectIdentifier: SignatureAlgorithm] = [
        [1, 2, 840, 10_045, 4, 3, 2]: .ecdsa(.sha256),
        [1, 2, 840, 10_045, 4, 3, 3]: .ecdsa(.sha384),
        [1, 2, 840, 10_045, 4, 3, 4]: .ecdsa(.sha512),
        [1, 2, 840, 113_549, 1, 1, 5]: .rsaPKCS1(.sha1),
        [1, 2, 840, 113_549, 1, 1, 11]: .rsaPKCS1(.sha256),
        [1, 2, 840, 113_549, 1, 1, 12]: .rsaPKCS1(.sha384),
        [1, 2, 840, 113_549, 1, 1, 13]: .rsaPKCS1(.sha512),
        [1, 3, 101, 112]: .ed25519,
    ]

    /// Critical extensions that a chain may hold: those that the path rules look at, those that callers look at (what a key is for, whose
    /// it is), and those that only inform where no policy is asked for and lists come from elsewhere.
    static let knownCritical: Set<ASN1ObjectIdentifier> = [
        basicConstraints, keyUsage,
        [2, 5, 29, 37], [2, 5, 29, 17],
        [2, 5, 29, 32], distributionPoints,
    ]
}
