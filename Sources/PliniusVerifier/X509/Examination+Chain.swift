import SwiftASN1
import X509

extension Examination {
    /// The most certificates of a chain, leaf and anchor included.
    private static let chainLimit = 8
    /// The most certificates that a chain is sought among.
    private static let poolLimit = 32

    /// Checks a chain of certificates, from a leaf to one of the anchors (RFC 5280, 6.1).
    ///
    /// - `<name>.chain`: each certificate's issuer is there, by its name, and the last is an anchor, to its last byte.
    /// - `<name>.validity`: the instant lies within all validity periods.
    /// - `<name>.signature`: each is signed with its issuer's key, and not by way of SHA-1.
    /// - `<name>.constraints`: each issuer is an authority (basicConstraints), may sign certificates (keyUsage, if it says) and has no more
    ///   authorities below it than it allows; no certificate has a critical extension that nobody looks at.
    /// - `<name>.revocation`: for each certificate whose issuer may sign lists, a list of that issuer is there, signed by it and in date, and
    ///   no list names the certificate. An issuer whose keyUsage leaves cRLSign out can have no list of its own.
    ///
    /// Anchors are believed because they are named: their own signatures are not looked at.
    /// - Parameters:
    ///   - anchors: Certificates in DER.
    ///   - revocationLists: `nil` if nobody asks for them.
    ///   - listsAreNamed: Whether a maker names a distribution point in each certificate that a list may take back, so that others need none.
    /// - Returns: Leaf first, anchor last; `nil` if a check failed.
    package mutating func checkChain(
        _ name: String, leaf: ParsedCertificate, intermediates: [ParsedCertificate], anchors: [[UInt8]],
        revocationLists: [RevocationList]?, listsAreNamed: Bool = false, at now: Instant,
        askedBy line: PolicyLine? = nil
    ) -> [ParsedCertificate]? {
        let roots = anchors.compactMap { anchor in try? ParsedCertificate(der: anchor) }
        let (chain, isComplete) = Self.chain(from: leaf, intermediates.prefix(Self.poolLimit), roots)
        guard
            check(
                "\(name).chain", isComplete, expected: "a chain that ends in \(listed(roots))",
                found: chain.map(\.description).joined(separator: " ← "), askedBy: line)
        else { return nil }
        var isGood = true
        let outdated = chain.first { now < $0.notBefore || now > $0.notAfter }
        isGood =
            check(
                "\(name).validity", outdated == nil, expected: "certificates that are valid at \(now)",
                found: outdated.map { "\($0): from \($0.notBefore) to \($0.notAfter)" } ?? "all are", askedBy: line)
            && isGood
        let forged = zip(chain, chain.dropFirst()).first {
            $0.signatureAlgorithm.hash == .sha1 || !$0.isSigned(by: $1.publicKey)
        }
        isGood =
            check(
                "\(name).signature", forged == nil, expected: "each certificate signed by its issuer",
                found: forged.map { "\($0) is not signed by \($1), or with SHA-1" } ?? "all are", askedBy: line)
            && isGood
        let violation = Self.violatedConstraint(chain)
        isGood =
            check(
                "\(name).constraints", violation == nil, expected: "authorities that may do what they did",
                found: violation ?? "all may", askedBy: line) && isGood
        if let revocationLists {
            let problem = Self.revocationProblem(chain, revocationLists, listsAreNamed, now)
            isGood =
                check(
                    "\(name).revocation", problem == nil, expected: "lists of each issuer, in date, that name none",
                    found: problem ?? "all are good", askedBy: line) && isGood
        }
        return isGood ? chain : nil
    }

    /// Goes from issuer to issuer: an anchor is preferred, then a certificate whose key made the signature.
    private static func chain(
        from leaf: ParsedCertificate, _ intermediates: ArraySlice<ParsedCertificate>, _ roots: [ParsedCertificate]
    ) -> (chain: [ParsedCertificate], isComplete: Bool) {
        var chain = [leaf]
        var pool = intermediates.filter { $0 != leaf && !roots.contains($0) }
        while let last = chain.last, chain.count < chainLimit {
            let anchors = roots.filter { $0.subject == last.issuer }
            if let anchor = anchors.first(where: { last.isSigned(by: $0.publicKey) }) {
                return (chain + [anchor], true)
            }
            let candidates = pool.filter { $0.subject == last.issuer && $0.subject != last.subject }
            let issuer = candidates.first { last.isSigned(by: $0.publicKey) }
            // Nobody made the signature: the check of it shall name whose it is not.
            if issuer == nil, let anchor = anchors.first { return (chain + [anchor], true) }
            guard let next = issuer ?? candidates.first else { return (chain, false) }
            chain.append(next)
            pool.removeAll { $0.subject == next.subject }
        }
        return (chain, false)
    }

    private static func violatedConstraint(_ chain: [ParsedCertificate]) -> String? {
        for certificate in chain {
            if let oid = certificate.extensions.first(where: { $0.critical && !OID.knownCritical.contains($0.oid) })?
                .oid
            {
                return "\(certificate) has the critical extension \(oid)"
            }
        }
        for (position, authority) in chain.enumerated().dropFirst() {
            guard let `extension` = authority.extensions.first(where: { $0.oid == OID.basicConstraints }),
                case .isCertificateAuthority(let limit)? = try? BasicConstraints(`extension`)
            else { return "\(authority) is no authority" }
            let below = chain[1..<position].count { $0.issuer != $0.subject }
            if let limit, below > limit {
                return "\(authority) allows \(limit) authorities below it, there are \(below)"
            }
            if let usage = authority.keyUsage, usage & 0x04 == 0 {
                return "\(authority) may not sign certificates"
            }
        }
        return nil
    }

    private static func revocationProblem(
        _ chain: [ParsedCertificate], _ lists: [RevocationList], _ listsAreNamed: Bool, _ now: Instant
    ) -> String? {
        for (certificate, issuer) in zip(chain, chain.dropFirst()) {
            let isNamed = certificate.extensions.contains { $0.oid == OID.distributionPoints }
            let mayBeAbsent = listsAreNamed && !isNamed && !lists.contains { $0.issuer == issuer.subject }
            if mayBeAbsent { continue }
            if let usage = issuer.keyUsage, usage & 0x02 == 0 { continue }
            let named = lists.filter { $0.issuer == issuer.subject }
            let signed = named.filter { $0.signatureAlgorithm.hash != .sha1 && $0.isSigned(by: issuer.publicKey) }
            if signed.contains(where: { $0.revokedSerials.contains(certificate.serialNumber) }) {
                return "\(issuer) revoked \(certificate)"
            }
            if named.isEmpty { return "no list of \(issuer), which \(certificate) needs" }
            if signed.isEmpty { return "a list that names \(issuer) and is not signed by it" }
            if !signed.contains(where: { $0.thisUpdate <= now && now <= $0.nextUpdate }) {
                let newest = signed.max { $0.nextUpdate < $1.nextUpdate }
                return "a list of \(issuer) that is not in date at \(now)"
                    + (newest.map { ": from \($0.thisUpdate) to \($0.nextUpdate)" } ?? "")
            }
        }
        return nil
    }

    private func listed(_ certificates: [ParsedCertificate]) -> String {
        certificates.isEmpty
            ? "an anchor, of which there is none" : certificates.map(\.description).joined(separator: " or ")
    }
}

extension ParsedCertificate {
    /// The first eight bits of keyUsage (RFC 5280, 4.2.1.3), 0 if it cannot be read; `nil` if the certificate does not say.
    ///
    /// AMD's authorities encode it with a bit more than DER would, which swift-certificates refuses.
    fileprivate var keyUsage: UInt8? {
        guard let usage = extensions.first(where: { $0.oid == OID.keyUsage }) else { return nil }
        return (try? ASN1BitString(derEncoded: Array(usage.value)))?.bytes.first ?? 0
    }
}
