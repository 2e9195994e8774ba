// Where X509 is beside, Swift finds stat in CoreFoundation.
internal import CoreFoundation
internal import FoundationEssentials
internal import GRDB
import Glibc
public import PliniusVerifier
internal import PliniusPolicy
internal import PliniusSealing
import Synchronization

/// What the manager keeps: a SQLite database in a folder of its own, that one process at a time works on.
///
/// A change and the entries that log it are one transaction; when ``write(at:_:)`` returns they are durable, whatever happens to the process
/// or the machine. The log's head is signed with each change, so that an owner who keeps one finds out about an older copy of the store.
public final class PolicyStore: Sendable {
    /// The database's name in the folder.
    public static let fileName = "perun.sqlite"

    public let folder: String
    public let vault: Vault
    /// Sixteen random bytes: others after each restoration.
    public let epoch: [UInt8]
    private let pool: DatabasePool
    private let lock: StoreLock
    /// The greatest instant that the store, or anybody who asked it, has seen.
    private let clock: Mutex<Instant>

    /// Opens a store, after a crash too.
    /// - Parameters:
    ///   - folder: Where it is, for its owner's eyes only.
    ///   - vault: The keys that it was made with.
    ///   - isNew: Whether to make one if there is none.
    /// - Throws: ``ManagerError``: another process has it; it is damaged, no store, or of a later version; the vault is another's.
    public init(
        folder: String, vault: Vault, isNew: Bool = false, at now: Instant,
        options: StoreOptions = StoreOptions()
    ) throws {
        self.folder = folder
        self.vault = vault
        try Self.prepareFolder(folder, isNew: isNew)
        lock = try StoreLock(folder: folder)
        let path = "\(folder)/\(Self.fileName)"
        try Self.prepareFile(path, isNew: isNew)
        pool = try translating { try Self.open(path, options) }
        let (epoch, seen) = try translating { [pool] in
            try pool.writeWithoutTransaction { database in
                // GRDB turns to NORMAL when it turns to the write-ahead log; there a commit may be lost with the machine's power.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try Self.examine(database)
            }
            try StoreSchema.migrator.migrate(pool)
            return try pool.writeWithoutTransaction { try Self.begin($0, vault: vault, at: now) }
        }
        self.epoch = epoch
        clock = Mutex(max(now, seen))
        try read { view in
            try view.examineLog(service: vault.signer.publicKey)
            if options.examinesAll { try view.examineTables() }
        }
    }

    // MARK: - Work

    /// Reads: everything that the closure sees is of one moment.
    /// - Throws: ``ManagerError``, and what the closure throws.
    public func read<R>(_ body: (StoreView) throws -> R) throws -> R {
        try translating { try pool.read { try body(StoreView($0)) } }
    }

    /// Changes the store; one change after the other.
    ///
    /// Durable when it returns. If anything is thrown, nothing has changed. A change that appends no entry to the log is refused.
    /// - Parameter now: What the clock says; the transaction goes by ``instant(at:)``.
    /// - Throws: ``ManagerError``, and what the closure throws.
    @discardableResult
    public func write<R>(at now: Instant, _ body: (StoreTransaction) throws -> R) throws -> R {
        try translating {
            try pool.writeWithoutTransaction { database in
                var result: R?
                try database.inTransaction(.immediate) {
                    let transaction = try StoreTransaction(
                        database, vault: vault, epoch: epoch, now: instant(at: now))
                    let before = database.totalChangesCount
                    result = try body(transaction)
                    guard database.totalChangesCount > before else { return .commit }
                    try transaction.finish()
                    return .commit
                }
                guard let result else { throw ManagerError(.unavailable, "the store did not finish the change") }
                return result
            }
        }
    }

    /// The instant to go by: what the clock says, unless the store has seen a later one.
    ///
    /// A clock that is set back stands still here until it has caught up; leases and time locks do not last longer for it.
    public func instant(at now: Instant) -> Instant {
        clock.withLock { greatest in
            greatest = max(greatest, now)
            return greatest
        }
    }

    // MARK: - Copies

    /// Writes a copy of a store as it is at one moment, whoever works on it.
    /// - Parameter path: A file that does not exist yet; it gets mode 0600.
    /// - Throws: ``ManagerError``; there is no such file then.
    static func copyFile(_ source: String, to path: String) throws {
        try translating {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let file = try DatabaseQueue(path: source, configuration: configuration)
            try copy(file, to: path)
            try file.close()
        }
    }

    private static func copy(_ source: some DatabaseReader, to path: String) throws {
        guard !PrivateFile(path: path).exists else {
            throw ManagerError(.conflict, "\(path) is there already: choose another name")
        }
        try prepareFile(path, isNew: true)
        do {
            let copy = try DatabaseQueue(path: path)
            try source.backup(to: copy)
            // A copy is one file.
            try copy.writeWithoutTransaction { database in
                _ = try String.fetchOne(database, sql: "PRAGMA journal_mode = DELETE")
            }
            try copy.close()
            try PrivateFile(path: path).sync()
        } catch {
            PrivateFile(path: path).remove()
            throw error
        }
    }

    /// Reads a store's file that nobody works on.
    /// - Throws: ``ManagerError``, ``ManagerError/Code/integrity`` for a file that is none or damaged.
    static func readFile<R>(_ path: String, _ body: (StoreView) throws -> R) throws -> R {
        try translating {
            var configuration = Configuration()
            configuration.readonly = true
            let file = try DatabaseQueue(path: path, configuration: configuration)
            let result = try file.read { database in
                guard try Int32.fetchOne(database, sql: "PRAGMA application_id") == StoreSchema.applicationID else {
                    throw ManagerError(.integrity, "\(path) is no copy of a store of policies")
                }
                try requireWhole(database)
                return try body(StoreView(database))
            }
            try file.close()
            return result
        }
    }

    /// Begins an epoch: from here on the log may differ from the one that another copy of the store goes on with.
    ///
    /// The store is to be opened anew then.
    func beginEpoch(at now: Instant) throws {
        let new = randomBytes(16)
        try write(at: now) { transaction in
            try transaction.setMeta("epoch", new)
            try transaction.log(
                .restoration, subject: "store", actor: "service",
                detail: ["epoch": .string(new.hexadecimal), "before": .string(epoch.hexadecimal)])
        }
    }

    /// Looks at every page, and at how the store works.
    ///
    /// O(size).
    public func report() throws -> StoreReport {
        try translating {
            try pool.writeWithoutTransaction { database in
                func text(_ pragma: String) throws -> String {
                    try String.fetchOne(database, sql: "PRAGMA \(pragma)") ?? "none"
                }
                return StoreReport(
                    version: try text("user_version"), journal: try text("journal_mode"),
                    synchronous: try text("synchronous"), foreignKeys: try text("foreign_keys"),
                    integrity: try text("integrity_check(1)"),
                    danglingRows: try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").count)
            }
        }
    }

    /// Ends all work; the store can be opened again then.
    public func close() throws {
        try translating {
            // What is left in the write-ahead log is as durable, but then the store would be two files.
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try pool.close()
        }
        lock.release()
    }

    // MARK: - Opening

    private static func open(_ path: String, _ options: StoreOptions) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "perun"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 8
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA trusted_schema = OFF;
                    PRAGMA cell_size_check = ON;
                    PRAGMA secure_delete = ON;
                    PRAGMA wal_autocheckpoint = \(options.checkpointPages);
                    """)
        }
        return try DatabasePool(path: path, configuration: configuration)
    }

    /// Looks at whose file it is, and whether its pages are whole, before anything is written to it.
    private static func examine(_ database: Database) throws {
        let tables = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM sqlite_schema WHERE name <> 'grdb_migrations'")
        let id = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if tables == 0, id == 0 {
            try database.execute(sql: "PRAGMA application_id = \(StoreSchema.applicationID)")
        } else if id != StoreSchema.applicationID {
            throw ManagerError(
                .integrity,
                "the file is no store of policies: its application id is \(id), not \(StoreSchema.applicationID)")
        }
        guard version <= StoreSchema.version else {
            throw ManagerError(
                .integrity,
                "the store has version \(version), this program knows \(StoreSchema.version): start the later program")
        }
        try requireWhole(database)
    }

    private static func requireWhole(_ database: Database) throws {
        let finding = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "no answer"
        guard finding == "ok" else {
            throw ManagerError(.integrity, "the store's file is damaged; restore it from a backup: \(finding)")
        }
    }

    /// Says what a new store is, or finds out whether this one belongs to the vault.
    private static func begin(
        _ database: Database, vault: Vault, at now: Instant
    ) throws -> (epoch: [UInt8], seen: Instant) {
        let view = StoreView(database)
        let service = try view.meta("service")
        if let service {
            guard service == vault.signer.publicKey else {
                throw ManagerError(
                    .integrity,
                    "the store belongs to the service \(service.hexadecimal), the root key to "
                        + "\(vault.signer.publicKey.hexadecimal): start with the root key that it was made with")
            }
            guard let epoch = try view.meta("epoch"), epoch.count == 16,
                let seconds = try view.row("SELECT seconds FROM clock WHERE id = 1")?.integer("seconds")
            else {
                throw ManagerError(
                    .integrity, "the store's file lacks its epoch or its clock: restore it from a backup")
            }
            return (epoch, Instant(seconds: seconds))
        }
        guard try view.row("SELECT number FROM audit_entries LIMIT 1") == nil else {
            throw ManagerError(.integrity, "the store's file does not say whose it is: restore it from a backup")
        }
        let epoch = randomBytes(16)
        try database.inTransaction(.immediate) {
            let transaction = try StoreTransaction(database, vault: vault, epoch: epoch, now: now)
            try transaction.setMeta("service", vault.signer.publicKey)
            try transaction.setMeta("epoch", epoch)
            try transaction.setGeneration(.drawn(after: 0))
            try transaction.log(.begun, subject: vault.signer.publicKey.hexadecimal, actor: "service")
            try transaction.finish()
            return .commit
        }
        return (epoch, now)
    }

    private static func prepareFolder(_ folder: String, isNew: Bool) throws(ManagerError) {
        if isNew, unsafe mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw ManagerError(.unavailable, "the folder \(folder) cannot be made: \(errorText(errno))")
        }
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else {
            throw ManagerError(.notFound, "there is no store \(folder): \(errorText(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw ManagerError(.malformed, "\(folder) is no folder") }
        guard status.st_mode & 0o077 == 0 else {
            throw ManagerError(
                .forbidden,
                "\(folder) has mode 0\(String(status.st_mode & 0o777, radix: 8)): others may use it; run chmod 700 on it"
            )
        }
    }

    /// SQLite would make the file readable for others; the files that it adds get this one's mode.
    private static func prepareFile(_ path: String, isNew: Bool) throws(ManagerError) {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC | (isNew ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else {
            throw ManagerError(
                errno == ENOENT ? .notFound : .unavailable, "the store \(path) cannot be opened: \(errorText(errno))")
        }
        defer { Glibc.close(descriptor) }
        let size = try PrivateFile.privateSize(descriptor, path)
        // A file that is shorter than a database's header would be taken for an empty one.
        guard size == 0 || size >= 512 else {
            throw ManagerError(
                .integrity, "the store's file is damaged; restore it from a backup: it has \(size) bytes")
        }
    }
}

/// How a store works, where there is a choice.
public struct StoreOptions: Hashable, Sendable {
    /// After how many pages the write-ahead log goes into the database.
    public var checkpointPages = 1_000
    /// Whether the whole log is read when the store is opened, and the tables compared with it; else only the log's end is looked at.
    public var examinesAll = true

    public init() {}
}

/// What a store says of itself.
public struct StoreReport: Hashable, Sendable {
    /// The schema's version.
    public let version: String
    /// `wal`.
    public let journal: String
    /// 2: a commit waits for the disk.
    public let synchronous: String
    /// 1: rows refer to rows that are there.
    public let foreignKeys: String
    /// `ok`, or the first finding.
    public let integrity: String
    /// Rows that refer to none: 0.
    public let danglingRows: Int
}
