import Glibc
public import PliniusPolicy
public import PliniusSealing
public import PliniusVerifier

extension PolicyStore {
    /// Writes a copy of the store, and the root key sealed for each standby, into a new folder; work goes on meanwhile.
    ///
    /// Whoever has the folder alone learns from it what the database holds in the clear, and no key.
    /// - Parameters:
    ///   - standbys: The public keys that the owners' statements name, by what they are called.
    ///   - actor: Who asked for it.
    /// - Throws: ``ManagerError``; the folder may be there then, and is to be removed.
    public func backUp(to folder: String, for standbys: [String: [UInt8]], actor: String, at now: Instant) throws {
        var sealed: [(key: [UInt8], message: HPKEMessage)] = []
        for (_, key) in standbys.sorted(by: { $0.key < $1.key }) {
            sealed.append((key, try vault.sealRoot(forStandby: key)))
        }
        guard unsafe mkdir(folder, 0o700) == 0 else {
            throw ManagerError(
                errno == EEXIST ? .conflict : .unavailable, "the folder \(folder) cannot be made: \(errorText(errno))")
        }
        try write(at: now) { transaction in
            try transaction.log(
                .backup, subject: "store", actor: actor,
                detail: ["standbys": .array(standbys.keys.sorted().map { .string($0) })])
        }
        try copy(to: "\(folder)/\(Self.fileName)")
        for (key, message) in sealed {
            try PrivateFile(path: Self.rootPath(folder, key)).create(message.encapsulatedKey + message.ciphertext)
        }
    }

    /// Goes on from a backup, as a standby that it was made for: the service is the same, its epoch is a new one.
    ///
    /// The whole log is verified first. Nobody can tell from a backup whether it is the newest: give the newest head that anybody kept.
    /// - Parameters:
    ///   - backup: The folder of the backup; it stays as it is.
    ///   - folder: The new store's, which has none yet.
    ///   - keyPair: The standby's own.
    ///   - kept: A head that the backup must not be older than.
    /// - Returns: The store, and the root to keep for its next start.
    /// - Throws: ``ManagerError/Code/forbidden`` if the root was not sealed for this standby; ``ManagerError/Code/integrity`` if the log does
    ///   not verify, or was set back.
    public static func restore(
        from backup: String, to folder: String, as keyPair: VaultKeyPair, kept: SignedAuditHead? = nil, at now: Instant
    ) throws -> (store: PolicyStore, root: SecretBytes) {
        let file = PrivateFile(path: rootPath(backup, keyPair.publicKey))
        guard file.exists else {
            throw ManagerError(
                .forbidden,
                "the backup has no root key for the standby \(keyPair.publicKey.hexadecimal): have the owners name it, and "
                    + "back up anew")
        }
        let sealed = try file.read(atMost: 256)
        let root = try Vault.openRoot(
            HPKEMessage(
                encapsulatedKey: Array(sealed.prefix(keyPair.publicKey.count)),
                ciphertext: Array(sealed.dropFirst(keyPair.publicKey.count))),
            as: keyPair, service: try service(ofFile: "\(backup)/\(fileName)"))
        guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw ManagerError(.unavailable, "the folder \(folder) cannot be made: \(errorText(errno))")
        }
        let new = PrivateFile(path: "\(folder)/\(fileName)")
        try copyFile("\(backup)/\(fileName)", to: new.path)
        do {
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
            for suffix in ["", "-wal", "-shm"] { unsafe unlink(new.path + suffix) }
            throw error
        }
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

    private static func rootPath(_ folder: String, _ key: [UInt8]) -> String { "\(folder)/root.\(key.hexadecimal)" }
}
