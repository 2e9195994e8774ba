import SwiftASN1
import X509

/// Splits a signed structure, a certificate or a list, into what is signed, how, and the signature (RFC 5280, 4.1 and 5.1).
func signedFields(_ node: ASN1Node) throws -> (signed: ASN1Node, algorithm: SignatureAlgorithm, signature: [UInt8]) {
    try DER.sequence(node, identifier: .sequence) { fields in
        guard let signed = fields.next(), let algorithm = fields.next(), let signature = fields.next() else {
            throw ASN1Error.invalidASN1Object(reason: "fewer than three fields")
        }
        let bits = try ASN1BitString(derEncoded: signature)
        guard bits.paddingBits == 0 else { throw ASN1Error.invalidASN1Object(reason: "a signature of odd bits") }
        return (signed, try SignatureAlgorithm(derEncoded: algorithm), Array(bits.bytes))
    }
}

/// The next field, which has to be there.
func required(_ fields: inout ASN1NodeCollection.Iterator, _ name: String) throws -> ASN1Node {
    guard let node = fields.next() else { throw ASN1Error.invalidASN1Object(reason: "no \(name)") }
    return node
}

/// An INTEGER's content without leading zeros, one zero byte for 0.
func serialNumber(_ node: ASN1Node) throws -> [UInt8] {
    guard node.identifier == .integer, case .primitive(let content) = node.content, (1...32).contains(content.count)
    else { throw ASN1Error.invalidASN1Object(reason: "a serial number of no or too many bytes") }
    let digits = content.drop { $0 == 0 }
    return digits.isEmpty ? [0] : Array(digits)
}

extension Instant {
    /// Reads a Time: UTCTime or GeneralizedTime, the latter up to the year 9999, by which devices say "for ever".
    init(derEncoded node: ASN1Node) throws {
        if node.identifier == .utcTime {
            let time = try UTCTime(derEncoded: node)
            self.init(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)
        } else {
            let time = try GeneralizedTime(derEncoded: node)
            self.init(time.year, time.month, time.day, time.hours, time.minutes, time.seconds)
        }
    }
}

/// The fields of a TBSCertificate that path rules need as they stand in it.
struct TBSFields {
    var serialNumber: [UInt8] = []
    var issuer: [UInt8] = []
    var subject: [UInt8] = []
    var commonName: String?
    var notBefore = Instant(seconds: 0)
    var notAfter = Instant(seconds: 0)
    var algorithm: SignatureAlgorithm
    var key: ASN1Node
    var keyIsForOAEP: Bool
    var extensions: [Certificate.Extension]

    init(_ node: ASN1Node) throws {
        self = try DER.sequence(node, identifier: .sequence) { fields in
            let version =
                try DER.optionalExplicitlyTagged(&fields, tagNumber: 0, tagClass: .contextSpecific) {
                    try Int(derEncoded: $0)
                } ?? 0
            let serial = try PliniusVerifier.serialNumber(required(&fields, "serial number"))
            let algorithm = try SignatureAlgorithm(derEncoded: required(&fields, "signature algorithm"))
            let issuer = try required(&fields, "issuer")
            let validity = try required(&fields, "validity")
            let subject = try required(&fields, "subject")
            let key = try required(&fields, "public key")
            for tag: UInt in 1...2 {
                _ = DER.optionalImplicitlyTagged(&fields, tagNumber: tag, tagClass: .contextSpecific) { _ in }
            }
            let extensions =
                try DER.optionalExplicitlyTagged(&fields, tagNumber: 3, tagClass: .contextSpecific) {
                    try DER.sequence(of: Certificate.Extension.self, identifier: .sequence, rootNode: $0)
                } ?? []
            guard extensions.isEmpty || version == 2 else {
                throw ASN1Error.invalidASN1Object(reason: "extensions, and version \(version) instead of 2 (v3)")
            }
            guard Set(extensions.map(\.oid)).count == extensions.count else {
                throw ASN1Error.invalidASN1Object(reason: "an extension twice")
            }
            return try Self(serial, algorithm, issuer, validity, subject, key, extensions)
        }
    }

    private init(
        _ serialNumber: [UInt8], _ algorithm: SignatureAlgorithm, _ issuer: ASN1Node, _ validity: ASN1Node,
        _ subject: ASN1Node, _ key: ASN1Node, _ extensions: [Certificate.Extension]
    ) throws {
        (self.serialNumber, self.algorithm, self.key, self.extensions) = (serialNumber, algorithm, key, extensions)
        _ = try DistinguishedName(derEncoded: issuer)
        self.issuer = Array(issuer.encodedBytes)
        self.subject = Array(subject.encodedBytes)
        commonName = try DistinguishedName(derEncoded: subject).joined()
            .first { $0.type == OID.commonName }.flatMap { String($0.value) }
        (notBefore, notAfter) = try DER.sequence(validity, identifier: .sequence) { fields in
            (
                try Instant(derEncoded: required(&fields, "beginning")),
                try Instant(derEncoded: required(&fields, "end"))
            )
        }
        keyIsForOAEP = try PublicKey.algorithm(of: key) == OID.rsaOAEP
    }
}
