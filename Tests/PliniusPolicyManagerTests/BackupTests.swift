import FoundationEssentials
import Glibc
import PliniusPolicy
import PliniusPolicyManager
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Backups and standbys")
struct BackupTests {
    private let folder: StoreFolder
    /// A manager that may take over, and one that may not.
    private let standby = VaultKeyPair()
    private let stranger = VaultKeyPair()
    private let key = OwnerSigningKey()

    init() throws { folder = try StoreFolder() }

    private var backup: String { folder.directory("backup") }
    private var new: String { folder.directory("new") }

    // MARK: - Owners

    private func submit(
        _ namespace: String, _ content: Statement.Content, sequence: Int64 = 1, after predecessor: StatementHash? = nil,
        to manager: PolicyManager
    ) async throws -> StatementHash {
        let statement = Statement(
            namespace: namespace, issued: after(0), sequence: sequence, predecessor: predecessor, content)
        let report = try await manager.submit(statement.encoded, signatures: [try key.sign(statement.hash)])
        #expect(report.record.status == .active)
        return statement.hash
    }

    /// Has an owner begin, with a key in the vault if it has an asset.
    private func found(_ namespace: String, hasAsset: Bool = true, _ manager: PolicyManager) async throws {
        let public_ = key.publicKey
        _ = try await submit(
            namespace, .namespace(.init(board: try Board(.key(public_)), keys: [public_])), to: manager)
        guard hasAsset else { return }
        let name = try #require(ScopedName(namespace: namespace, name: "model"))
        _ = try await submit(
            namespace,
            .asset(Asset(name: name, kind: .model, identity: "night", policy: nil, lineage: [], secret: .generated)),
            to: manager)
    }

    private func name(
        _ pair: VaultKeyPair, by namespace: String, sequence: Int64 = 1, after predecessor: StatementHash? = nil,
        _ manager: PolicyManager
    ) async throws -> StatementHash {
        try await submit(
            namespace, .standby(.init(name: "spare", sealingKey: pair.publicKey)), sequence: sequence,
            after: predecessor, to: manager)
    }

    /// A store with one owner, who names the standby.
    private func store() async throws -> PolicyStore {
        let store = try folder.open()
        let manager = try PolicyManager(store: store, clock: { after(1) })
        try await found("hospital-a", manager)
        _ = try await name(standby, by: "hospital-a", manager)
        return store
    }

    private func work(_ store: PolicyStore, _ numbers: ClosedRange<Int64>) throws {
        for number in numbers {
            try store.write(at: after(number)) { transaction in
                try transaction.setKey(SecretBytes([UInt8(number)]), "other", "\(number)")
                try transaction.log(.key, subject: "\(number)", actor: "x")
            }
        }
    }

    private func head(_ store: PolicyStore) throws -> SignedAuditHead { try store.read { try $0.auditHead() } }

    private func restore(
        as pair: VaultKeyPair? = nil, kept: SignedAuditHead? = nil
    ) throws -> (store: PolicyStore, root: SecretBytes) {
        try PolicyStore.restore(from: backup, to: new, as: pair ?? standby, kept: kept, at: after(20))
    }

    // MARK: - Restoring

    @Test("A standby that the owner names goes on from a backup: the same service, another epoch") func restores()
        async throws
    {
        let store = try await store()
        try work(store, 2...5)
        // Made beside the process that works on the store, whose lock it does not need.
        let made = try PolicyStore.backUp(folder.path, to: backup)
        let kept = try head(store)
        #expect(made.head == kept && made.standbys == [standby.publicKey])
        try work(store, 7...8)

        let (restored, root) = try restore(kept: kept)
        #expect(bytes(root) == [UInt8](repeating: 0x53, count: 32))
        #expect(restored.epoch != store.epoch)
        #expect(restored.vault.signer.publicKey == folder.vault.signer.publicKey)
        #expect(try restored.read { try $0.key("other", "5", in: restored.vault).map(bytes) } == [5])
        #expect(try restored.read { try $0.hasKey("other", "7") } == false)
        try work(restored, 21...21)
        #expect(try restored.verifyLog(kept: kept).exitCode == 0)
        let log = try restored.exportLog()
        #expect(log.entries.map(\.kind).suffix(3).first == .restoration)
        #expect(log.heads.first?.head.epoch == restored.epoch)
        // Who keeps a head of the first finds out that the second is not its continuation.
        #expect(try restored.verifyLog(kept: try head(store)).exitCode == 22)
        var status = stat()
        for path in [backup, "\(new)/\(PolicyStore.fileName)"] {
            #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("A backup has no key in the clear, and opens for no one else") func strangers() async throws {
        let store = try await store()
        let secret = Array("a secret of one owner".utf8)
        try store.write(at: after(2)) { transaction in
            try transaction.setKey(SecretBytes(secret), "other", "x")
            try transaction.log(.key, subject: "x", actor: "x")
        }
        _ = try PolicyStore.backUp(folder.path, to: backup)
        let file = try folder.directory.read("backup")
        for hidden in [secret, [UInt8](repeating: 0x53, count: 32)] { #expect(!file.contains(hidden)) }
        expectError(.forbidden, "no root key for the standby") { try restore(as: stranger) }
        #expect(try !folder.directory.names().contains("new"))
        // The standby's message under the stranger's name opens for neither.
        var altered = file
        let (own, other) = ("standby.\(digits(standby.publicKey))", "standby.\(digits(stranger.publicKey))")
        let place = try #require(altered.firstRange(of: Array(own.utf8)))
        altered.replaceSubrange(place, with: Array(other.utf8))
        try folder.directory.write(altered, to: "backup")
        expectError(.forbidden, "does not open") { try restore(as: stranger) }
        #expect(try !folder.directory.names().contains("new"))
    }

    @Test("An older backup is refused by a kept head, and leaves nothing behind") func older() async throws {
        let store = try await store()
        _ = try PolicyStore.backUp(folder.path, to: backup)
        try work(store, 4...4)
        let kept = try head(store)
        expectError(.integrity, "exit code 22") { try restore(kept: kept) }
        #expect(try !folder.directory.names().contains("new"))
        // Without one it is taken: nobody can know.
        _ = try restore()
    }

    @Test("A damaged backup restores nothing") func damaged() async throws {
        let store = try await store()
        try work(store, 2...9)
        _ = try PolicyStore.backUp(folder.path, to: backup)
        let whole = try folder.directory.read("backup")
        var cases = [[], Array(whole.prefix(100)), Array(whole.prefix(whole.count / 2)), Array("no database".utf8)]
        // Where rows are; most of each page is empty.
        let full = stride(from: 0, to: whole.count, by: 64).filter { start in
            whole[start..<start + 64].count { $0 != 0 } > 40
        }
        for start in stride(from: 0, to: full.count, by: full.count / 24).map({ full[$0] }) {
            var altered = whole
            for place in start..<start + 64 { altered[place] ^= 0x5A }
            cases.append(altered)
        }
        let log = try store.exportLog().entries
        #expect(mkdir(new, 0o700) == 0)
        var refused = 0
        for bytes in cases {
            try folder.directory.write(bytes, to: "backup")
            do {
                let restored = try restore().store
                // What the log does not speak of, such as the text that a statement was read from, may differ.
                #expect(try restored.exportLog().entries.starts(with: log))
                try restored.close()
            } catch let error as ManagerError {
                refused += 1
                #expect([.integrity, .forbidden].contains(error.code), "\(error)")
                #expect(try names(in: new).isEmpty)
                continue
            }
            try names(in: new).forEach { #expect(unlink("\(new)/\($0)") == 0) }
        }
        #expect(refused >= 4 + 16, "\(refused) of \(cases.count)")
    }

    private func names(in path: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path) }

    @Test("A copy of the files that is put back is found by a kept head") func setBack() throws {
        var store = try folder.open()
        try work(store, 1...3)
        try store.close()
        let old = try folder.directory.read("store/\(PolicyStore.fileName)")
        store = try folder.open()
        try work(store, 4...6)
        let kept = try head(store)
        try store.close()
        for name in ["-wal", "-shm"] { unlink(folder.file + name) }
        try folder.directory.write(old, to: "store/\(PolicyStore.fileName)")
        #expect(chmod(folder.file, 0o600) == 0)
        store = try folder.open()
        #expect(try store.verifyLog().exitCode == 0)
        #expect(try store.verifyLog(kept: kept).exitCode == 22)
        // It has to begin another history to catch up, and is found again.
        try work(store, 7...9)
        #expect(try store.verifyLog(kept: kept).exitCode == 22)
    }

    @Test("A backup goes where nothing is, and a restoration where nothing else is") func taken() async throws {
        let store = try await store()
        _ = try PolicyStore.backUp(folder.path, to: backup)
        expectError(.conflict) { try PolicyStore.backUp(folder.path, to: backup) }
        expectError(.notFound) { try PolicyStore.backUp(folder.directory("none"), to: folder.directory("b")) }
        expectError(.conflict) {
            try PolicyStore.restore(from: backup, to: folder.path, as: standby, at: after(3))
        }
        #expect(mkdir(new, 0o700) == 0)
        try folder.directory.write("x", to: "new/x")
        expectError(.conflict, "empty") { try restore() }
        #expect(try folder.directory.read("new/x") == Array("x".utf8))
        expectError(.notFound) {
            try PolicyStore.restore(
                from: folder.directory("none"), to: folder.directory("n"), as: standby, at: after(3))
        }
        #expect(try store.verifyLog().exitCode == 0)
    }

    // MARK: - Who may take over

    @Test("The root is sealed for a standby once every owner names it whose keys are here") func consent() async throws
    {
        let store = try folder.open()
        let manager = try PolicyManager(store: store, clock: { after(1) })
        func sealed() async throws -> [Bool] { try await manager.standbys().map(\.isSealed) }
        try await found("hospital-a", manager)
        try await found("hospital-b", manager)
        // Whoever has no key here is not asked.
        try await found("visitor", hasAsset: false, manager)
        let a = try await name(standby, by: "hospital-a", manager)
        #expect(try await sealed() == [false])
        _ = try PolicyStore.backUp(folder.path, to: backup)
        expectError(.forbidden, "no root key") { try restore() }
        let b = try await name(standby, by: "hospital-b", manager)
        #expect(try await sealed() == [true, true])
        #expect(try store.exportLog().entries.map(\.kind).filter { $0 == .standby }.count == 1)
        // An owner who names another takes it back.
        _ = try await name(stranger, by: "hospital-b", sequence: 2, after: b, manager)
        #expect(try await sealed() == [false, false])
        #expect(unlink(backup) == 0)
        #expect(try PolicyStore.backUp(folder.path, to: backup).standbys == [])
        _ = try await name(stranger, by: "hospital-a", sequence: 2, after: a, manager)
        #expect(try await sealed() == [true, true])
        // What nothing can be sealed to is refused when it comes, and not when it would count.
        for key in [[UInt8](repeating: 0, count: 32), [1] + [UInt8](repeating: 0, count: 31)] {
            await #expect(throws: ManagerError.self) {
                try await submit("visitor", .standby(.init(name: "x", sealingKey: key)), to: manager)
            }
        }
        #expect(try store.verifyLog().exitCode == 0)
    }
}
