internal import Crypto
internal import PliniusPolicy
internal import PliniusVerifier

/// What the store's tables should hold, from its log alone.
///
/// Whoever can write to the disk can put back a row, say where a run's mirror was last week; the log tells, for its head is signed.
struct LogReplay {
    private var frontier = MerkleFrontier()
    private var last = AuditEntry.origin
    /// A table and a row's key, and what the row holds besides.
    private var rows: [[String]: [String]] = [:]

    /// Takes the next entry.
    mutating func take(_ entry: AuditEntry) throws(ManagerError) {
        let canonical = entry.canonical
        guard entry.index == frontier.size, entry.previous == last else {
            throw ManagerError(
                .integrity, "the store's log is broken at entry \(frontier.size): the store was altered; restore it")
        }
        frontier.append(MerkleTree.leaf(canonical))
        last = AuditEntry.hash(of: canonical)
        func detail(_ name: String) -> String { entry.detail[name]?.text ?? "" }
        switch entry.kind {
        case .release:
            let assets = (entry.detail["assets"]?.entries ?? []).compactMap(\.text)
            rows[["lease", entry.subject]] = [
                detail("lease"), detail("facts"), "\(entry.detail["expires"]?.number ?? 0)",
                assets.joined(separator: " "),
            ]
        case .renewal:
            rows[["lease", entry.subject]]?[1] = detail("facts")
            rows[["lease", entry.subject]]?[2] = "\(entry.detail["expires"]?.number ?? 0)"
        case .supersession, .revocation, .expiry: rows[["lease", entry.subject]] = nil
        case .state: rows[["state", entry.subject]] = ["\(entry.detail["counter"]?.number ?? 0)", detail("tag")]
        case .stop: rows[["stop", detail("scope"), entry.subject]] = [detail("statement")]
        case .resume: rows[["stop", detail("scope"), entry.subject]] = nil
        case .effects:
            for effect in entry.detail["rows"]?.entries ?? [] {
                let key = (effect["key"]?.entries ?? []).compactMap(\.text)
                rows[key] = effect["row"]?.entries?.compactMap(\.text)
            }
        default: break
        }
    }

    /// Compares with the newest head and with the tables.
    /// - Throws: ``ManagerError/Code/integrity`` that names the row.
    func compare(with view: StoreView) throws {
        let head = try view.auditHead().head
        guard head.size == frontier.size, head.root == frontier.root, head.last == last else {
            throw ManagerError(
                .integrity,
                "the log's newest head, of \(head.size) entries, does not fit the \(frontier.size) that are there: the store "
                    + "was altered; restore it from a backup")
        }
        let found = try Self.rows(of: view)
        let keys = Set(rows.keys).union(found.keys).sorted { $0.lexicographicallyPrecedes($1) }
        for key in keys where rows[key] != found[key] {
            throw ManagerError(
                .integrity,
                "the store's row \(key.joined(separator: " ")) is \(found[key].map { "\($0)" } ?? "not there"), the log says "
                    + "\(rows[key].map { "\($0)" } ?? "none"): the store was altered; restore it from a backup")
        }
    }

    private static func rows(of view: StoreView) throws -> [[String]: [String]] {
        var all: [[String]: [String]] = [:]
        for lease in try view.rows("SELECT * FROM leases WHERE state = 'live'").map(view.lease) {
            all[["lease", lease.run]] = [
                lease.id.hexadecimal, digest(lease.facts), "\(lease.expires.seconds)",
                lease.assets.sorted().joined(separator: " "),
            ]
        }
        for row in try view.rows("SELECT * FROM run_states") {
            all[["state", try row.text("run")]] = ["\(try row.integer("counter"))", try row.bytes("tag").hexadecimal]
        }
        for stop in try view.stops() { all[["stop", stop.scope.rawValue, stop.name]] = [stop.statement.hexadecimal] }
        for row in try view.rows("SELECT * FROM current") {
            all[["current", try row.text("kind"), try row.text("name")]] = [
                try row.bytes("statement").hexadecimal, "\(try row.integer("version"))",
                row.has("withdrawn") ? try row.bytes("withdrawn").hexadecimal : "",
            ]
        }
        for row in try view.rows("SELECT hash, status, locked_until FROM statements") {
            all[["statement", try row.bytes("hash").hexadecimal]] = [
                try row.text("status"), row.has("locked_until") ? "\(try row.integer("locked_until"))" : "",
            ]
        }
        for row in try view.rows("SELECT place, id, version FROM wrapped_keys") {
            all[["key", try row.text("place"), try row.text("id")]] = ["\(try row.integer("version"))"]
        }
        for row in try view.rows("SELECT policy, use, run FROM runs_begun") {
            all[["run", try row.text("policy"), try row.text("use"), try row.text("run")]] = []
        }
        return all
    }

    /// What an entry says of bytes that are too long for it.
    static func digest(_ bytes: [UInt8]) -> String { Array(SHA256.hash(data: bytes)).hexadecimal }
}

extension AuditEntry.Kind {
    /// What the change did to the store's tables, beyond what its other entries say.
    static let effects = AuditEntry.Kind(rawValue: "effects")
}

extension StoreTransaction {
    /// Notes for the log what a row holds now; `nil` if it is gone.
    func note(_ key: [String], _ row: [String]?) { effects[key] = .some(row) }

    /// Appends what was noted to the log.
    func logEffects() throws {
        guard !effects.isEmpty else { return }
        let sorted = effects.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        effects = [:]
        try log(
            .effects, subject: "store", actor: "service",
            detail: [
                "rows": .array(
                    sorted.map { key, row in
                        let key = CanonicalJSON.array(key.map { .string($0) })
                        guard let row else { return ["key": key] }
                        return ["key": key, "row": .array(row.map { .string($0) })]
                    })
            ])
    }
}
