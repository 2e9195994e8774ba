import Crypto
import CryptoExtras
import SwiftASN1

/// Judges who vouches for a TPM: the certificate of its endorsement key, which its maker stored in it.
///
/// | Check | What has to hold |
/// |---|---|
/// | `tpm.ek.present` | there is a certificate |
/// | `tpm.ek.chain`, `tpm.ek.signature`, `tpm.ek.validity`, `tpm.ek.constraints` | it leads to a maker that the policy trusts |
/// | `tpm.ek.purpose` | it was issued for an endorsement key |
/// | `tpm.ek.public` | it is this key's |
/// | `tpm.ek.template` | the key never leaves its TPM and decrypts what a TPM wraps, and nothing else |
///
/// Between the certificate and the anchor may be certificates of the maker's that nobody has to believe: those of
/// ``Collateral/endorsementIntermediates``.
///
/// A certificate alone binds no attestation key: a ``TPMCredential`` does, which only the TPM with this endorsement key can open.
///
/// - Parameters:
///   - certificate: In DER; what fills up the index that it lay in may follow.
///   - ek: The key's public area, if it is known.
/// - Throws: `tpm.ek.format` or `x509.certificate.format`.
package func examineEndorsement(
    certificate: [UInt8], ek: TPMPublic?, _ context: Context, askedBy line: PolicyLine?,
    _ examination: inout Examination
) throws(EvidenceError) -> ParsedCertificate {
    let leaf = try ParsedCertificate(der: withoutFilling(certificate))
    _ = examination.checkChain(
        "tpm.ek", leaf: leaf, intermediates: authorities(above: leaf, context.collateral),
        anchors: context.anchors.endorsement, revocationLists: nil,
        at: context.now, askedBy: line)
    let purposes = leaf.extension("2.5.29.37").flatMap { extendedKeyUsages($0.value) } ?? []
    examination.check(
        "tpm.ek.purpose", purposes.contains(endorsementPurpose), expected: "\(endorsementPurpose), an endorsement key",
        found: purposes.isEmpty ? "no purpose" : purposes.joined(separator: ", "), askedBy: line)
    guard let ek else { return leaf }
    let key = try ek.publicKey("tpm.ek.format")
    examination.check(
        "tpm.ek.public", key.isSame(as: leaf.publicKey), expected: "the certificate's key",
        found: key.isSame(as: leaf.publicKey) ? "the certificate's key" : "another", askedBy: line)
    let needed: TPMPublic.Attributes = [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .decrypt]
    examination.check(
        "tpm.ek.template",
        ek.attributes.isSuperset(of: needed) && !ek.attributes.contains(.sign) && !ek.policy.isEmpty
            && ek.symmetric != nil,
        expected: "\(needed), not sign, with a policy and a cipher (TCG EK Credential Profile, section B)",
        found: "\(ek.attributes), \(ek.policy.isEmpty ? "no" : "a") policy", askedBy: line)
    return leaf
}

/// The certificates that may lie between one and its anchor, found by their names: makers have more than any chain is sought among.
private func authorities(above leaf: ParsedCertificate, _ collateral: Collateral) -> [ParsedCertificate] {
    let all = collateral.endorsementIntermediates.compactMap { try? ParsedCertificate(der: $0) }
    var found: [ParsedCertificate] = []
    var names = [leaf.issuer]
    while let name = names.popLast() {
        for certificate in all where certificate.subject == name && !found.contains(certificate) {
            found.append(certificate)
            names.append(certificate.issuer)
        }
    }
    return found
}

/// tcg-kp-EKCertificate.
private let endorsementPurpose = "2.23.133.8.1"

/// The certificate at the beginning; indices are longer than what lies in them, and filled up with zeros or 0xFF.
private func withoutFilling(_ bytes: [UInt8]) throws(EvidenceError) -> [UInt8] {
    guard bytes.count > 4, bytes[0] == 0x30, bytes[1] == 0x82 else { return bytes }
    let end = 4 + (Int(bytes[2]) << 8 | Int(bytes[3]))
    guard end < bytes.count else { return bytes }
    let filling = bytes[end...]
    guard filling.allSatisfy({ $0 == 0 }) || filling.allSatisfy({ $0 == 0xFF }) else {
        throw EvidenceError(
            "tpm.ek.format", expected: "zeros or 0xFF after the \(end) bytes of the certificate",
            found: "\(filling.count) other bytes")
    }
    return Array(bytes[..<end])
}

/// The object identifiers of an extended key usage, `nil` if it is none.
private func extendedKeyUsages(_ der: [UInt8]) -> [String]? {
    try? DER.sequence(of: ASN1ObjectIdentifier.self, identifier: .sequence, rootNode: DER.parse(der)).map(\.description)
}

extension PublicKey {
    /// Whether it is the same key, whatever it was read from.
    func isSame(as other: PublicKey) -> Bool {
        switch (self, other) {
        case (.p256(let one), .p256(let other)): one.rawRepresentation == other.rawRepresentation
        case (.p384(let one), .p384(let other)): one.rawRepresentation == other.rawRepresentation
        case (.rsa(let one), .rsa(let other)): one.pkcs1DERRepresentation == other.pkcs1DERRepresentation
        default: false
        }
    }
}
