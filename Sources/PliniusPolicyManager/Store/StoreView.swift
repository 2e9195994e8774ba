internal import GRDB

/// The store as it is at one moment: what is read through it belongs together.
///
/// Good inside the closure that it is given to, and nowhere else.
public class StoreView {
    let database: Database

    init(_ database: Database) { self.database = database }

    // MARK: - Queries

    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Fields] {
        try translating { try Row.fetchAll(database, sql: sql, arguments: arguments).map(Fields.init) }
    }

    func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Fields? {
        try translating { try Row.fetchOne(database, sql: sql, arguments: arguments).map(Fields.init) }
    }

    /// A value of the table of single values.
    func meta(_ name: String) throws -> [UInt8]? {
        try row("SELECT value FROM meta WHERE name = ?", [name])?.bytes("value")
    }
}
