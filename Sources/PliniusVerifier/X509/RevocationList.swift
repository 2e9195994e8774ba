import SwiftASN1
import X509

/// A list of certificates that their issuer takes back, before anybody believes it (RFC 5280, 5).
package struct RevocationList: Sendable {
    /// The longest list that is read, in bytes.
    static let byteLimit = 4 << 20

    package let der: [UInt8]
    /// The DER of the issuer's name.
    package let issuer: [UInt8]
    package let thisUpdate: Instant
    /// Whoever publishes no next update promises nothing: such a list is refused.
    package let nextUpdate: Instant
    package let revokedSerials: Set<[UInt8]>
    let signedBytes: [UInt8]
    let signature: [UInt8]
    let signatureAlgorithm: SignatureAlgorithm

    /// Reads a list to its last byte.
    ///
    /// A list with a critical extension, as one of a part of the certificates or of changes alone, is refused: what is not on it is not
    /// known to be good.
    /// - Throws: `x509.crl.format`.
    package init(der: [UInt8]) throws(EvidenceError) {
        guard der.count <= Self.byteLimit else {
            throw EvidenceError(
                "x509.crl.format", expected: "at most \(Self.byteLimit) bytes", found: "\(der.count) bytes")
        }
        do {
            let tbs: ASN1Node
            (tbs, signatureAlgorithm, signature) = try signedFields(try DER.parse(der))
            self.der = der
            signedBytes = Array(tbs.encodedBytes)
            let fields = try Fields(tbs)
            guard fields.algorithm == signatureAlgorithm else {
                throw ASN1Error.invalidASN1Object(reason: "two signature algorithms")
            }
            (issuer, thisUpdate, nextUpdate, revokedSerials) =
                (fields.issuer, fields.thisUpdate, fields.nextUpdate, fields.serials)
        } catch {
            throw EvidenceError("x509.crl.format", expected: "a revocation list (RFC 5280)", found: "\(error)")
        }
    }

    /// Whether a key's owner signed this list.
    package func isSigned(by key: PublicKey) -> Bool {
        key.isValid(signature, over: signedBytes, signatureAlgorithm)
    }

    private struct Fields {
        var algorithm: SignatureAlgorithm
        var issuer: [UInt8]
        var thisUpdate: Instant
        var nextUpdate: Instant
        var serials: Set<[UInt8]> = []

        init(_ node: ASN1Node) throws {
            self = try DER.sequence(node, identifier: .sequence) { fields in
                guard try Int(derEncoded: &fields) == 1 else {
                    throw ASN1Error.invalidASN1Object(reason: "a list of a version other than 2")
                }
                var read = Self(
                    algorithm: try SignatureAlgorithm(derEncoded: required(&fields, "signature algorithm")),
                    issuer: Array(try required(&fields, "issuer").encodedBytes),
                    thisUpdate: try Instant(derEncoded: required(&fields, "time of this update")),
                    nextUpdate: try Instant(derEncoded: required(&fields, "time of the next update")))
                var next = fields.next()
                if let entries = next, entries.identifier == .sequence {
                    try DER.sequence(entries, identifier: .sequence) { list in
                        while let entry = list.next() { read.serials.insert(try Self.serial(entry)) }
                    }
                    next = fields.next()
                }
                if let extensions = next {
                    try Self.refuseCritical(extensions)
                }
                return read
            }
        }

        private init(algorithm: SignatureAlgorithm, issuer: [UInt8], thisUpdate: Instant, nextUpdate: Instant) {
            (self.algorithm, self.issuer) = (algorithm, issuer)
            (self.thisUpdate, self.nextUpdate) = (thisUpdate, nextUpdate)
        }

        private static func serial(_ entry: ASN1Node) throws -> [UInt8] {
            try DER.sequence(entry, identifier: .sequence) { fields in
                let serial = try serialNumber(required(&fields, "serial number"))
                _ = try Instant(derEncoded: required(&fields, "date of revocation"))
                if let extensions = fields.next() {
                    try refuseCritical(
                        try DER.sequence(of: Certificate.Extension.self, identifier: .sequence, rootNode: extensions))
                }
                return serial
            }
        }

        private static func refuseCritical(_ node: ASN1Node) throws {
            let tag = ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
            guard node.identifier == tag, case .constructed(let inner) = node.content else {
                throw ASN1Error.unexpectedFieldType(node.identifier)
            }
            var nodes = inner.makeIterator()
            let extensions = try required(&nodes, "extensions")
            guard nodes.next() == nil else { throw ASN1Error.invalidASN1Object(reason: "extensions twice") }
            try refuseCritical(
                try DER.sequence(of: Certificate.Extension.self, identifier: .sequence, rootNode: extensions))
        }

        private static func refuseCritical(_ extensions: [Certificate.Extension]) throws {
            if let critical = extensions.first(where: \.critical) {
                throw ASN1Error.invalidASN1Object(reason: "critical extension \(critical.oid)")
            }
        }
    }
}
