internal import GRDB
internal import PliniusVerifier

extension StoreView {
    /// A lease by its id.
    public func lease(_ id: [UInt8]) throws -> LeaseRecord? {
        try row("SELECT * FROM leases WHERE id = ?", [blob(id)]).map(lease)
    }

    /// The live lease of a run, which may have run out by now; `nil` if it has none.
    public func liveLease(of run: String) throws -> LeaseRecord? {
        try row("SELECT * FROM leases WHERE run = ? AND state = 'live'", [run]).map(lease)
    }

    /// Leases of a state, the newest first, `limit` at most.
    public func leases(_ state: LeaseRecord.State, limit: Int = 1_000) throws -> [LeaseRecord] {
        try rows(
            "SELECT * FROM leases WHERE state = ? ORDER BY begun DESC, id LIMIT ?", [state.rawValue, max(0, limit)]
        )
        .map(lease)
    }

    /// Whether a live lease's time is over.
    func hasExpiredLeases(at now: Instant) throws -> Bool {
        try row("SELECT 1 AS one FROM leases WHERE state = 'live' AND expires <= ? LIMIT 1", [now.seconds]) != nil
    }

    /// How many runs have begun under a use of a policy.
    public func runsBegun(policy: String, use: String) throws -> Int {
        try row("SELECT count(*) AS count FROM runs_begun WHERE policy = ? AND use = ?", [policy, use])?.count("count")
            ?? 0
    }

    /// Whether a run has begun under a use of a policy.
    public func hasBegun(_ run: String, policy: String, use: String) throws -> Bool {
        try row("SELECT 1 AS one FROM runs_begun WHERE policy = ? AND use = ? AND run = ?", [policy, use, run]) != nil
    }

    /// The stop that holds something up, if there is one.
    /// - Parameter assets: With their namespaces, each of which a stop may name.
    public func stop(of run: String, assets: some Sequence<String>) throws -> StopRecord? {
        let names = Set(assets)
        let namespaces = Set(names.compactMap { Self.namespace(of: $0) })
        return try stops().first { stop in
            switch stop.scope {
            case .namespace: namespaces.contains(stop.name)
            case .asset: names.contains(stop.name)
            case .run: stop.name == run
            }
        }
    }

    /// What stands before the slash.
    static func namespace(of name: String) -> String? { name.firstIndex(of: "/").map { String(name[..<$0]) } }

    func lease(_ row: Fields) throws -> LeaseRecord {
        let id = try row.bytes("id", count: LeaseRecord.idByteCount)
        guard let seconds = UInt32(exactly: try row.integer("seconds")) else {
            throw ManagerError(.integrity, "the lease \(id.hexadecimal) has a time that none has: restore the store")
        }
        return LeaseRecord(
            id: id, run: try row.text("run"), purpose: try row.text("purpose"), seconds: seconds,
            iterations: UInt64(bitPattern: try row.integer("iterations")),
            assets: Set(
                try rows("SELECT asset FROM lease_assets WHERE lease = ?", [blob(id)]).map { try $0.text("asset") }),
            facts: try row.bytes("facts"), begun: try row.instant("begun"), renewed: try row.instant("renewed"),
            expires: try row.instant("expires"), renewals: try row.count("renewals"), state: try row.choice("state"),
            reason: row.has("reason") ? try row.text("reason") : nil)
    }
}
