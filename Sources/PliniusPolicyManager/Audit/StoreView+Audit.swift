internal import GRDB
public import PliniusPolicy
internal import PliniusVerifier

extension StoreView {
    /// The most entries that ``auditEntries(from:count:)`` returns at once.
    public static let maximumAuditEntries = 1_000

    /// The newest head of the log.
    public func auditHead() throws -> SignedAuditHead {
        guard let row = try row("SELECT content FROM audit_heads ORDER BY size DESC LIMIT 1") else {
            throw ManagerError(.integrity, "the store has no head of its log: restore it from a backup")
        }
        return try decoded(try row.bytes("content"), SignedAuditHead.init)
    }

    /// The head that was signed when the log had `size` entries; `nil` if none was.
    public func auditHead(of size: Int) throws -> SignedAuditHead? {
        try row("SELECT content FROM audit_heads WHERE size = ?", [size])
            .map { try decoded(try $0.bytes("content"), SignedAuditHead.init) }
    }

    /// Entries in order, from an index on, ``maximumAuditEntries`` at most.
    public func auditEntries(from index: Int, count: Int) throws -> [AuditEntry] {
        try rows(
            "SELECT content FROM audit_entries WHERE number >= ? ORDER BY number LIMIT ?",
            [max(0, index), min(max(0, count), Self.maximumAuditEntries)]
        ).map { try decoded(try $0.bytes("content"), AuditEntry.init) }
    }

    /// Proves that an entry is among the first `size`.
    /// - Throws: ``ManagerError/Code/notFound`` if it is not, or if there are not as many entries.
    public func inclusionProof(of index: Int, in size: Int) throws -> InclusionProof {
        let count = try auditSize()
        guard size <= count, index >= 0, index < size else {
            throw ManagerError(
                .notFound, "the log has \(count) entries: there is no entry \(index) among the first \(size)")
        }
        return try MerkleTree.inclusionProof(of: index, in: size, node)
    }

    /// Proves that the log only grew.
    /// - Throws: ``ManagerError/Code/notFound`` for sizes that it never had.
    public func consistencyProof(from older: Int, to size: Int) throws -> ConsistencyProof {
        let count = try auditSize()
        guard older >= 0, older <= size, size <= count else {
            throw ManagerError(.notFound, "the log has \(count) entries: it never grew from \(older) to \(size)")
        }
        return try MerkleTree.consistencyProof(from: older, to: size, node)
    }

    /// Proof that an entry is in the log of the newest head.
    public func receipt(for index: Int) throws -> AuditReceipt {
        let head = try auditHead()
        let proof = try inclusionProof(of: index, in: head.head.size)
        guard let entry = try auditEntries(from: index, count: 1).first else {
            throw ManagerError(.integrity, "the store lacks entry \(index) of its log: restore it from a backup")
        }
        return AuditReceipt(entry: entry, proof: proof, head: head)
    }

    /// The number of entries.
    func auditSize() throws -> Int {
        try row("SELECT coalesce(max(number) + 1, 0) AS size FROM audit_entries")?.count("size") ?? 0
    }

    func node(_ place: MerkleTree.Place) throws -> [UInt8] {
        let row = try row("SELECT hash FROM audit_nodes WHERE level = ? AND number = ?", [place.level, place.index])
        guard let hash = try row?.bytes("hash", count: MerkleTree.hashByteCount) else {
            throw ManagerError(
                .integrity, "the store lacks a hash of its log's tree (\(place.level), \(place.index)): restore it")
        }
        return hash
    }

    /// Whether the end of the log is the one that the newest head was signed for: all that can be looked at in no time.
    func examineLog(service: [UInt8]) throws {
        let signed = try auditHead()
        let size = try auditSize()
        let last = try auditEntries(from: max(0, size - 1), count: 1).first
        guard signed.isValid, signed.head.service == service, signed.head.size == size, signed.head.last == last?.hash,
            try MerkleTree.root(of: size, node) == signed.head.root
        else {
            throw ManagerError(
                .integrity,
                "the log's newest head, of \(signed.head.size) entries, does not fit the \(size) that are there: "
                    + "the store was altered; restore it from a backup")
        }
    }

    /// Whether the log, and the tables by it, are as they were written.
    ///
    /// O(entries and rows) time, O(rows) memory.
    func examineTables() throws {
        var (replay, index) = (LogReplay(), 0)
        while true {
            let entries = try auditEntries(from: index, count: Self.maximumAuditEntries)
            if entries.isEmpty { break }
            for entry in entries { try replay.take(entry) }
            index += entries.count
        }
        try replay.compare(with: self)
    }

    private func decoded<Value>(
        _ bytes: [UInt8], _ read: (CanonicalJSON) throws(FormatError) -> Value
    ) throws(ManagerError) -> Value {
        do throws(FormatError) {
            return try read(try CanonicalJSON(canonical: bytes))
        } catch {
            throw ManagerError(.integrity, "the store has a damaged row in its log; restore it from a backup: \(error)")
        }
    }
}

extension StoreTransaction {
    /// Appends an entry to the log; it becomes durable with the change that it tells of.
    ///
    /// - Parameters:
    ///   - subject: What something was done with, 1024 bytes at most.
    ///   - actor: Who had it done, 1024 bytes at most.
    /// - Throws: ``ManagerError/Code/malformed`` for an entry that is too long to be read again.
    @discardableResult
    public func log(
        _ kind: AuditEntry.Kind, subject: String, actor: String, detail: [String: CanonicalJSON] = [:]
    ) throws -> AuditEntry {
        let index = try auditSize()
        let previous = try index == 0 ? AuditEntry.origin : auditEntries(from: index - 1, count: 1).first?.hash
        guard let previous else {
            throw ManagerError(.integrity, "the store lacks entry \(index - 1) of its log: restore it from a backup")
        }
        let entry = AuditEntry(
            index: index, time: now, kind: kind, subject: subject, actor: actor, detail: detail, previous: previous)
        let canonical = entry.canonical
        do throws(FormatError) {
            _ = try AuditEntry(try CanonicalJSON(canonical: canonical))
        } catch {
            throw ManagerError(.malformed, "the log does not take the entry: \(error)")
        }
        try change("INSERT INTO audit_entries VALUES (?, ?)", [index, blob(canonical)])
        for new in try MerkleTree.completed(by: MerkleTree.leaf(canonical), at: index, node) {
            try change("INSERT INTO audit_nodes VALUES (?, ?, ?)", [new.place.level, new.place.index, blob(new.hash)])
        }
        logged += 1
        return entry
    }

    /// Signs the log's new head.
    func finish() throws {
        guard logged > 0 else {
            throw ManagerError(.integrity, "a change of the store tells the log nothing: it is not done")
        }
        try logEffects()
        let size = try auditSize()
        guard let last = try auditEntries(from: size - 1, count: 1).first else {
            throw ManagerError(.integrity, "the store lacks entry \(size - 1) of its log: restore it from a backup")
        }
        try setClock()
        let head = AuditHead(
            service: vault.signer.publicKey, epoch: epoch, size: size, root: try MerkleTree.root(of: size, node),
            last: last.hash, time: now)
        try change("INSERT INTO audit_heads VALUES (?, ?)", [size, blob(vault.signer.sign(head).json.encoded)])
    }
}
