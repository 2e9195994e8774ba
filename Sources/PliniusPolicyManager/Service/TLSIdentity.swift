internal import Crypto
internal import FoundationEssentials
internal import PliniusPolicy
internal import PliniusSealing
public import PliniusVerifier
internal import SwiftASN1
internal import X509

/// What the server shows to its clients, and the key to it.
public struct TLSIdentity: Sendable {
    /// One certificate, or a chain that begins with the server's own.
    public let certificatePEM: String
    /// The key, which is nobody else's business.
    public let privateKeyPEM: String
    /// SHA-256 of the server's own certificate in DER, 32 bytes: what clients pin, and what the manager's evidence names.
    public let digest: [UInt8]

    /// Takes files over.
    /// - Throws: ``ManagerError/Code/malformed`` if there is no certificate.
    public init(certificatePEM: String, privateKeyPEM: String) throws {
        guard let first = try? PEMDocument.parseMultiple(pemString: certificatePEM).first,
            first.discriminator == "CERTIFICATE"
        else { throw ManagerError(.malformed, "the TLS certificate's file has no certificate in PEM") }
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
        digest = Array(SHA256.hash(data: first.derBytes))
    }

    private static let place = "tls"

    /// The identity that a store has, made when it is asked for first: a key of P-256, wrapped as all keys are, and a certificate that it
    /// signed itself.
    /// - Parameter hosts: Names and addresses that stand in the certificate; who pins it does not look at them.
    /// - Throws: ``ManagerError``.
    public init(of store: PolicyStore, hosts: [String], at now: Instant) throws {
        let kept = try store.read { view in
            try view.key(Self.place, "key", in: store.vault).flatMap { key in
                try view.meta("certificate").map { (key, $0) }
            }
        }
        if let (key, certificate) = kept {
            let key = try unsafe key.withBytes { unsafe try P256.Signing.PrivateKey(rawRepresentation: $0) }
            self = try Self(
                certificatePEM: PEMDocument(type: "CERTIFICATE", derBytes: certificate).pemString,
                privateKeyPEM: key.pemRepresentation)
            return
        }
        let key = P256.Signing.PrivateKey()
        let certificate = try Self.selfSigned(key, hosts, at: store.instant(at: now))
        try store.write(at: now) { transaction in
            try transaction.setKey(SecretBytes(Array(key.rawRepresentation)), Self.place, "key")
            try transaction.setMeta("certificate", certificate)
            try transaction.log(.key, subject: Self.place, actor: "service")
        }
        try self.init(
            certificatePEM: PEMDocument(type: "CERTIFICATE", derBytes: certificate).pemString,
            privateKeyPEM: key.pemRepresentation)
    }

    /// An identity for one start: a new key, kept nowhere.
    /// - Throws: if no certificate can be made.
    public static func ephemeral(hosts: [String], at now: Instant) throws -> TLSIdentity {
        let key = P256.Signing.PrivateKey()
        let certificate = try selfSigned(key, hosts, at: now)
        return try TLSIdentity(
            certificatePEM: PEMDocument(type: "CERTIFICATE", derBytes: certificate).pemString,
            privateKeyPEM: key.pemRepresentation)
    }

    /// A certificate for ten years.
    ///
    /// Clients pin it, and a new one would be another service to them. It begins early, since clocks differ.
    private static func selfSigned(_ key: P256.Signing.PrivateKey, _ hosts: [String], at now: Instant) throws -> [UInt8]
    {
        let name = try DistinguishedName { CommonName("perun") }
        let began = Date(timeIntervalSince1970: 1_767_225_600)
        let ends = Date(timeIntervalSince1970: Double(now.seconds) + 3_653 * 86_400)
        let names = hosts.map { host -> GeneralName in
            let parts = host.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
            return parts.count == 4 ? .ipAddress(ASN1OctetString(contentBytes: parts[...])) : .dnsName(host)
        }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: began, notValidAfter: ends, issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                // No key usage: one without the signing of certificates is no anchor to clients, though it signed itself.
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names)
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}
