internal import PliniusPolicy
internal import PliniusSealing
internal import PliniusVerifier

/// One statement on its way into the store, within one transaction.
struct StatementIntake {
    let statement: Statement
    let canonical: [UInt8]
    let hash: StatementHash
    let transaction: StoreTransaction

    /// Where uploaded keys wait until their statement counts, by its hash.
    private static let waitingKeys = "waiting"

    /// Keeps the statement and the signatures, and has it count if enough have agreed.
    /// - Throws: ``ManagerError`` or ``Refusal``.
    func take(
        _ signatures: [Signature], source: String?, key: SecretBytes?, _ options: PolicyManager.Options
    ) throws {
        let known = try transaction.statement(hash.bytes)
        try checkSigners(signatures)
        if known == nil {
            try checkContent(source, hasKey: key != nil, options)
            try transaction.insert(
                StatementRecord(
                    hash: hash.bytes, content: canonical, type: statement.kind.rawValue,
                    namespace: statement.namespace, subject: statement.storedSubject, sequence: statement.sequence,
                    predecessor: statement.predecessor?.bytes, issued: statement.issued, received: transaction.now,
                    status: .pending, source: source))
            if let key { try transaction.setKey(key, Self.waitingKeys, hash.description) }
        } else if let known, [.replaced, .vetoed, .outrun].contains(known.status) {
            throw ManagerError(.conflict, "the statement \(hash) is \(known.status.rawValue): it never counts again")
        }
        var new: [String] = []
        for signature in signatures {
            let key = signature.key.description
            if try transaction.insertSignature(signature.bytes, by: key, under: hash.bytes) { new.append(key) }
        }
        guard known == nil || !new.isEmpty else { return }
        try transaction.log(
            .statement, subject: hash.description, actor: actor(new),
            detail: [
                "type": .string(statement.kind.rawValue), "namespace": .string(statement.namespace),
                "about": .string(statement.storedSubject),
            ])
        switch statement.content {
        case .approval(let subject), .veto(let subject):
            try transaction.setStatus(of: hash.bytes, to: .active)
            try resettle(subject)
        default:
            if known?.status != .active { try settle() }
        }
    }

    /// Who had it done: as many keys as an entry has room for.
    private func actor(_ keys: [String]) -> String { keys.prefix(6).joined(separator: " ") }

    // MARK: - Checks

    /// Whoever signs speaks for the owner, or is asked by what counts; the store keeps nothing of others.
    private func checkSigners(_ signatures: [Signature]) throws {
        var keys: Set<OwnerKey> = []
        if let speakers = try transaction.speakers(statement.namespace) {
            keys.formUnion(speakers.keys)
            keys.formUnion(speakers.board.keys)
            keys.formUnion(speakers.board.veto)
        } else if case .namespace(let first) = statement.content {
            keys = first.keys
        }
        // A policy may have a board of its own, whose members need not be the owner's.
        switch statement.content {
        case .approval(let subject), .veto(let subject):
            guard let other = try transaction.parsed(subject.bytes), other.namespace == statement.namespace else {
                throw Refusal(
                    .notFound, "statement.subject", expected: "a statement of \(statement.namespace)",
                    found: "\(subject), which is none")
            }
            if let board = try transaction.consent(to: other) { keys.formUnion(board.keys.union(board.veto)) }
        default:
            if let board = try transaction.consent(to: statement) { keys.formUnion(board.keys.union(board.veto)) }
        }
        for signature in signatures where !keys.contains(signature.key) {
            throw Refusal(
                .forbidden, "statement.signer", expected: "a key that speaks for \(statement.namespace)",
                found: "\(signature.key)")
        }
    }

    private func checkContent(_ source: String?, hasKey: Bool, _ options: PolicyManager.Options) throws {
        let pending = try transaction.statements(.pending).count { $0.namespace == statement.namespace }
        guard pending < options.maximumPending else {
            throw ManagerError(
                .limited,
                "\(pending) statements of \(statement.namespace) wait for approvals: approve or veto some first")
        }
        try checkSuccession()
        guard source == nil || statement.kind == .policy else {
            throw Refusal(.malformed, "statement.source", expected: "a source with a policy", found: "one with another")
        }
        switch statement.content {
        case .namespace:
            let count = try transaction.current("namespace").count
            guard count < options.maximumNamespaces || statement.sequence > 1 else {
                throw ManagerError(.limited, "the service has \(count) owners, and takes no more")
            }
        case .policy(let name, let document): try checkPolicy(name, document, source)
        case .asset(let asset):
            guard case .uploaded = asset.secret, !hasKey,
                try !transaction.hasKey(PolicyManager.assetKeys, asset.name.description)
            else { break }
            throw Refusal(
                .malformed, "statement.secret", expected: "the key, sealed to the service's key", found: "none")
        case .stop(let stop):
            guard case .run(let run) = stop.scope else { break }
            let registry = try transaction.statedRegistry()
            let owners = Set(registry.closure(of: [run.asset]).map(\.namespace))
            guard owners.contains(statement.namespace) else {
                throw Refusal(
                    .forbidden, "statement.scope",
                    expected: "a run in which assets of \(statement.namespace) take part",
                    found: "\(run)")
            }
        case .resume(let stop):
            guard try activeStop(stop) != nil else {
                throw Refusal(
                    .notFound, "statement.stop", expected: "a stop of \(statement.namespace) that counts",
                    found: "\(stop), which is none")
            }
        // It fails for a key that nothing can be sealed to; when the statement counts it is too late to say so.
        case .standby(let standby): _ = try transaction.vault.sealRoot(forStandby: standby.sealingKey)
        case .withdraw, .approval, .veto, .platform: break
        }
    }

    private func checkSuccession() throws {
        guard let place = statement.place else { return }
        let present = try transaction.current(place.kind, place.name)
        var last: Asset?
        if place.kind == "asset", let present { last = try transaction.lastAsset(present.statement)?.asset }
        do throws(FormatError) {
            let old = try? present.flatMap { try transaction.parsed($0.statement) }
            try statement.checkSuccession(of: old, asset: last)
        } catch {
            throw Refusal(error, error.check == "statement.predecessor" ? .conflict : .malformed)
        }
    }

    private func checkPolicy(_ name: String, _ document: CanonicalJSON, _ source: String?) throws {
        let file = "\(statement.namespace)/\(name)"
        let policy: OwnerPolicy
        do throws(PolicyErrors) {
            if let source {
                policy = try OwnerPolicy(document: document, source: source, file: file)
            } else {
                policy = try OwnerPolicy(document: document, file: file)
            }
        } catch {
            throw Refusal(.malformed, "statement.policy", expected: "a policy", found: "\(error)")
        }
        guard policy.name.value.description == file else {
            throw Refusal(.malformed, "statement.policy", expected: "the policy \(file)", found: "\(policy.name.value)")
        }
    }

    private func activeStop(_ stop: StatementHash) throws -> Registry.ActiveStop? {
        try transaction.activeStops().first { $0.statement == stop && $0.namespace == statement.namespace }
    }

    // MARK: - What counts

    /// Looks again at a statement that an approval or a veto is about.
    private func resettle(_ subject: StatementHash) throws {
        guard let record = try transaction.statement(subject.bytes), [.pending, .locked].contains(record.status),
            let other = try transaction.parsed(subject.bytes)
        else { return }
        try StatementIntake(statement: other, canonical: record.content, hash: subject, transaction: transaction)
            .settle()
    }

    /// Has the statement count if it is time, and says how far it is otherwise.
    func settle() throws {
        guard let board = try transaction.consent(to: statement) else { return }
        let approvals = try transaction.approvals(of: hash, statement.namespace)
        switch board.standing(of: approvals, at: transaction.now) {
        case .pending: try transaction.setStatus(of: hash.bytes, to: .pending)
        case .locked(let until): try transaction.setStatus(of: hash.bytes, to: .locked, lockedUntil: until)
        case .vetoed(let key):
            try transaction.setStatus(of: hash.bytes, to: .vetoed)
            try transaction.removeKey(Self.waitingKeys, hash.description)
            try transaction.log(
                .rejection, subject: hash.description, actor: key.description, detail: ["reason": "veto"])
        case .active: try activate(by: approvals.events.filter { !$0.isVeto }.map(\.key.description))
        }
    }

    private func activate(by keys: [String]) throws {
        if let place = statement.place {
            guard try transaction.current(place.kind, place.name)?.statement == statement.predecessor?.bytes else {
                return try outrun(hash)
            }
            try transaction.activate(
                place.kind, place.name, statement: hash.bytes, replacing: statement.predecessor?.bytes)
            try outrunOthers(place)
        } else {
            try transaction.setStatus(of: hash.bytes, to: .active)
        }
        try transaction.log(
            .activation, subject: hash.description, actor: actor(keys),
            detail: [
                "type": .string(statement.kind.rawValue), "namespace": .string(statement.namespace),
                "about": .string(statement.storedSubject),
            ])
        try takeEffect(actor(keys))
    }

    private func takeEffect(_ actor: String) throws {
        switch statement.content {
        case .asset(let asset): try settleKey(of: asset, actor)
        case .withdraw(let name):
            try transaction.revokeLeases(
                of: "\(statement.namespace)/\(name)",
                because: Revocation(
                    "asset.exists", expected: "\(statement.namespace)/\(name), not withdrawn",
                    found: "withdrawn by \(hash)"), actor: actor)
            try transaction.log(.withdrawal, subject: "\(statement.namespace)/\(name)", actor: actor)
        case .stop(let stop):
            let (scope, name) = place(of: stop)
            try transaction.stop(scope, name, by: hash.bytes, because: stop.reason, actor: actor)
        case .resume(let lifted):
            guard let old = try activeStop(lifted) else {
                throw ManagerError(.conflict, "the stop \(lifted) does not count any more")
            }
            try transaction.setStatus(of: lifted.bytes, to: .replaced)
            let (scope, name) = place(of: old.stop)
            // Another stop of the same may stand, of the same owner or of another.
            let others = try transaction.activeStops().filter { other in
                other.stop.scope == old.stop.scope && (other.namespace == old.namespace || scope == .run)
            }
            if others.isEmpty { try transaction.resume(scope, name, by: hash.bytes, actor: actor) }
        case .standby(let standby):
            try transaction.settleStandby(standby.sealingKey, actor: actor)
            guard let old = try statement.predecessor.flatMap({ try transaction.parsed($0.bytes) }),
                case .standby(let before) = old.content
            else { return }
            try transaction.settleStandby(before.sealingKey, actor: actor)
        case .namespace, .policy, .approval, .veto, .platform: return
        }
    }

    /// Where the store has a stop.
    private func place(of stop: Statement.Stop) -> (StopScope, String) {
        switch stop.scope {
        case .namespace: (.namespace, statement.namespace)
        case .asset(let name): (.asset, "\(statement.namespace)/\(name)")
        case .run(let run): (.run, run.description)
        }
    }

    /// Puts the key of an asset that counts from now on in its place.
    private func settleKey(of asset: Asset, _ actor: String) throws {
        let (place, name) = (PolicyManager.assetKeys, asset.name.description)
        let waiting = try transaction.key(Self.waitingKeys, hash.description, in: transaction.vault)
        try transaction.removeKey(Self.waitingKeys, hash.description)
        guard try !transaction.hasKey(place, name) else { return }
        switch asset.secret {
        case .none: return
        case .generated: try transaction.setKey(SecretBytes.random(32), place, name)
        case .uploaded:
            guard let waiting else {
                throw ManagerError(.conflict, "the key of \(name) is not here any more: upload it with the statement")
            }
            try transaction.setKey(waiting, place, name)
        }
        try transaction.log(.key, subject: name, actor: actor, detail: ["statement": .string(hash.description)])
    }

    /// Turns down what wanted the place that this statement took.
    private func outrunOthers(_ place: (kind: String, name: String)) throws {
        for status in [StatementRecord.Status.pending, .locked] {
            for record in try transaction.statements(status)
            where record.hash != hash.bytes && record.namespace == statement.namespace {
                guard let other = try transaction.parsed(record.hash), let otherPlace = other.place,
                    otherPlace == place, let otherHash = StatementHash(bytes: record.hash)
                else { continue }
                try outrun(otherHash)
            }
        }
    }

    private func outrun(_ other: StatementHash) throws {
        try transaction.setStatus(of: other.bytes, to: .outrun)
        try transaction.removeKey(Self.waitingKeys, other.description)
        try transaction.log(
            .rejection, subject: other.description, actor: "service",
            detail: ["reason": "another statement took its place"])
    }
}

extension Statement {
    /// Where the store has what this statement is about; `nil` where nothing is replaced.
    var place: (kind: String, name: String)? {
        switch subject {
        case .namespace: ("namespace", namespace)
        case .policy(let name): ("policy", "\(namespace)/\(name)")
        case .asset(let name): ("asset", "\(namespace)/\(name)")
        case .platform(let id): ("platform", "\(namespace)/\(id.hexadecimal)")
        case .standby(let name): ("standby", "\(namespace)/\(name)")
        case nil: nil
        }
    }

    /// What the store finds the statement by, beside its type and its namespace.
    var storedSubject: String {
        switch content {
        case .approval(let subject), .veto(let subject): subject.description
        case .resume(let stop): stop.description
        case .stop(let stop):
            switch stop.scope {
            case .namespace: "namespace/\(namespace)"
            case .asset(let name): "asset/\(name)"
            case .run(let run): "run/\(run)"
            }
        default: subject?.description ?? ""
        }
    }
}
