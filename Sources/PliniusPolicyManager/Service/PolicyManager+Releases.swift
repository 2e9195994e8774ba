internal import Crypto
internal import FoundationEssentials
internal import PliniusPolicy
internal import PliniusSealing
internal import PliniusVerifier
internal import PliniusWire

extension PolicyManager {
    /// Seals the keys to the enclave whose evidence was found good, and gives it a lease.
    ///
    /// Owners are asked anew, since they may have changed their minds. The same result brings the same keys under the same lease.
    /// - Parameter result: What ``attest(cookie:presentation:)`` returned.
    /// - Throws: ``ManagerError`` or ``Refusal``.
    public func release(result: [UInt8]) throws -> Release {
        let now = now
        let request = Array(SHA256.hash(data: result))
        if let kept = try store.read({ try $0.answer(to: request, at: now) }) {
            return try release(try ReleasedKeys(decoding: kept))
        }
        guard let good = results[result], now < good.expires else {
            throw ManagerError(
                .forbidden, "the result is not known, or its time is over: have the enclave attested anew")
        }
        let registry = try registry()
        let released = try store.write(at: now) { transaction in
            let released = try release(good, registry, in: transaction)
            try transaction.setAnswer(
                try released.encoded(), to: request, until: Instant(seconds: now.seconds + options.resultLife))
            return released
        }
        results[result] = nil
        return try release(released)
    }

    /// What a release was, for a request that comes again.
    private struct ReleasedKeys: Codable {
        var grant: [UInt8]
        var lease: [UInt8]
        /// The place of its entry in the log.
        var entry: Int

        init(grant: [UInt8], lease: [UInt8], entry: Int) {
            self.grant = grant
            self.lease = lease
            self.entry = entry
        }

        init(decoding bytes: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) }

        func encoded() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }
    }

    private func release(_ released: ReleasedKeys) throws -> Release {
        try store.read { view in
            guard let lease = try view.lease(released.lease) else {
                throw ManagerError(.integrity, "the store lacks the lease \(released.lease.hexadecimal): restore it")
            }
            return Release(grant: released.grant, lease: lease, receipt: try view.receipt(for: released.entry))
        }
    }

    private func release(
        _ good: GoodEvidence, _ registry: Registry, in transaction: StoreTransaction
    ) throws -> ReleasedKeys {
        let data = good.evidence.runtimeData
        let request = good.request.request(isNew: data.isNewRun)
        var hasChanged = false
        let decision = Evaluator.decide(request, in: registry, at: transaction.now) { policy, use in
            if let judgement = good.judgements[JudgedUse(policy: policy.digest, use: use.id)] { return judgement }
            // Nothing was shown to a policy that came since: it says no.
            hasChanged = true
            let nothing = UnverifiedEvidence(EvidenceBundle())
            return Judgement(
                nothing.verdict(under: use.policy(for: request, in: registry), in: Context(now: transaction.now)))
        }
        if hasChanged, !decision.isGranted {
            throw Refusal(
                .conflict, "policy.version", expected: "the policies that the evidence was judged by",
                found: "others, which came since: have the enclave attested anew")
        }
        guard let terms = decision.terms, let run = request.run, let mirrored = request.mirroredRun else {
            throw Refusal(decision.firstFailure, among: decision.findings)
        }
        for permission in decision.permissions where permission.isCounted {
            let limit = registry.policies[permission.counter.policy]?.uses
                .first { $0.id == permission.counter.use }?.runs.value
            try transaction.begin(
                run.description, policy: permission.counter.policy.description, use: permission.counter.use,
                limit: limit)
        }
        let floor = try moveState(of: mirrored, to: data.state, in: transaction)
        let (ids, keys) = try self.keys(for: request, registry, in: transaction)
        let id = good.request.lease ?? randomBytes(LeaseRecord.idByteCount)
        let receiptKey = randomBytes(KeyGrant.keyByteCount)
        let sealed: SealedGrant
        do throws(EvidenceError) {
            sealed = try KeyGrant.seal(
                keys,
                under: GrantTerms(
                    purposes: [request.purpose], keys: ids,
                    lease: GrantTerms.Lease(id: id, seconds: terms.seconds, iterations: terms.iterations), floor: floor,
                    executor: decision.executor),
                receiptKey: receiptKey, to: good.evidence, over: Transcript(resuming: good.transcript))
        } catch { throw Refusal(error) }
        let frame = OwnerMessage.grant(sealed.grant).frame
        var transcript = Transcript(resuming: good.transcript)
        transcript.append(frame)
        var facts = good.facts
        facts.transcript = Array(SHA256.hash(data: transcript.bytes))
        try transaction.setKey(SecretBytes(receiptKey), Self.receiptKeys, id.hexadecimal)
        let entry = try grant(id, run, terms, facts, decision, isRenewal: good.request.lease != nil, in: transaction)
        return ReleasedKeys(grant: frame.encoded, lease: id, entry: entry.index)
    }

    /// Where the keys are kept that receipts are made with, by lease.
    static let receiptKeys = "receipt"
    /// Where the keys of assets are kept, by name.
    static let assetKeys = "asset"

    private func grant(
        _ id: [UInt8], _ run: Run, _ terms: LeaseTerms, _ facts: LeaseFacts, _ decision: Decision, isRenewal: Bool,
        in transaction: StoreTransaction
    ) throws -> AuditEntry {
        let actor = facts.platforms.first ?? facts.measurements.min { $0.key < $1.key }?.value ?? "enclave"
        guard !isRenewal else {
            // What owners allow may have become less, or more, since the lease began.
            try transaction.setTerms(of: id, seconds: terms.seconds, iterations: terms.iterations)
            return try transaction.renew(id, facts: try facts.encoded(), actor: actor).entry
        }
        let lease = LeaseRecord(
            id: id, run: run.description, purpose: "\(facts.request.purpose)", seconds: terms.seconds,
            iterations: terms.iterations, assets: Set(decision.assets.map(\.description)),
            facts: try facts.encoded(), at: transaction.now)
        let policies = decision.permissions.map { permission -> CanonicalJSON in
            [
                "policy": .string(permission.counter.policy.description), "use": .string(permission.counter.use),
                "digest": .string(permission.policyDigest.hexadecimal), "level": .string(permission.level.rawValue),
            ]
        }
        let measurements = facts.measurements.mapValues { CanonicalJSON.string($0) }
        return try transaction.grant(
            lease, actor: actor,
            detail: [
                "policies": .array(policies), "measurements": .object(measurements),
                "verdict": VerdictRecord.json(decision.findings),
            ])
    }

    /// Moves the run on to the state that the enclave was given, and gives what its mirror must have reached.
    private func moveState(of run: Run, to given: MirrorState?, in transaction: StoreTransaction) throws -> MirrorState?
    {
        let known = try transaction.state(of: run.description)
        let given = given.map { RunState(counter: $0.counter, tag: $0.tag) }
        try Self.checkState(given, against: known)
        if let given, given != known { try transaction.move(run.description, from: known, to: given, actor: "enclave") }
        return given.map { MirrorState(counter: $0.counter, tag: $0.tag) }
    }

    /// The keys of what takes part: of the model that comes out or is used, of each data set that has one, and of what is predicted.
    private func keys(
        for request: Request, _ registry: Registry, in transaction: StoreTransaction
    ) throws -> (ids: [GrantTerms.Key], keys: [[UInt8]]) {
        func key(_ name: ScopedName) throws -> [UInt8]? {
            let key = try transaction.key(Self.assetKeys, name.description, in: store.vault)
            return key.map { key in unsafe key.withBytes { unsafe Array($0) } }
        }
        func neededKey(_ name: ScopedName?) throws -> [UInt8] {
            if let name, let key = try key(name) { return key }
            throw Refusal(
                .conflict, "asset.key", expected: "a key of \(name?.description ?? "a model")",
                found: "none: its owner states the asset with a secret, or uploads it")
        }
        var ids = [GrantTerms.Key()]
        var keys = [try neededKey(request.purpose == .train ? request.output : request.model)]
        if request.purpose == .infer, request.output != request.model {
            ids.append(.predictions)
            keys.append(try neededKey(request.output))
        }
        for name in request.datasets {
            guard let identity = registry.assets[name]?.identityBytes, let key = try key(name) else { continue }
            ids.append(GrantTerms.Key(dataset: identity))
            keys.append(key)
        }
        return (ids, keys)
    }

    // MARK: - Renewals and receipts

    /// Judges evidence for a renewal, and renews the lease.
    /// - Throws: ``ManagerError`` or ``Refusal``.
    public func renew(lease: [UInt8], cookie: [UInt8], presentation: [UInt8]) async throws -> Release {
        let state = try ExchangeState(opening: cookie, with: store.vault, at: now)
        guard state.request.lease == lease else {
            throw Refusal(
                .malformed, "lease.id", expected: state.request.lease?.hexadecimal ?? "a challenge for a renewal",
                found: lease.hexadecimal)
        }
        return try release(result: try await attest(cookie: cookie, presentation: presentation).result)
    }

    /// Takes the enclave's confirmation that it opened the newest grant of a lease.
    /// - Throws: ``ManagerError`` or ``Refusal`` with the check `receipt.proof`.
    public func confirm(lease id: [UInt8], receipt bytes: [UInt8]) throws {
        let (message, _) = try ExchangeState.message(bytes)
        guard case .receipt(let receipt) = message else {
            throw Refusal(.malformed, "exchange.order", expected: "a receipt", found: "something else")
        }
        let (facts, key) = try leaseSecrets(id)
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                receipt.proof, authenticating: facts.transcript, using: SymmetricKey(data: key))
        else {
            throw Refusal(
                .forbidden, "receipt.proof", expected: "a proof with the key of the newest grant", found: "another")
        }
        try store.write(at: now) { transaction in
            let lease = try transaction.live(id)
            try transaction.log(
                .receipt, subject: lease.run, actor: "enclave", detail: ["lease": .string(id.hexadecimal)])
        }
    }

    /// What only the service and the enclave of a lease know.
    func leaseSecrets(_ id: [UInt8]) throws -> (facts: LeaseFacts, key: [UInt8]) {
        try store.read { view in
            guard let lease = try view.lease(id),
                let key = try view.key(Self.receiptKeys, id.hexadecimal, in: store.vault)
            else { throw ManagerError(.notFound, "there is no lease \(id.hexadecimal)") }
            return (try LeaseFacts(decoding: lease.facts), unsafe key.withBytes { unsafe Array($0) })
        }
    }

    /// The leases of a state, the newest first.
    public func leases(_ state: LeaseRecord.State, limit: Int = 200) throws -> [LeaseRecord] {
        try expireLeases()
        return try store.read { try $0.leases(state, limit: limit) }
    }

    /// Does what is due: leases end whose time is over, and statements count that have waited for theirs.
    public func keepHouse() throws {
        try settle()
        try expireLeases()
    }

    private func expireLeases() throws {
        let now = now
        guard try store.read({ try $0.hasExpiredLeases(at: now) }) else { return }
        try store.write(at: now) { try $0.expireLeases() }
    }
}
