import Glibc
import PliniusPolicy
import PliniusPolicyManager
import PliniusSealing
import Testing
import _PliniusTestSupport

@Suite("Backups and standbys")
struct BackupTests {
    private static let standby: Vault? = try? Vault(root: SecretBytes([UInt8](repeating: 0x77, count: 32)))

    private static func work(_ store: PolicyStore, _ numbers: ClosedRange<Int64>) throws {
        for number in numbers {
            try store.write(at: after(number)) { transaction in
                try transaction.insert(statement(number))
                try transaction.setKey(SecretBytes([UInt8(number)]), "asset", "\(number)")
                try transaction.log(.statement, subject: "\(number)", actor: "x")
            }
        }
    }

    @Test("A registered standby goes on from a backup: the same service, another epoch") func restores() throws {
        let (folder, standby) = (try StoreFolder(), try #require(Self.standby))
        let store = try folder.open()
        try Self.work(store, 1...5)
        let backup = folder.directory("backup")
        try store.backUp(to: backup, for: ["spare": standby.keyPair.publicKey], actor: "operator", at: after(6))
        let kept = try store.read { try $0.auditHead() }
        #expect(try folder.directory.names() == ["backup", "store"])
        // The first goes on; what it does then is not in the backup.
        try Self.work(store, 7...8)

        let (restored, root) = try PolicyStore.restore(
            from: backup, to: folder.directory("new"), as: standby.keyPair, kept: kept, at: after(10))
        #expect(bytes(root) == [UInt8](repeating: 0x53, count: 32))
        #expect(restored.epoch != store.epoch)
        #expect(restored.vault.signer.publicKey == folder.vault.signer.publicKey)
        #expect(try restored.read { try $0.key("asset", "5", in: restored.vault).map(bytes) } == [5])
        #expect(try restored.read { try $0.statement(statement(7).hash) } == nil)
        try Self.work(restored, 9...9)
        #expect(try restored.verifyLog(kept: kept).exitCode == 0)
        let log = try restored.exportLog()
        #expect(log.entries.map(\.kind).suffix(4).prefix(3) == [.backup, .restoration, .statement])
        #expect(log.heads.first?.head.epoch == restored.epoch)
        // Who keeps a head of the first finds out that the second is not its continuation.
        let later = try store.read { try $0.auditHead() }
        #expect(try restored.verifyLog(kept: later).exitCode == 22)
        var status = stat()
        #expect(stat(folder.directory("new/\(PolicyStore.fileName)"), &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test("A backup opens for no one else") func strangers() throws {
        let (folder, standby) = (try StoreFolder(), try #require(Self.standby))
        let store = try folder.open()
        let (stranger, backup) = (try Vault(root: SecretBytes.random(32)), folder.directory("backup"))
        try store.backUp(to: backup, for: ["spare": standby.keyPair.publicKey], actor: "x", at: after(1))
        expectError(.forbidden, "no root key for the standby") {
            try PolicyStore.restore(from: backup, to: folder.directory("new"), as: stranger.keyPair, at: after(2))
        }
        // With the standby's file under the stranger's name neither.
        func name(_ vault: Vault) -> String { "\(backup)/root.\(digits(vault.keyPair.publicKey))" }
        #expect(rename(name(standby), name(stranger)) == 0)
        expectError(.forbidden, "does not open") {
            try PolicyStore.restore(from: backup, to: folder.directory("new"), as: stranger.keyPair, at: after(2))
        }
        #expect(try !folder.directory.names().contains("new"))
    }

    @Test("An older backup is refused by a kept head, and leaves nothing behind") func older() throws {
        let (folder, standby) = (try StoreFolder(), try #require(Self.standby))
        let store = try folder.open()
        try Self.work(store, 1...3)
        try store.backUp(
            to: folder.directory("backup"), for: ["spare": standby.keyPair.publicKey], actor: "x", at: after(3))
        try Self.work(store, 4...4)
        let kept = try store.read { try $0.auditHead() }
        expectError(.integrity, "exit code 22") {
            try PolicyStore.restore(
                from: folder.directory("backup"), to: folder.directory("new"), as: standby.keyPair, kept: kept,
                at: after(5))
        }
        expectError(.notFound) {
            try PolicyStore(folder: folder.directory("new"), vault: folder.vault, at: after(5))
        }
        // Without one it is taken: nobody can know.
        _ = try PolicyStore.restore(
            from: folder.directory("backup"), to: folder.directory("new"), as: standby.keyPair, at: after(5))
    }

    @Test("A copy of the files that is put back is found by a kept head") func setBack() throws {
        let folder = try StoreFolder()
        var store = try folder.open()
        try Self.work(store, 1...3)
        try store.close()
        let old = try folder.directory.read("store/\(PolicyStore.fileName)")
        store = try folder.open()
        try Self.work(store, 4...6)
        let kept = try store.read { try $0.auditHead() }
        try store.close()
        for name in ["-wal", "-shm"] { unlink(folder.file + name) }
        try folder.directory.write(old, to: "store/\(PolicyStore.fileName)")
        #expect(chmod(folder.file, 0o600) == 0)
        store = try folder.open()
        #expect(try store.verifyLog().exitCode == 0)
        #expect(try store.verifyLog(kept: kept).exitCode == 22)
        // It has to begin another history to catch up, and is found again.
        try Self.work(store, 7...9)
        #expect(try store.verifyLog(kept: kept).exitCode == 22)
    }

    @Test("A backup goes where nothing is, and a restoration where no store is") func taken() throws {
        let (folder, standby) = (try StoreFolder(), try #require(Self.standby))
        let store = try folder.open()
        let standbys = ["spare": standby.keyPair.publicKey]
        try store.backUp(to: folder.directory("backup"), for: standbys, actor: "x", at: after(3))
        expectError(.conflict) {
            try store.backUp(to: folder.directory("backup"), for: standbys, actor: "x", at: after(3))
        }
        expectError(.malformed) {
            try store.backUp(to: folder.directory("b"), for: ["bad": [1]], actor: "x", at: after(3))
        }
        expectError(.conflict) {
            try PolicyStore.restore(
                from: folder.directory("backup"), to: folder.path, as: standby.keyPair, at: after(3))
        }
        #expect(try store.verifyLog().exitCode == 0)
    }
}
