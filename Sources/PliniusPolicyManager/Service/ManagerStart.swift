internal import Glibc
internal import PliniusAttester
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
        let isNew = try !FolderMaking.exists(folder) || root.kind() == nil
        if isNew { try FolderMaking.make(folder) }
        let vault = try Vault(root: try rootKey(root, attester))
        let store = try PolicyStore(folder: folder, vault: vault, isNew: isNew, at: now)
        let manager = try PolicyManager(store: store, attester: attester, options: options, clock: clock)
        return Started(manager: manager, isProtected: try root.kind()?.protects ?? false)
    }

    private func attester() throws -> Attester? {
        guard attestation != "none" else { return nil }
        var paths = DevicePaths.system
        if let tpm { paths.tpm = tpm }
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

/// The folder of a store, before there is one.
private enum FolderMaking {
    static func exists(_ folder: String) -> Bool { unsafe access(folder, F_OK) == 0 }

    static func make(_ folder: String) throws {
        guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw ManagerError(.unavailable, "the folder \(folder) cannot be made (errno \(errno))")
        }
    }
}
