public import PliniusPolicy
public import PliniusVerifier

// What people look at: nothing here changes what counts.

/// How much there is of everything, at one moment.
public struct Overview: Sendable {
    public let owners: Int
    public let policies: Int
    /// Assets that may be used, as far as their owners are concerned.
    public let assets: Int
    public let withdrawnAssets: Int
    /// Statements that wait for signatures.
    public let pending: Int
    /// Statements that wait for their time.
    public let locked: Int
    public let liveLeases: Int
    public let stops: [StopRecord]
    public let head: SignedAuditHead
}

/// A statement beside the one that it takes the place of.
public struct Proposal: Sendable {
    public let report: StatementReport
    public let statement: Statement
    /// What it replaces, as that was signed; `nil` for the first about its subject.
    public let replaced: (record: StatementRecord, statement: Statement)?
    /// Whether ``replaced`` is what counts now.
    public let replacesCurrent: Bool
}

/// Part of the log, the newest entries first.
public struct LogExcerpt: Sendable {
    /// Of the whole log.
    public let head: SignedAuditHead
    public let entries: [AuditEntry]
    /// Where to go on with older entries; `nil` if there are none.
    public let older: Int?
}

extension PolicyManager {
    /// The instant that decisions go by.
    public nonisolated var instant: Instant { now }

    public func overview() throws -> Overview {
        try settle()
        let now = now
        return try store.read { view in
            let assets = try view.current("asset")
            let withdrawn = try assets.count { try view.lastAsset($0.statement)?.isWithdrawn ?? false }
            return Overview(
                owners: try view.current("namespace").count, policies: try view.current("policy").count,
                assets: assets.count - withdrawn, withdrawnAssets: withdrawn,
                pending: try view.statements(.pending).count, locked: try view.statements(.locked).count,
                liveLeases: try view.leases(.live).count { $0.expires > now }, stops: try view.stops(),
                head: try view.auditHead())
        }
    }

    /// Stops that nobody has lifted.
    public nonisolated func stops() throws -> [StopRecord] { try store.read { try $0.stops() } }

    /// A statement, and what it changes.
    /// - Throws: ``ManagerError/Code/notFound``.
    public func proposal(_ hash: [UInt8]) throws -> Proposal {
        try settle()
        return try store.read { view in
            let report = try view.report(hash)
            guard let statement = try view.parsed(hash) else {
                throw ManagerError(.notFound, "there is no statement \(hash.hexadecimal)")
            }
            let predecessor = try report.record.predecessor.flatMap { try view.statement($0) }
            let replaced = try predecessor.flatMap { record in
                try view.parsed(record.hash).map { (record: record, statement: $0) }
            }
            let current = try statement.place.flatMap { try view.current($0.kind, $0.name)?.statement }
            return Proposal(
                report: report, statement: statement, replaced: replaced,
                replacesCurrent: report.record.predecessor == current)
        }
    }

    /// The versions of a policy, the newest first.
    public nonisolated func versions(ofPolicy name: ScopedName) throws -> [StatementRecord] {
        try store.read { view in
            try view.statements(type: "policy", namespace: name.namespace, subject: "policy/\(name.name)")
        }.reversed()
    }

    /// How many runs have begun under a use of a policy.
    public nonisolated func runsBegun(policy: ScopedName, use: String) throws -> Int {
        try store.read { try $0.runsBegun(policy: policy.description, use: use) }
    }

    // MARK: - The log, backwards

    /// How many entries a search looks at, at most.
    public static let maximumSearch = 20_000

    /// The entries before an index, the newest first.
    /// - Parameters:
    ///   - index: `nil` for the newest of all.
    ///   - kinds: What is looked for; all kinds if empty. A search ends after ``maximumSearch`` entries, with what it has found.
    public nonisolated func auditEntries(
        before index: Int? = nil, count: Int, kinds: [AuditEntry.Kind] = []
    ) throws -> LogExcerpt {
        try store.read { view in
            let head = try view.auditHead()
            let end = min(max(0, index ?? .max), head.head.size)
            let count = min(max(1, count), StoreView.maximumAuditEntries)
            guard !kinds.isEmpty else {
                let begin = max(0, end - count)
                return LogExcerpt(
                    head: head, entries: try view.auditEntries(from: begin, count: end - begin).reversed(),
                    older: begin > 0 ? begin : nil)
            }
            let begin = max(0, end - Self.maximumSearch)
            let found = try view.numbers(of: kinds, in: begin..<end, count: count)
            let entries = try found.flatMap { try view.auditEntries(from: $0, count: 1) }
                .filter { kinds.contains($0.kind) }
            let next = found.count == count ? found.last ?? begin : begin
            return LogExcerpt(head: head, entries: entries, older: next > 0 ? next : nil)
        }
    }
}
