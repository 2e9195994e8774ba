internal import GRDB
public import PliniusVerifier

extension StoreTransaction {
    /// Keeps a statement.
    /// - Throws: ``ManagerError/Code/conflict`` if it is here already.
    public func insert(_ record: StatementRecord) throws {
        guard try statement(record.hash) == nil else {
            throw ManagerError(
                .conflict, "the statement \(record.hash.hexadecimal) is here already: sign it, if that is meant")
        }
        try change(
            "INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                blob(record.hash), blob(record.content), record.type, record.namespace, record.subject,
                record.sequence, nullable(record.predecessor), record.issued.seconds, record.received.seconds,
                record.status.rawValue, record.lockedUntil?.seconds, record.source,
            ])
        noteStatus(record.hash, record.status, record.lockedUntil)
    }

    /// Says how far a statement counts now.
    /// - Throws: ``ManagerError/Code/notFound``.
    public func setStatus(
        of hash: [UInt8], to status: StatementRecord.Status, lockedUntil: Instant? = nil
    ) throws {
        let changed = try change(
            "UPDATE statements SET status = ?, locked_until = ? WHERE hash = ?",
            [status.rawValue, lockedUntil?.seconds, blob(hash)])
        guard changed == 1 else { throw ManagerError(.notFound, "there is no statement \(hash.hexadecimal)") }
        noteStatus(hash, status, lockedUntil)
    }

    private func noteStatus(_ hash: [UInt8], _ status: StatementRecord.Status, _ lockedUntil: Instant?) {
        note(
            ["statement", hash.hexadecimal], [status.rawValue, lockedUntil.map { "\($0.seconds)" } ?? ""])
    }

    private func note(_ kind: String, _ name: String, _ statement: [UInt8], version: Int, withdrawn: [UInt8]?) {
        note(
            ["current", kind, name], [statement.hexadecimal, "\(version)", withdrawn?.hexadecimal ?? ""])
    }

    /// Keeps a signature under a statement.
    /// - Returns: Whether it is the key's first there; a second one changes nothing.
    /// - Throws: ``ManagerError/Code/conflict`` if there is no such statement.
    public func insertSignature(_ signature: [UInt8], by key: String, under hash: [UInt8]) throws -> Bool {
        try change(
            "INSERT INTO signatures VALUES (?, ?, ?, ?) ON CONFLICT (statement, key) DO NOTHING",
            [blob(hash), key, blob(signature), now.seconds]) == 1
    }

    /// Makes a statement the one that its name means, if the name means what the statement was written to replace.
    ///
    /// What was current is `replaced` then, this one `active`.
    /// - Parameter predecessor: The hash of what the statement replaces; `nil` for a name's first.
    /// - Throws: ``ManagerError/Code/conflict`` if the name means something else by now.
    public func activate(_ kind: String, _ name: String, statement: [UInt8], replacing predecessor: [UInt8]?) throws {
        let old = try current(kind, name)
        guard old?.statement == predecessor else {
            throw ManagerError(
                .conflict,
                "the \(kind) \(name) is \(old?.statement.hexadecimal ?? "not there"), the statement was written to replace "
                    + "\(predecessor?.hexadecimal ?? "nothing"): write it anew on what is there")
        }
        try change(
            """
            INSERT INTO current VALUES (?, ?, ?, 1, ?, NULL) ON CONFLICT (kind, name) DO UPDATE
            SET statement = excluded.statement, version = version + 1, since = excluded.since, withdrawn = NULL
            """, [kind, name, blob(statement), now.seconds])
        note(kind, name, statement, version: (old?.version ?? 0) + 1, withdrawn: nil)
        if let predecessor { try setStatus(of: predecessor, to: .replaced) }
        try setStatus(of: statement, to: .active)
    }

    /// Withdraws what a name means; only a new version brings it back.
    /// - Throws: ``ManagerError/Code/notFound`` if it means nothing, ``ManagerError/Code/conflict`` if it was withdrawn before.
    public func withdraw(_ kind: String, _ name: String, by statement: [UInt8]) throws {
        guard let old = try current(kind, name) else { throw ManagerError(.notFound, "there is no \(kind) \(name)") }
        guard old.withdrawn == nil else { throw ManagerError(.conflict, "the \(kind) \(name) was withdrawn before") }
        try change(
            "UPDATE current SET withdrawn = ? WHERE kind = ? AND name = ?", [blob(statement), kind, name])
        note(kind, name, old.statement, version: old.version, withdrawn: statement)
    }
}
