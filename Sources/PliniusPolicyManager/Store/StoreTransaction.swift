internal import GRDB
public import PliniusVerifier

/// One change of the store, with the entries that log it: all of it is done, or nothing.
///
/// Good inside the closure that it is given to, and nowhere else.
public final class StoreTransaction: StoreView {
    /// When the change happens: never before anything that the store has seen.
    public let now: Instant
    let vault: Vault
    let epoch: [UInt8]
    var logged = 0
    /// What rows hold now, for the log.
    var effects: [[String]: [String]?] = [:]

    init(_ database: Database, vault: Vault, epoch: [UInt8], now: Instant) throws {
        self.now = now
        self.vault = vault
        self.epoch = epoch
        super.init(database)
    }

    /// Changes rows.
    /// - Returns: How many.
    @discardableResult
    func change(_ sql: String, _ arguments: StatementArguments = []) throws -> Int {
        try translating {
            try database.execute(sql: sql, arguments: arguments)
            return database.changesCount
        }
    }

    func setMeta(_ name: String, _ value: [UInt8]) throws {
        try change(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, blob(value)])
    }

    func setClock() throws {
        try change(
            "INSERT INTO clock VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET seconds = excluded.seconds",
            [now.seconds])
    }
}
