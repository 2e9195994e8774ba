internal import GRDB
public import PliniusPolicy
internal import PliniusVerifier

extension StoreTransaction {
    /// Gives a run a lease; one that it has is superseded, so that a fork of the run ends at its next renewal.
    /// - Parameter detail: What the entry of the release says beside run, lease and terms.
    /// - Returns: The entry, which is the release's receipt.
    /// - Throws: ``ManagerError/Code/forbidden`` if something of it is stopped.
    @discardableResult
    public func grant(
        _ lease: LeaseRecord, actor: String, detail: [String: CanonicalJSON] = [:]
    ) throws -> AuditEntry {
        if let stop = try stop(of: lease.run, assets: lease.assets) {
            throw ManagerError(.forbidden, "\(lease.run) gets no lease: \(Self.revocation(stop))")
        }
        if let older = try liveLease(of: lease.run) {
            try end(older, .superseded, because: "lease \(lease.id.hexadecimal) took over")
            try log(
                .supersession, subject: older.run, actor: actor,
                detail: ["lease": .string(older.id.hexadecimal), "by": .string(lease.id.hexadecimal)])
        }
        try change(
            "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)",
            [
                blob(lease.id), lease.run, lease.purpose, LeaseRecord.State.live.rawValue, Int64(lease.seconds),
                Int64(bitPattern: lease.iterations), blob(lease.facts), now.seconds, now.seconds,
                (now + lease.seconds).seconds,
            ])
        for asset in lease.assets { try change("INSERT INTO lease_assets VALUES (?, ?)", [blob(lease.id), asset]) }
        let terms: [String: CanonicalJSON] = [
            "lease": .string(lease.id.hexadecimal), "purpose": .string(lease.purpose),
            "seconds": .integer(Int64(lease.seconds)), "iterations": .string(String(lease.iterations)),
            "assets": .array(lease.assets.sorted().map { .string($0) }),
            "expires": .integer((now + lease.seconds).seconds), "facts": .string(LogReplay.digest(lease.facts)),
        ]
        return try log(.release, subject: lease.run, actor: actor, detail: detail.merging(terms) { _, own in own })
    }

    /// Prolongs a live lease by its time from now.
    /// - Parameter facts: What the fresh evidence said.
    /// - Returns: The lease as it is now, and the entry.
    /// - Throws: ``ManagerError/Code/notFound``; ``ManagerError/Code/forbidden`` if it is not live any more, or its time is over.
    @discardableResult
    public func renew(
        _ id: [UInt8], facts: [UInt8], actor: String
    ) throws -> (lease: LeaseRecord, entry: AuditEntry) {
        var lease = try live(id)
        if let stop = try stop(of: lease.run, assets: lease.assets) {
            throw ManagerError(.forbidden, "\(lease.run) is not renewed: \(Self.revocation(stop))")
        }
        (lease.facts, lease.renewed, lease.expires) = (facts, now, now + lease.seconds)
        lease.renewals += 1
        try change(
            "UPDATE leases SET facts = ?, renewed = ?, expires = ?, renewals = ? WHERE id = ?",
            [blob(facts), now.seconds, lease.expires.seconds, lease.renewals, blob(id)])
        let entry = try log(
            .renewal, subject: lease.run, actor: actor,
            detail: [
                "lease": .string(id.hexadecimal), "expires": .integer(lease.expires.seconds),
                "facts": .string(LogReplay.digest(facts)),
            ])
        return (lease, entry)
    }

    /// A lease that may still be used.
    /// - Throws: ``ManagerError/Code/notFound``; ``ManagerError/Code/forbidden`` with the reason.
    public func live(_ id: [UInt8]) throws -> LeaseRecord {
        guard let lease = try lease(id) else { throw ManagerError(.notFound, "there is no lease \(id.hexadecimal)") }
        guard lease.state == .live else {
            throw ManagerError(
                .forbidden,
                "the lease \(id.hexadecimal) is \(lease.state.rawValue): \(lease.reason ?? "no reason kept")")
        }
        guard now < lease.expires else {
            throw ManagerError(
                .forbidden, "the lease \(id.hexadecimal) ended at \(lease.expires), it is \(now): ask for keys anew")
        }
        return lease
    }

    /// Ends a live lease before its time.
    /// - Throws: ``ManagerError/Code/notFound`` if there is no live lease of that id.
    @discardableResult
    public func revoke(_ id: [UInt8], because reason: Revocation, actor: String) throws -> AuditEntry {
        guard let lease = try lease(id), lease.state == .live else {
            throw ManagerError(.notFound, "there is no live lease \(id.hexadecimal)")
        }
        return try revoke(lease, because: reason, actor: actor)
    }

    /// Marks leases whose time is over.
    /// - Returns: How many.
    @discardableResult
    public func expireLeases() throws -> Int {
        let over = try rows("SELECT * FROM leases WHERE state = 'live' AND expires <= ?", [now.seconds]).map(lease)
        for lease in over {
            try end(lease, .expired, because: "not renewed by \(lease.expires)")
            try log(.expiry, subject: lease.run, actor: "service", detail: ["lease": .string(lease.id.hexadecimal)])
        }
        return over.count
    }

    /// Stops a namespace, an asset or a run: leases that have to do with it end at once, and none begins until the stop is lifted.
    /// - Parameter name: The namespace, the asset or the run.
    /// - Returns: The leases that ended.
    @discardableResult
    public func stop(
        _ scope: StopScope, _ name: String, by statement: [UInt8], because reason: String, actor: String
    ) throws -> [LeaseRecord] {
        try change(
            "INSERT OR REPLACE INTO stops VALUES (?, ?, ?, ?, ?)",
            [scope.rawValue, name, blob(statement), reason, now.seconds])
        try log(
            .stop, subject: name, actor: actor,
            detail: [
                "scope": .string(scope.rawValue), "statement": .string(statement.hexadecimal),
                "reason": .string(reason),
            ])
        let stopped = StopRecord(scope: scope, name: name, statement: statement, reason: reason, since: now)
        let leases = try liveLeases(scope, name)
        for lease in leases { try revoke(lease, because: Self.revocation(stopped), actor: actor) }
        return leases
    }

    /// Lifts a stop; what ended stays ended.
    /// - Throws: ``ManagerError/Code/notFound`` if there is none.
    public func resume(_ scope: StopScope, _ name: String, by statement: [UInt8], actor: String) throws {
        guard try change("DELETE FROM stops WHERE scope = ? AND name = ?", [scope.rawValue, name]) == 1 else {
            throw ManagerError(.notFound, "the \(scope.rawValue) \(name) is not stopped")
        }
        try log(
            .resume, subject: name, actor: actor,
            detail: ["scope": .string(scope.rawValue), "statement": .string(statement.hexadecimal)])
    }

    /// Ends the live leases that an asset was granted with: it was withdrawn, or its policy does not permit them any more.
    /// - Returns: The leases that ended.
    @discardableResult
    public func revokeLeases(
        of asset: String, because reason: Revocation, actor: String
    ) throws -> [LeaseRecord] {
        let leases = try liveLeases(.asset, asset)
        for lease in leases { try revoke(lease, because: reason, actor: actor) }
        return leases
    }

    /// Counts a run that begins under a use of a policy, unless it was counted before: a run that is resumed begins once.
    ///
    /// - Parameter limit: How many may begin; `nil` for any number.
    /// - Returns: Whether it is new.
    /// - Throws: ``ManagerError/Code/limited`` if as many have begun.
    @discardableResult
    public func begin(_ run: String, policy: String, use: String, limit: Int?) throws -> Bool {
        if try hasBegun(run, policy: policy, use: use) { return false }
        let begun = try runsBegun(policy: policy, use: use)
        if let limit, begun >= limit {
            throw ManagerError(.limited, "use \(use) of \(policy): \(limit) runs may begin, \(begun) have")
        }
        try change("INSERT INTO runs_begun VALUES (?, ?, ?, ?)", [policy, use, run, now.seconds])
        note(["run", policy, use, run], [])
        return true
    }

    // MARK: - Parts

    private func liveLeases(_ scope: StopScope, _ name: String) throws -> [LeaseRecord] {
        switch scope {
        case .run: return try liveLease(of: name).map { [$0] } ?? []
        case .asset, .namespace:
            // A namespace's names begin with it and a slash; behind a slash comes a zero.
            let (from, to) = scope == .asset ? (name, name) : (name + "/", name + "0")
            return try rows(
                """
                SELECT * FROM leases WHERE state = 'live' AND id IN (
                    SELECT lease FROM lease_assets WHERE asset = ?1 OR (asset >= ?1 AND asset < ?2))
                ORDER BY id
                """, [from, to]
            ).map(lease)
        }
    }

    @discardableResult
    private func revoke(_ lease: LeaseRecord, because reason: Revocation, actor: String) throws -> AuditEntry {
        try end(lease, .revoked, because: reason.description)
        return try log(
            .revocation, subject: lease.run, actor: actor,
            detail: [
                "lease": .string(lease.id.hexadecimal), "check": .string(reason.check),
                "expected": .string(reason.expected), "found": .string(reason.found),
            ])
    }

    private func end(_ lease: LeaseRecord, _ state: LeaseRecord.State, because reason: String) throws {
        try change(
            "UPDATE leases SET state = ?, reason = ? WHERE id = ? AND state = 'live'",
            [state.rawValue, reason, blob(lease.id)])
    }

    private static func revocation(_ stop: StopRecord) -> Revocation {
        Revocation(
            "stop.\(stop.scope.rawValue)", expected: "\(stop.name) not stopped",
            found: "stopped at \(stop.since): \(stop.reason)")
    }
}
