import GRDB
import Glibc
import PliniusPolicy
import PliniusPolicyManager
import PliniusSealing
import PliniusVerifier
import Testing
import _PliniusTestSupport

@Suite("The store")
struct PolicyStoreTests {
    struct GivenUp: Error {}

    @Test("What was written is there after the next start") func reopens() throws {
        let folder = try StoreFolder()
        let (epoch, head) = try {
            let store = try folder.open()
            try store.write(at: after(5)) { transaction in
                try transaction.insert(statement(1))
                try transaction.setKey(SecretBytes([1, 2, 3]), "asset", "hospital-a/scans")
                try transaction.log(.statement, subject: "hospital-a/training", actor: "a key")
            }
            let head = try store.read { try $0.auditHead() }
            try store.close()
            return (store.epoch, head)
        }()
        let store = try folder.open(isNew: false)
        #expect(store.epoch == epoch)
        #expect(try store.read { try $0.auditHead() } == head)
        #expect(try store.read { try $0.statement(statement(1).hash) } == statement(1))
        #expect(
            try store.read { try $0.key("asset", "hospital-a/scans", in: folder.vault).map(bytes) } == [1, 2, 3])
        #expect(try store.verifyLog(kept: head).exitCode == 0)
    }

    @Test("A commit waits for the disk, and rows refer to rows that are there") func settings() throws {
        let report = try StoreFolder().open().report()
        #expect(report.version == "1")
        #expect(report.journal == "wal")
        #expect(report.synchronous == "2")
        #expect(report.foreignKeys == "1")
        #expect(report.integrity == "ok")
        #expect(report.danglingRows == 0)
    }

    @Test("All files are for their owner's eyes only") func modes() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.write(at: after(1)) { try $0.log(.statement, subject: "x", actor: "x") }
        var status = stat()
        #expect(stat(folder.path, &status) == 0 && status.st_mode & 0o777 == 0o700)
        for name in ["", "-wal", "-shm"] {
            #expect(stat(folder.file + name, &status) == 0 && status.st_mode & 0o777 == 0o600, "\(name)")
        }
        try store.close()
        #expect(chmod(folder.file, 0o644) == 0)
        expectError(.forbidden, "chmod 600") { try folder.open() }
        #expect(chmod(folder.file, 0o600) == 0)
        #expect(chmod(folder.path, 0o750) == 0)
        expectError(.forbidden, "chmod 700") { try folder.open() }
    }

    @Test("One process at a time works on a store") func lock() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        expectError(.unavailable, "another process") { try folder.open() }
        try store.close()
        withExtendedLifetime(store) {}
    }

    @Test("A store is made only when that was asked for") func missing() throws {
        let folder = try StoreFolder()
        expectError(.notFound, "no store") { try folder.open(isNew: false) }
        #expect(mkdir(folder.path, 0o700) == 0)
        expectError(.notFound) { try folder.open(isNew: false) }
        #expect(try folder.directory.names() == ["store"])
    }

    @Test("A change that fails, or that the log does not hear of, is not done") func allOrNothing() throws {
        let store = try StoreFolder().open()
        let head = try store.read { try $0.auditHead() }
        #expect(throws: GivenUp.self) {
            try store.write(at: after(1)) { transaction in
                try transaction.insert(statement(1))
                try transaction.log(.statement, subject: "x", actor: "x")
                throw GivenUp()
            }
        }
        expectError(.integrity, "tells the log nothing") {
            try store.write(at: after(1)) { try $0.insert(statement(1)) }
        }
        #expect(try store.read { try $0.statement(statement(1).hash) } == nil)
        #expect(try store.read { try $0.auditHead() } == head)
        // What changes nothing needs no entry.
        #expect(try store.write(at: after(1)) { try $0.statement(statement(1).hash) } == nil)
    }

    @Test("A reader sees one moment, whatever is written meanwhile") func snapshots() throws {
        let store = try StoreFolder().open()
        try store.read { (view) throws in
            let before = try view.auditHead().head.size
            try store.write(at: after(1)) { try $0.log(.statement, subject: "x", actor: "x") }
            #expect(try view.auditHead().head.size == before)
            #expect(try view.auditEntries(from: 0, count: 10).count == before)
        }
        #expect(try store.read { try $0.auditHead().head.size } == 2)
    }

    @Test("A clock that is set back stands still, after a restart too") func clock() throws {
        let folder = try StoreFolder()
        var store = try folder.open()
        func write(_ seconds: Int64) throws -> Instant {
            try store.write(at: after(seconds)) { transaction in
                try transaction.log(.statement, subject: "x", actor: "x")
                return transaction.now
            }
        }
        #expect(try write(10) == after(10))
        #expect(try write(-1_000_000) == after(10))
        #expect(store.instant(at: after(3)) == after(10))
        // What was only asked for counts as seen as well.
        #expect(store.instant(at: after(20)) == after(20))
        #expect(try write(15) == after(20))
        try store.close()
        store = try folder.open(at: after(-500))
        #expect(store.instant(at: after(-500)) == after(20))
        #expect(try write(0) == after(20))
        #expect(try write(1_000_000_000) == after(1_000_000_000))
        #expect(try write(30) == after(1_000_000_000))
        #expect(try store.verifyLog().exitCode == 0)
    }

    @Test("Another root key is refused by name") func wrongRoot() throws {
        let folder = try StoreFolder()
        try folder.open().close()
        let other = try Vault(root: SecretBytes([UInt8](repeating: 1, count: 32)))
        expectError(.integrity, digits(folder.vault.signer.publicKey)) { try folder.open(vault: other) }
        try folder.open().close()
    }

    @Test("A file that is no store, or of a later version, is refused and left as it is") func foreignFiles() throws {
        let folder = try StoreFolder()
        try folder.open().close()
        func change(_ sql: String) throws {
            let file = try DatabaseQueue(path: folder.file)
            try file.writeWithoutTransaction { try $0.execute(sql: sql) }
            try file.close()
        }
        try change("PRAGMA user_version = 2")
        expectError(.integrity, "start the later program") { try folder.open() }
        try change("PRAGMA user_version = 1; PRAGMA application_id = 7")
        expectError(.integrity, "no store of policies") { try folder.open() }
        try change("PRAGMA application_id = \(0x5045_524E)")
        try folder.open().close()

        for text in [
            "no database at all, and long enough to be looked at: " + String(repeating: "x", count: 4_000), "x",
        ] {
            let bytes = Array(text.utf8)
            let descriptor = Glibc.open(folder.file, O_WRONLY | O_TRUNC)
            #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
            Glibc.close(descriptor)
            expectError(.integrity, "damaged") { try folder.open() }
        }
    }

    @Test("A store whose making was cut off is made to its end") func halfMade() throws {
        let folder = try StoreFolder()
        #expect(mkdir(folder.path, 0o700) == 0)
        try folder.directory.write("", to: "store/\(PolicyStore.fileName)")
        #expect(chmod(folder.file, 0o600) == 0)
        let store = try folder.open(isNew: false)
        #expect(try store.read { try $0.auditHead().head.size } == 1)
    }

    // MARK: - Altered files

    private static func alter(_ folder: StoreFolder, _ sql: String) throws {
        let file = try DatabaseQueue(path: folder.file)
        try file.write { try $0.execute(sql: sql) }
        try file.close()
    }

    @Test("Wrapped keys that changed places, or versions, do not open") func swappedKeys() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.write(at: after(1)) { transaction in
            for name in ["a", "b"] { try transaction.setKey(SecretBytes.random(32), "asset", name) }
            try transaction.log(.key, subject: "x", actor: "x")
        }
        try store.close()
        try Self.alter(
            folder,
            """
            UPDATE wrapped_keys SET id = 'c' WHERE id = 'a';
            UPDATE wrapped_keys SET id = 'a' WHERE id = 'b';
            UPDATE wrapped_keys SET id = 'b' WHERE id = 'c';
            """)
        let swapped = try folder.open(examinesAll: false)
        for name in ["a", "b"] {
            expectError(.integrity, "moved from another row") {
                try swapped.read { try $0.key("asset", name, in: folder.vault) }
            }
        }
        expectError(.integrity) { try swapped.write(at: after(1)) { try $0.rotateWrappingKey(actor: "x") } }
        try swapped.close()
        try Self.alter(folder, "UPDATE wrapped_keys SET version = 2")
        expectError(.integrity, "row key asset a") { try folder.open() }
        let other = try folder.open(examinesAll: false)
        expectError(.integrity, "version 2") { try other.read { try $0.key("asset", "a", in: folder.vault) } }
    }

    static let tampering: [(sql: String, message: String)] = [
        ("DELETE FROM audit_entries WHERE number = (SELECT max(number) FROM audit_entries)", "does not fit"),
        ("DELETE FROM audit_heads WHERE size = (SELECT max(size) FROM audit_heads)", "does not fit"),
        ("DELETE FROM audit_heads", "no head"),
        ("DELETE FROM audit_nodes", "lacks a hash"),
        ("UPDATE audit_nodes SET hash = zeroblob(32)", "does not fit"),
        ("UPDATE audit_entries SET content = zeroblob(9)", "damaged row in its log"),
        ("UPDATE audit_heads SET content = x'7b7d'", "damaged row in its log"),
        ("DELETE FROM meta WHERE name = 'service'", "whose it is"),
        ("DELETE FROM meta WHERE name = 'epoch'", "lacks its epoch"),
        ("DELETE FROM clock", "lacks its epoch or its clock"),
    ]

    @Test("A store that was altered does not start", arguments: tampering)
    func tampered(sql: String, message: String) throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        for number in 1...3 {
            try store.write(at: after(Int64(number))) { try $0.log(.statement, subject: "x", actor: "x") }
        }
        try store.close()
        try Self.alter(folder, sql)
        expectError(.integrity, message) { try folder.open() }
    }

    @Test("An altered entry, or statement, is found when it is looked at") func alteredRows() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        for number in 1...3 {
            try store.write(at: after(Int64(number))) { transaction in
                try transaction.insert(statement(Int64(number)))
                try transaction.log(.statement, subject: "x", actor: "x")
            }
        }
        try store.close()
        try Self.alter(
            folder,
            """
            UPDATE audit_entries SET content = replace(content, 'statement', 'statemend') WHERE number = 1;
            UPDATE statements SET content = x'00' WHERE sequence = 2;
            """.replacing("replace(content,", with: "CAST(replace(CAST(content AS TEXT),").replacing(
                "'statemend')", with: "'statemend') AS BLOB)"))
        expectError(.integrity, "broken at entry 2") { try folder.open() }
        let altered = try folder.open(examinesAll: false)
        #expect(try altered.verifyLog().exitCode == 20)
        expectError(.integrity, "kept with other bytes") {
            try altered.read { try $0.statement(statement(2).hash) }
        }
        #expect(try altered.read { try $0.statement(statement(1).hash) } == statement(1))
    }

    static let rows: [(sql: String, row: String)] = [
        ("UPDATE run_states SET counter = 1, tag = zeroblob(32)", "state lab/net#night"),
        ("DELETE FROM run_states", "state lab/net#night"),
        ("UPDATE leases SET expires = expires + 1", "lease lab/net#night"),
        ("UPDATE leases SET facts = x'02'", "lease lab/net#night"),
        ("UPDATE leases SET state = 'live' WHERE run = 'lab/net#ended'", "lease lab/net#ended"),
        ("UPDATE leases SET state = 'revoked'", "lease lab/net#night"),
        ("DELETE FROM lease_assets WHERE asset = 'hospital-a/scans'", "lease lab/net#night"),
        ("DELETE FROM stops", "stop namespace hospital-b"),
        ("UPDATE stops SET scope = 'run'", "hospital-b"),
        ("DELETE FROM runs_begun", "run hospital-a/training 0 lab/net#night"),
        ("UPDATE runs_begun SET use = '1'", "run hospital-a/training"),
        (
            "UPDATE current SET statement = (SELECT hash FROM statements WHERE sequence = 1) WHERE kind = 'policy'",
            "current policy"
        ),
        ("UPDATE current SET withdrawn = NULL", "current asset"),
        ("DELETE FROM current WHERE kind = 'policy'", "current policy"),
        ("UPDATE statements SET locked_until = 0 WHERE status = 'locked'", "statement"),
        ("UPDATE statements SET status = 'active' WHERE status = 'locked'", "statement"),
        ("DELETE FROM wrapped_keys", "key asset hospital-a/scans"),
    ]

    @Test("A row that is not as the log says is found at the next start", arguments: rows)
    func alteredTables(sql: String, row: String) throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        try store.write(at: after(1)) { transaction in
            for number in 1...4 as ClosedRange<Int64> { try transaction.insert(statement(number)) }
            try transaction.activate("policy", "hospital-a/training", statement: statement(1).hash, replacing: nil)
            try transaction.setStatus(of: statement(4).hash, to: .locked, lockedUntil: after(100))
            try transaction.setKey(SecretBytes.random(32), "asset", "hospital-a/scans")
            try transaction.begin("lab/net#night", policy: "hospital-a/training", use: "0", limit: 1)
            try transaction.grant(lease(1), actor: "x")
            try transaction.grant(lease(2, run: "lab/net#ended"), actor: "x")
        }
        try store.write(at: after(2)) { transaction in
            try transaction.activate(
                "policy", "hospital-a/training", statement: statement(2).hash, replacing: statement(1).hash)
            try transaction.activate("asset", "hospital-a/scans", statement: statement(3).hash, replacing: nil)
            try transaction.withdraw("asset", "hospital-a/scans", by: statement(4).hash)
            try transaction.renew(lease(1).id, facts: [3], actor: "x")
            try transaction.revoke(lease(2).id, because: Revocation("x", expected: "x", found: "y"), actor: "x")
            try transaction.stop(.namespace, "hospital-b", by: sha("s"), because: "x", actor: "x")
            for counter in 1...2 as ClosedRange<UInt64> {
                try transaction.move(
                    "lab/net#night", from: try transaction.state(of: "lab/net#night"),
                    to: RunState(counter: counter, tag: sha("\(counter)")), actor: "x")
            }
        }
        try store.close()
        try folder.open().close()
        try Self.alter(folder, sql)
        expectError(.integrity, row) { try folder.open() }
    }

    @Test("A file with damaged bytes is refused, or read without harm") func damagedBytes() throws {
        let folder = try StoreFolder()
        let store = try folder.open()
        for number in 1...20 as ClosedRange<Int64> {
            try store.write(at: after(number)) { transaction in
                try transaction.insert(statement(number))
                try transaction.setKey(SecretBytes.random(32), "asset", "\(number)")
                try transaction.grant(lease(Int(number)), actor: "x")
            }
        }
        try store.close()
        let whole = try folder.directory.read("store/\(PolicyStore.fileName)")
        var random = SystemRandomNumberGenerator()
        var refusals = 0
        for round in 0..<120 {
            var damaged = whole
            if round % 4 == 3 {
                damaged.removeLast(Int.random(in: 1..<damaged.count, using: &random))
            } else {
                for _ in 0..<(1 << (round % 8)) {
                    damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(
                        in: 0...255, using: &random)
                }
            }
            for name in ["-wal", "-shm"] { unlink(folder.file + name) }
            try folder.directory.write(damaged, to: "store/\(PolicyStore.fileName)")
            #expect(chmod(folder.file, 0o600) == 0)
            do {
                let store = try folder.open(examinesAll: round % 2 == 0)
                for number in 1...20 as ClosedRange<Int64> {
                    _ = try store.read { try $0.statement(statement(number).hash) }
                    _ = try store.read { try $0.key("asset", "\(number)", in: folder.vault) }
                    _ = try store.read { try $0.lease(lease(Int(number)).id) }
                }
                if try store.verifyLog().exitCode != 0 { refusals += 1 }
                try store.close()
            } catch let error as ManagerError {
                refusals += 1
                #expect([.integrity, .unavailable, .conflict].contains(error.code), "\(error)")
            }
        }
        #expect(refusals > 60)
    }
}
