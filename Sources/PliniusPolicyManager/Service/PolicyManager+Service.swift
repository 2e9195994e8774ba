internal import Crypto
internal import PliniusAttester
public import PliniusPolicy
public import PliniusVerifier
public import PliniusWire

/// What the manager says of itself to whoever asks.
public struct SelfDescription: Sendable {
    /// Evidence that binds all below, and the nonce; `nil` if the manager runs unprotected.
    public let evidence: EvidenceBundle?
    /// Of the TLS certificate, 32 bytes.
    public let certificateDigest: [UInt8]
    /// X25519, 32 bytes.
    public let sealingKey: [UInt8]
    /// Ed25519, 32 bytes.
    public let auditKey: [UInt8]
}

extension PolicyManager {
    // MARK: - Itself

    /// Has the platform prove what runs here, over a nonce.
    ///
    /// The evidence binds runtime data of purpose `export` whose key is the one that secrets are sealed to, whose config digest is
    /// ``identityDigest(certificate:auditKey:)``, and whose run is `perun/1/service`: an owner judges it with an ordinary policy.
    /// - Parameters:
    ///   - nonce: 32 bytes of whoever asks.
    ///   - certificate: SHA-256 of the certificate that the server shows.
    /// - Throws: ``ManagerError/Code/unavailable`` if the platform gives no evidence.
    public nonisolated func describe(nonce: [UInt8], certificate: [UInt8]) throws -> SelfDescription {
        let vault = store.vault
        let bundle = try EvidenceBundle(
            of: attester, nonce: nonce, key: vault.keyPair.publicKey,
            identity: Self.identityDigest(certificate: certificate, auditKey: vault.signer.publicKey),
            run: "perun/1/service")
        return SelfDescription(
            evidence: bundle, certificateDigest: certificate, sealingKey: vault.keyPair.publicKey,
            auditKey: vault.signer.publicKey)
    }

    /// What stands for a service in its evidence: SHA-256 of `perun/1/service`, a zero, the certificate's digest and the audit key.
    public static func identityDigest(certificate: [UInt8], auditKey: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("perun/1/service\0".utf8) + certificate + auditKey))
    }

    // MARK: - Collateral

    /// Takes a signed bundle of what the makers of platforms say.
    /// - Throws: ``Refusal`` with the check `collateral.bundle.…`: nobody whom the manager believes signed it, or a newer one is here.
    public func importCollateral(_ bytes: [UInt8]) throws -> CollateralBundle {
        let bundle: CollateralBundle
        var changed = bundles
        do throws(EvidenceError) {
            bundle = try CollateralBundle(bytes, signedBy: options.collateralKeys)
            try changed.add(bytes)
        } catch { throw Refusal(error) }
        try store.write(at: now) { transaction in
            try transaction.setCollateral(
                CollateralRecord(
                    name: bundle.series, content: bytes, issued: bundle.issued, expires: bundle.expires,
                    imported: transaction.now))
            try transaction.log(
                .collateral, subject: bundle.series, actor: "import",
                detail: [
                    "serial": .string(String(bundle.serial)), "expires": .integer(bundle.expires.seconds),
                    "digest": .string(Array(SHA256.hash(data: bytes)).hexadecimal),
                ])
        }
        bundles = changed
        return bundle
    }

    // MARK: - The log

    public nonisolated func auditHead() throws -> SignedAuditHead { try store.read { try $0.auditHead() } }

    /// Entries in order, from an index on.
    public nonisolated func auditEntries(from index: Int, count: Int) throws -> [AuditEntry] {
        try store.read { try $0.auditEntries(from: index, count: count) }
    }

    public nonisolated func inclusionProof(of index: Int, in size: Int) throws -> InclusionProof {
        try store.read { try $0.inclusionProof(of: index, in: size) }
    }

    public nonisolated func consistencyProof(from older: Int, to size: Int) throws -> ConsistencyProof {
        try store.read { try $0.consistencyProof(from: older, to: size) }
    }
}
