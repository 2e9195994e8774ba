public import PliniusPolicy
public import PliniusSealing
public import PliniusVerifier

extension PolicyStore {
    /// What a backup has in it.
    public struct Backup: Hashable, Sendable {
        /// The newest head of the log.
        public let head: SignedAuditHead
        /// The sealing keys of the standbys that can go on from it.
        public let standbys: [[UInt8]]
    }

    /// Writes a copy of a store into one file, beside whoever works on the store, and as of one moment.
    ///
    /// Nothing secret is needed for it: the root key is in the store, sealed for each standby that the owners have named. Whoever has the
    /// file alone learns from it what the database holds in the clear, and no key. O(size).
    /// - Parameters:
    ///   - store: The folder of the store.
    ///   - path: A file that does not exist yet; it gets mode 0600, and is durable when this returns.
    /// - Throws: ``ManagerError``; there is no such file then.
    public static func backUp(_ store: String, to path: String) throws -> Backup {
        guard PrivateFile(path: "\(store)/\(fileName)").exists else {
            throw ManagerError(.notFound, "there is no store \(store): give its folder")
        }
        try copyFile("\(store)/\(fileName)", to: path)
        do { return try readFile(path, backup) } catch {
            // What could not be restored is no backup.
            PrivateFile(path: path).remove()
            throw error
        }
    }

    /// Goes on from a backup, as a standby that it was made for: the service is the same, its epoch is a new one.
    ///
    /// The whole log is verified first, and the tables by it. Nobody can tell from a backup whether it is the newest: give the newest head
    /// that anybody kept. The backup stays as it is. O(size).
    /// - Parameters:
    ///   - path: The file of the backup.
    ///   - folder: The new store's, which is made, or is empty.
    ///   - keyPair: The standby's own.
    ///   - kept: A head that the backup must not be older than.
    /// - Returns: The store, and the root to keep for its next start.
    /// - Throws: ``ManagerError/Code/forbidden`` if the root was not sealed for this standby; ``ManagerError/Code/integrity`` if the file is
    ///   damaged, the log does not verify, or was set back; the folder is as it was then.
    public static func restore(
        from path: String, to folder: String, as keyPair: VaultKeyPair, kept: SignedAuditHead? = nil, at now: Instant
    ) throws -> (store: PolicyStore, root: SecretBytes) {
        guard PrivateFile(path: path).exists else { throw ManagerError(.notFound, "there is no backup \(path)") }
        let (service, sealed) = try readFile(path) { view in
            (try view.service(), try view.standby(keyPair.publicKey))
        }
        guard let sealed else {
            throw ManagerError(
                .forbidden,
                "the backup has no root key for the standby \(keyPair.publicKey.hexadecimal): have every owner name it, and "
                    + "back up anew")
        }
        let root = try Vault.openRoot(sealed, as: keyPair, service: service)
        let place = RootFolder(folder)
        let isNew = try place.makeEmpty()
        do {
            try copyFile(path, to: "\(folder)/\(fileName)")
            let store = try PolicyStore(folder: folder, vault: try Vault(root: root), at: now)
            let verification = try store.verifyLog(kept: kept)
            if let failure = verification.failure {
                throw ManagerError(
                    .integrity, "the backup's log does not verify (exit code \(verification.exitCode)): \(failure)")
            }
            try store.beginEpoch(at: now)
            try store.close()
            return (try PolicyStore(folder: folder, vault: try Vault(root: root), at: now), root)
        } catch {
            // A store that must not be used is not left where the next start would use it.
            removeFiles(folder)
            if isNew { place.remove() }
            throw error
        }
    }

    /// Removes what a store has in its folder.
    static func removeFiles(_ folder: String) {
        for name in [fileName, "\(fileName)-wal", "\(fileName)-shm", StoreLock.fileName] {
            PrivateFile(path: "\(folder)/\(name)").remove()
        }
    }

    private static func backup(_ view: StoreView) throws -> Backup {
        let service = try view.service()
        try view.examineLog(service: service)
        return Backup(head: try view.auditHead(), standbys: try view.standbyKeys())
    }

    /// The whole log, with the newest head.
    ///
    /// O(entries) time and memory.
    public func exportLog() throws -> AuditExport {
        try read { view in
            var entries: [AuditEntry] = []
            while true {
                let more = try view.auditEntries(from: entries.count, count: StoreView.maximumAuditEntries)
                if more.isEmpty { break }
                entries += more
            }
            return AuditExport(entries: entries, heads: [try view.auditHead()])
        }
    }

    /// Verifies the whole log, as an owner would.
    ///
    /// O(entries) time and memory.
    public func verifyLog(kept: SignedAuditHead? = nil) throws -> AuditVerification {
        AuditVerification.judge(try exportLog(), kept: kept, service: vault.signer.publicKey)
    }
}
