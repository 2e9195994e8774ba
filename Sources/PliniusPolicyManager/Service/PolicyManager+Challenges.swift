internal import PliniusPolicy
internal import PliniusVerifier
internal import PliniusWire

extension PolicyManager {
    /// Begins an exchange with an enclave that wants keys; nothing is stored.
    /// - Throws: ``ManagerError`` or ``Refusal``: nobody has stated an asset, nothing governs one, or the lease is not live.
    public func challenge(_ request: KeyRequest) throws -> BegunExchange {
        let registry = try registry()
        let now = now
        guard Run.isName(request.run), (0...Request.maximumDatasets).contains(request.datasets.count) else {
            throw Refusal(
                .malformed, "request.roles",
                expected: "a run's name of 1 to 64 bytes, and at most \(Request.maximumDatasets) data sets",
                found: "\(request.run.utf8.count) bytes, and \(request.datasets.count) data sets")
        }
        guard request.namesItsRun else {
            throw Refusal(
                .malformed, "request.roles", expected: "the model as the output, since nothing else comes out",
                found: "\(request.output)")
        }
        let asked = request.request(isNew: true)
        for name in asked.assets where registry.assets[name] == nil {
            throw Refusal(
                .notFound, "asset.exists", expected: "an asset that its owner has stated, \(name)",
                found: registry.withdrawn.contains(name) ? "withdrawn" : "none")
        }
        let names = Set(registry.closure(of: asked.assets).compactMap { registry.assets[$0]?.policy }).sorted()
        let uses = names.map { name in
            registry.policies[name]?.uses.filter { $0.purpose.value == request.purpose } ?? []
        }
        let kinds = Self.kinds(uses)
        let facts = try request.lease.map { try leased($0, by: request) }
        let issued = IssuedChallenge(
            wanted: kinds.sorted { $0.rawValue < $1.rawValue },
            imaStart: UInt64(facts?.ima?.nextStart ?? 0),
            enrols: facts == nil && uses.joined().contains { $0.evidence == kinds && $0.needsActivation }, now: now,
            life: options.challengeLife)
        let frame = OwnerMessage.challenge(issued.challenge).frame
        let cookie = try ExchangeState(request: request, issued: issued, frame: frame).sealed(by: store.vault)
        let policies = try store.read { view in
            try names.reduce(into: [:]) { $0[$1] = try view.current("policy", $1.description)?.statement }
        }
        return BegunExchange(
            challenge: frame.encoded, cookie: cookie,
            expires: Instant(seconds: now.seconds + options.challengeLife),
            wanted: kinds.sorted { $0.rawValue < $1.rawValue }, policies: policies)
    }

    /// The kinds of evidence that suit every owner; of several choices the one with the most kinds, and all that anybody wants if nothing
    /// suits all.
    private static func kinds(_ uses: [[OwnerPolicy.Use]]) -> Set<Evidence.Kind> {
        let choices = uses.filter { !$0.isEmpty }.map { Set($0.map(\.evidence)) }
        let common = choices.dropFirst().reduce(choices.first ?? []) { $0.intersection($1) }
        func rank(_ kinds: Set<Evidence.Kind>) -> [Int] { [kinds.count] + kinds.map { Int($0.rawValue) }.sorted() }
        return common.max { rank($0).lexicographicallyPrecedes(rank($1)) }
            ?? choices.joined().reduce(into: []) { $0.formUnion($1) }
    }

    /// What a live lease holds on to.
    private func leased(_ id: [UInt8], by request: KeyRequest) throws -> LeaseFacts {
        let lease = try store.read { view in
            guard let lease = try view.lease(id) else {
                throw ManagerError(.notFound, "there is no lease \(id.hexadecimal)")
            }
            return lease
        }
        guard lease.state == .live, now < lease.expires else {
            throw Refusal(
                .forbidden, "lease.live", expected: "a lease that is live",
                found: lease.reason ?? "one that ended at \(lease.expires)")
        }
        let facts = try LeaseFacts(decoding: lease.facts)
        var granted = facts.request
        granted.lease = id
        guard granted == request else {
            throw Refusal(
                .forbidden, "lease.request", expected: "the assets and the run that the lease was granted for",
                found: "others")
        }
        return facts
    }

    /// Wraps a secret for the TPM whose keys an enclave has named.
    /// - Parameters:
    ///   - cookie: What ``challenge(_:)`` returned.
    ///   - enrolment: The enclave's frame.
    /// - Returns: A frame for the enclave, and what comes back next.
    /// - Throws: ``ManagerError`` or ``Refusal``.
    public func enrol(cookie: [UInt8], enrolment bytes: [UInt8]) throws -> (credential: [UInt8], cookie: [UInt8]) {
        var state = try ExchangeState(opening: cookie, with: store.vault, at: now)
        let (message, frame) = try ExchangeState.message(bytes)
        guard case .enrolment(let enrolment) = message, state.pending == nil,
            try state.issuedChallenge().challenge.enrols
        else {
            throw Refusal(
                .malformed, "exchange.order", expected: "evidence, or an enrolment that was asked for, once",
                found: "something else")
        }
        let pending: PendingActivation
        do throws(EvidenceError) { pending = try PendingActivation(enrolment) } catch { throw Refusal(error) }
        let credential = OwnerMessage.credential(pending.credential).frame
        var transcript = Transcript(resuming: state.transcript)
        transcript.append(frame)
        transcript.append(credential)
        state.transcript = transcript.bytes
        state.pending = pending.kept
        return (credential.encoded, try state.sealed(by: store.vault))
    }
}
