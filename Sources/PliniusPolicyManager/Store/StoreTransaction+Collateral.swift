internal import GRDB
public import PliniusVerifier

/// Collateral that was imported.
public struct CollateralRecord: Hashable, Sendable {
    /// What it is called among the collateral; a newer one takes its place.
    public let name: String
    public let content: [UInt8]
    public let issued: Instant
    public let expires: Instant
    public let imported: Instant

    public init(name: String, content: [UInt8], issued: Instant, expires: Instant, imported: Instant) {
        self.name = name
        self.content = content
        self.issued = issued
        self.expires = expires
        self.imported = imported
    }
}

extension StoreView {
    /// All collateral, by name.
    public func collateral() throws -> [CollateralRecord] {
        try rows("SELECT * FROM collateral ORDER BY name").map { row in
            CollateralRecord(
                name: try row.text("name"), content: try row.bytes("content"), issued: try row.instant("issued"),
                expires: try row.instant("expires"), imported: try row.instant("imported"))
        }
    }

    /// What was answered to a request that may come again; `nil` if it never came, or long ago.
    public func answer(to request: [UInt8], at now: Instant) throws -> [UInt8]? {
        try row("SELECT content FROM answers WHERE id = ? AND expires > ?", [blob(request), now.seconds])?
            .bytes("content")
    }
}

extension StoreTransaction {
    /// Keeps collateral, unless there is a newer one of that name.
    /// - Throws: ``ManagerError/Code/conflict`` if there is.
    public func setCollateral(_ record: CollateralRecord) throws {
        let old = try row("SELECT issued FROM collateral WHERE name = ?", [record.name])?.instant("issued")
        if let old, old > record.issued {
            throw ManagerError(
                .conflict,
                "the collateral \(record.name) is of \(record.issued), a newer one of \(old) is here: import that")
        }
        try change(
            "INSERT OR REPLACE INTO collateral VALUES (?, ?, ?, ?, ?)",
            [
                record.name, blob(record.content), record.issued.seconds, record.expires.seconds,
                record.imported.seconds,
            ])
    }

    /// Keeps what was answered, so that the same request does nothing twice; forgets answers whose time is over.
    /// - Throws: ``ManagerError/Code/conflict`` if the request was answered before.
    public func setAnswer(_ content: [UInt8], to request: [UInt8], until expires: Instant) throws {
        try change("DELETE FROM answers WHERE expires <= ?", [now.seconds])
        guard try answer(to: request, at: now) == nil else {
            throw ManagerError(.conflict, "the request was answered before: ask for nothing twice")
        }
        try change(
            "INSERT INTO answers VALUES (?, ?, ?)", [blob(request), blob(content), expires.seconds])
    }
}
