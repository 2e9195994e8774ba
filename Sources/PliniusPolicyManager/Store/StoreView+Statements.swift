internal import Crypto
internal import GRDB
internal import PliniusVerifier

extension StoreView {
    /// A statement by its hash.
    /// - Throws: ``ManagerError/Code/integrity`` if what is kept has another hash.
    public func statement(_ hash: [UInt8]) throws -> StatementRecord? {
        try row("SELECT * FROM statements WHERE hash = ?", [blob(hash)]).map(Self.statement)
    }

    /// Statements of a type about something, the oldest first: what approves or vetoes a hash, the versions of a policy.
    public func statements(type: String, namespace: String, subject: String) throws -> [StatementRecord] {
        try rows(
            "SELECT * FROM statements WHERE type = ? AND namespace = ? AND subject = ? ORDER BY received, sequence, hash",
            [type, namespace, subject]
        ).map(Self.statement)
    }

    /// Statements that came as far, the oldest first.
    public func statements(_ status: StatementRecord.Status) throws -> [StatementRecord] {
        try rows("SELECT * FROM statements WHERE status = ? ORDER BY received, sequence, hash", [status.rawValue])
            .map(Self.statement)
    }

    /// The greatest sequence number of a namespace's statements; `nil` if it has none.
    public func lastSequence(of namespace: String) throws -> Int64? {
        let row = try row("SELECT max(sequence) AS last FROM statements WHERE namespace = ?", [namespace])
        return try row.flatMap { $0.has("last") ? try $0.integer("last") : nil }
    }

    /// The signatures under a statement, by key.
    public func signatures(under hash: [UInt8]) throws -> [SignatureRecord] {
        try rows("SELECT * FROM signatures WHERE statement = ? ORDER BY key", [blob(hash)]).map { row in
            SignatureRecord(
                key: try row.text("key"), signature: try row.bytes("signature"), received: try row.instant("received"))
        }
    }

    /// What a name means now; `nil` if it means nothing yet.
    public func current(_ kind: String, _ name: String) throws -> CurrentRecord? {
        try row("SELECT * FROM current WHERE kind = ? AND name = ?", [kind, name]).map(Self.current)
    }

    /// All names of a kind, in order.
    public func current(_ kind: String) throws -> [CurrentRecord] {
        try rows("SELECT * FROM current WHERE kind = ? ORDER BY name", [kind]).map(Self.current)
    }

    /// The stops that were not lifted.
    public func stops() throws -> [StopRecord] {
        try rows("SELECT * FROM stops ORDER BY scope, name").map { row in
            StopRecord(
                scope: try row.choice("scope"), name: try row.text("name"),
                statement: try row.bytes("statement", count: 32), reason: try row.text("reason"),
                since: try row.instant("since"))
        }
    }

    private static func statement(_ row: Fields) throws(ManagerError) -> StatementRecord {
        let record = StatementRecord(
            hash: try row.bytes("hash", count: 32), content: try row.bytes("content"), type: try row.text("type"),
            namespace: try row.text("namespace"), subject: try row.text("subject"),
            sequence: try row.integer("sequence"),
            predecessor: row.has("predecessor") ? try row.bytes("predecessor", count: 32) : nil,
            issued: try row.instant("issued"), received: try row.instant("received"), status: try row.choice("status"),
            lockedUntil: row.has("locked_until") ? try row.instant("locked_until") : nil,
            source: row.has("source") ? try row.text("source") : nil)
        guard Array(SHA256.hash(data: record.content)) == record.hash else {
            throw ManagerError(
                .integrity,
                "the statement \(record.hash.hexadecimal) is kept with other bytes: the store was altered; restore it")
        }
        return record
    }

    private static func current(_ row: Fields) throws(ManagerError) -> CurrentRecord {
        CurrentRecord(
            kind: try row.text("kind"), name: try row.text("name"), statement: try row.bytes("statement", count: 32),
            version: try row.count("version"), since: try row.instant("since"),
            withdrawn: row.has("withdrawn") ? try row.bytes("withdrawn", count: 32) : nil)
    }
}
