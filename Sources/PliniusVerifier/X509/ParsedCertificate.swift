import FoundationEssentials
import SwiftASN1
import X509

/// A certificate's fields, before anybody believes them.
///
/// swift-certificates reads those that it knows. What it refuses and evidence nevertheless holds, AMD's RSASSA-PSS signatures and
/// endorsement keys for RSAES-OAEP alone, is read here (RFC 5280, 4.1).
package struct ParsedCertificate: Sendable {
    /// The longest certificate that is read, in bytes.
    static let byteLimit = 64 << 10
    /// The most certificates that are taken from one file.
    static let countLimit = 32

    package let der: [UInt8]
    /// The content of the INTEGER, without leading zeros; one zero byte for 0, which AMD uses.
    package let serialNumber: [UInt8]
    /// The names, each as its DER.
    package let issuer: [UInt8]
    package let subject: [UInt8]
    package let commonName: String?
    package let notBefore: Instant
    package let notAfter: Instant
    package let publicKey: PublicKey
    /// What the signature covers.
    let signedBytes: [UInt8]
    let signature: [UInt8]
    let signatureAlgorithm: SignatureAlgorithm
    let extensions: [Certificate.Extension]

    /// Reads a certificate to its last byte.
    /// - Throws: `x509.certificate.format`.
    package init(der: [UInt8]) throws(EvidenceError) {
        guard der.count <= Self.byteLimit else {
            throw EvidenceError(
                "x509.certificate.format", expected: "at most \(Self.byteLimit) bytes", found: "\(der.count) bytes")
        }
        do {
            self = try Self(node: try DER.parse(der), der: der)
        } catch {
            throw EvidenceError("x509.certificate.format", expected: "a certificate (RFC 5280)", found: "\(error)")
        }
    }

    private init(node: ASN1Node, der: [UInt8]) throws {
        self.der = der
        let tbs: ASN1Node
        (tbs, signatureAlgorithm, signature) = try signedFields(node)
        signedBytes = Array(tbs.encodedBytes)
        let fields = try TBSFields(tbs)
        guard fields.algorithm == signatureAlgorithm else {
            throw ASN1Error.invalidASN1Object(reason: "two signature algorithms")
        }
        let isReadHere =
            if case .rsaPSS = signatureAlgorithm { true } else { fields.keyIsForOAEP }
        if isReadHere {
            publicKey = try PublicKey(node: fields.key)
            extensions = fields.extensions
        } else {
            let certificate = try Certificate(derEncoded: node)
            guard let key = PublicKey(certificate.publicKey) else {
                throw ASN1Error.invalidASN1Object(reason: "a key of kind \(certificate.publicKey)")
            }
            publicKey = key
            extensions = Array(certificate.extensions)
        }
        (serialNumber, issuer, subject) = (fields.serialNumber, fields.issuer, fields.subject)
        (notBefore, notAfter, commonName) = (fields.notBefore, fields.notAfter, fields.commonName)
    }

    /// Reads the certificates of a PEM file, in their order; white space and zero bytes may surround them.
    /// - Throws: `x509.certificate.format`, also if there is none.
    package static func parse(pem: [UInt8]) throws(EvidenceError) -> [ParsedCertificate] {
        let limit = countLimit * byteLimit
        guard pem.count <= limit else {
            throw EvidenceError(
                "x509.certificate.format", expected: "PEM of at most \(limit) bytes", found: "\(pem.count) bytes")
        }
        let documents: [PEMDocument]
        do {
            // The parser ends lines at line feeds alone, and takes nothing but documents and lines between them.
            let text = String(decoding: pem.filter { $0 != 0 && $0 != 13 }, as: UTF8.self)
            documents = try PEMDocument.parseMultiple(pemString: text).filter { $0.discriminator == "CERTIFICATE" }
        } catch {
            throw EvidenceError("x509.certificate.format", expected: "PEM", found: "\(error)")
        }
        guard (1...countLimit).contains(documents.count) else {
            throw EvidenceError(
                "x509.certificate.format", expected: "1 to \(countLimit) certificates in PEM",
                found: "\(documents.count)")
        }
        return try documents.map { document throws(EvidenceError) in try ParsedCertificate(der: document.derBytes) }
    }

    /// The value of an extension, by the dotted form of its identifier.
    package func `extension`(_ oid: String) -> (isCritical: Bool, value: [UInt8])? {
        extensions.first { $0.oid.description == oid }.map { ($0.critical, Array($0.value)) }
    }

    /// Whether a key's owner signed this certificate.
    package func isSigned(by key: PublicKey) -> Bool {
        key.isValid(signature, over: signedBytes, signatureAlgorithm)
    }
}

extension ParsedCertificate: Hashable {
    package static func == (first: Self, second: Self) -> Bool { first.der == second.der }

    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

extension ParsedCertificate: CustomStringConvertible {
    /// Its common name, and the serial number as openers of certificates show it.
    package var description: String { "\(commonName ?? "a subject without a name") (\(hexadecimal(serialNumber)))" }
}
