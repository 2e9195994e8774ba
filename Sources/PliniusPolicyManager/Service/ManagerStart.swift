internal import PliniusAttester
public import PliniusPolicy
internal import PliniusSealing
public import PliniusVerifier
internal import PliniusWire

/// How a manager is started: where its store is, where its root key comes from, and what it shows of itself.
public struct ManagerStart: Sendable {
    /// Where the root key comes from, where that has to be said.
    public enum Root: Hashable, Sendable {
        /// As the folder has it; a new one is sealed by the platform.
        case platform
        /// A new one lies in the folder as it is: for level test alone.
        case insecure
        /// From shares of owners, one text each.
        case shares([String])
    }

    public var folder: String
    public var root = Root.platform
    /// The platform by name, as `sev-snp+tpm`; `nil` for what the machine offers, `none` for no evidence of the manager at all.
    public var attestation: String?
    /// How the TPM is reached, as tpm2-tss names it; `nil` for the machine's own.
    public var tpm: String?
    /// The file that simulated evidence is signed with: for level test alone.
    public var attestationKey: String?
    public var options = PolicyManager.Options()

    public init(folder: String) { self.folder = folder }

    /// A manager that is ready, and whether anything but a file's mode keeps its root key.
    public struct Started: Sendable {
        public let manager: PolicyManager
        public let isProtected: Bool
    }

    /// Opens the store, making it if the folder has none.
    /// - Parameter clock: What time it is; the system's if there is none.
    /// - Throws: ``ManagerError``: the root does not open here, another process has the store, or it is damaged.
    public func start(
        at now: Instant, clock: (@Sendable () -> Instant)? = nil
    ) throws -> Started {
        let attester = try attester()
        let root = RootFolder(folder)
        let isNew = try root.kind() == nil
        if isNew { try root.make() }
        return try open(try rootKey(root, attester), attester, isNew: isNew, at: now, clock: clock)
    }

    /// Makes a store whose root key nobody has but owners together: it is in their shares, and here no more when this returns.
    /// - Returns: The shares, which exist nowhere else: hand each to its owner, and forget it.
    /// - Throws: ``ManagerError``: the folder has a root key already, or the numbers make no sense.
    public func share(threshold: Int, count: Int, at now: Instant) throws -> [RootShare] {
        let root = SecretBytes.random(Vault.rootByteCount)
        let place = RootFolder(folder)
        try place.make()
        let shares = try place.share(root, threshold: threshold, count: count)
        try PolicyStore(folder: folder, vault: try Vault(root: root), isNew: true, at: now).close()
        return shares
    }

    /// Goes on from a backup, as a standby that owners have named: a manager whose own root key opens the backup's.
    ///
    /// The new store's root key is kept as ``root`` says, for the next start.
    /// - Parameters:
    ///   - standby: The standby as it was started when the owners judged it.
    ///   - kept: A head that the backup must not be older than.
    /// - Returns: The log's newest head, which tells of the restoration.
    /// - Throws: ``ManagerError``: nothing is left in the folder then.
    public func restore(
        from backup: String, standby: ManagerStart, kept: SignedAuditHead? = nil, at now: Instant
    ) throws -> SignedAuditHead {
        let (attester, own) = (try attester(), RootFolder(standby.folder))
        guard try own.kind() != nil else {
            throw ManagerError(
                .notFound, "\(standby.folder) has no root key: give the folder of the standby's own store")
        }
        let vault = try Vault(root: try standby.rootKey(own, try standby.attester()))
        let (store, root) = try PolicyStore.restore(
            from: backup, to: folder, as: vault.keyPair, kept: kept, at: now)
        do {
            switch self.root {
            case .platform:
                guard let attester else { throw ManagerError(.unavailable, "this machine seals no root key") }
                try RootFolder(folder).seal(root, with: attester)
            case .insecure: try RootFolder(folder).keepInsecurely(root)
            case .shares:
                throw ManagerError(.malformed, "a restored root key is sealed by the platform: give --root platform")
            }
            let head = try store.read { try $0.auditHead() }
            try store.close()
            return head
        } catch {
            try? store.close()
            PolicyStore.removeFiles(folder)
            throw error
        }
    }

    /// Opens the store with a root key that is there.
    func open(
        _ root: SecretBytes, _ attester: Attester?, isNew: Bool = false, at now: Instant,
        clock: (@Sendable () -> Instant)?
    ) throws -> Started {
        let store = try PolicyStore(folder: folder, vault: try Vault(root: root), isNew: isNew, at: now)
        let manager = try PolicyManager(store: store, attester: attester, options: options, clock: clock)
        return Started(manager: manager, isProtected: try RootFolder(folder).kind()?.protects ?? false)
    }

    /// What proves where the manager runs; `nil` for nothing.
    func attester() throws -> Attester? {
        guard attestation != "none" else { return nil }
        var paths = DevicePaths.system
        if let tpm { paths.tpm = tpm }
        paths.simulationKey = attestationKey
        guard let attestation else {
            let found = Attester.detect(paths)
            // A simulation proves nothing, and is asked for by name.
            return found.kinds == [.simulated] ? nil : found
        }
        do throws(AttestationError) { return try Attester(named: attestation, paths) } catch {
            throw ManagerError(.malformed, "--attestation: \(error)")
        }
    }

    private func rootKey(_ folder: RootFolder, _ attester: Attester?) throws -> SecretBytes {
        switch (try folder.kind(), root) {
        case (.platform, .platform):
            guard let attester else {
                throw ManagerError(.unavailable, "the root key is sealed by the platform, and this machine has none")
            }
            return try folder.open(with: attester)
        case (.insecure, .insecure): return try folder.readInsecurely()
        case (.shares, .shares(let texts)):
            var unlocking = RootUnlocking(try folder.sharing())
            for text in texts {
                if let root = try unlocking.add(try RootShare(text)) { return root }
            }
            throw ManagerError(
                .forbidden, "the root key takes \(unlocking.missing) more shares: give each with --share")
        case (nil, .platform):
            guard let attester else {
                throw ManagerError(
                    .unavailable,
                    "this machine seals no root key: run perun root share to have owners keep it, or, for tests alone, "
                        + "give --root insecure")
            }
            let root = SecretBytes.random(Vault.rootByteCount)
            try folder.seal(root, with: attester)
            return root
        case (nil, .insecure):
            let root = SecretBytes.random(Vault.rootByteCount)
            try folder.keepInsecurely(root)
            return root
        case (nil, .shares):
            throw ManagerError(.notFound, "the folder has no shared root key: run perun root share first")
        case (let kind?, _):
            throw ManagerError(
                .malformed, "the folder's root key is kept in \(kind.rawValue): say so with --root, or with --share")
        }
    }
}
