internal import Crypto
internal import PliniusAttester
internal import PliniusSealing
public import PliniusVerifier
public import PliniusWire

/// A manager whose root key owners have yet to put together; it opens nothing until enough shares are in.
///
/// Its certificate's key and its sealing key cannot be the service's own, which the root protects. They are drawn at each start, and evidence
/// binds them. Shares are in memory alone: the next start asks for them again.
public actor LockedManager {
    /// How far the unlocking is.
    public struct Standing: Hashable, Sendable {
        /// The name of the sharing, 16 bytes.
        public let set: [UInt8]
        /// How many shares it takes.
        public let threshold: Int
        /// The numbers of those that are in.
        public let shares: [Int]
        /// How many more it takes.
        public let missing: Int
    }

    /// The run that evidence of a locked manager names.
    public static let runName = "perun/1/locked"

    private let start: ManagerStart
    private nonisolated let attester: Attester?
    private nonisolated let keyPair = VaultKeyPair()
    private nonisolated let set: [UInt8]
    private var unlocking: RootUnlocking
    private var root: SecretBytes?

    /// - Parameter start: Its root is `shares`; those that it has are taken first.
    /// - Throws: ``ManagerError``: the folder's root key is not shared, or a share is wrong.
    public init(_ start: ManagerStart) throws {
        guard case .shares(let texts) = start.root else {
            throw ManagerError(.malformed, "only a manager whose root key is shared can be locked")
        }
        self.start = start
        attester = try start.attester()
        var unlocking = RootUnlocking(try RootFolder(start.folder).sharing())
        for text in texts {
            if let root = try unlocking.add(try RootShare(text)) { self.root = root }
        }
        set = unlocking.sharing.set
        self.unlocking = unlocking
    }

    public var standing: Standing {
        Standing(
            set: set, threshold: unlocking.sharing.threshold, shares: unlocking.indices, missing: unlocking.missing)
    }

    /// What shares are sealed to, X25519.
    public nonisolated var sealingKey: [UInt8] { keyPair.publicKey }

    /// Takes an owner's share; one that is in already changes nothing.
    /// - Parameter share: Sealed to ``sealingKey``.
    /// - Throws: ``ManagerError/Code/forbidden`` for a wrong one, which is named and not counted.
    @discardableResult
    public func take(_ share: HPKEMessage) throws -> Standing {
        if let root = try unlocking.add(try RootShare(opening: share, of: set, with: keyPair)) { self.root = root }
        return standing
    }

    /// Has the platform prove what runs here, over a nonce.
    ///
    /// The evidence binds runtime data of purpose `export` whose key is ``sealingKey``, whose config digest is
    /// ``identityDigest(certificate:set:)``, and whose run is ``runName``: an owner judges it with the policy that the manager itself is
    /// judged with.
    /// - Parameters:
    ///   - nonce: 32 bytes of whoever asks.
    ///   - certificate: SHA-256 of the certificate that the server shows.
    /// - Returns: `nil` if the manager runs unprotected.
    /// - Throws: ``ManagerError/Code/unavailable`` if the platform gives no evidence.
    public nonisolated func evidence(nonce: [UInt8], certificate: [UInt8]) throws -> EvidenceBundle? {
        try EvidenceBundle(
            of: attester, nonce: nonce, key: keyPair.publicKey,
            identity: Self.identityDigest(certificate: certificate, set: set), run: Self.runName)
    }

    /// What stands for a locked service in its evidence: SHA-256 of `perun/1/locked`, a zero, the certificate's digest and the sharing's name.
    public static func identityDigest(certificate: [UInt8], set: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("\(runName)\0".utf8) + certificate + set))
    }

    /// Opens the store with the root that the shares gave.
    /// - Throws: ``ManagerError``: shares are missing, or the store cannot be opened.
    public func open(at now: Instant, clock: (@Sendable () -> Instant)? = nil) throws -> ManagerStart.Started {
        guard let root else {
            throw ManagerError(.forbidden, "the root key takes \(unlocking.missing) more shares: hand them in")
        }
        return try start.open(root, attester, at: now, clock: clock)
    }
}

extension EvidenceBundle {
    /// What a platform proves of a manager that runs on it; `nil` without a platform.
    init?(of attester: Attester?, nonce: [UInt8], key: [UInt8], identity: [UInt8], run: String) throws {
        guard nonce.count == RuntimeData.nonceByteCount else {
            throw Refusal(
                .malformed, "attestation.nonce", expected: "\(RuntimeData.nonceByteCount) bytes",
                found: "\(nonce.count)")
        }
        guard let attester else { return nil }
        var data = RuntimeData()
        data.nonce = nonce
        data.purpose = .export
        data.suite = .x25519
        data.publicKey = key
        data.configDigest = identity
        data.runName = run
        do throws(AttestationError) {
            self.init(runtimeData: data.encoded, evidence: try attester.evidence(for: data.encoded))
        } catch { throw ManagerError(.unavailable, "the platform gives no evidence: \(error)") }
    }
}
