internal import Crypto
internal import PliniusPolicy
internal import PliniusVerifier
internal import PliniusWire

/// Evidence that every owner was convinced by, and what its keys are released by.
struct GoodEvidence: Sendable {
    let request: KeyRequest
    let evidence: VerifiedEvidence
    /// What each use that was asked found, by the policy's digest and the use's number in it.
    let judgements: [JudgedUse: Judgement]
    /// ``Transcript/bytes`` up to the evidence.
    let transcript: [UInt8]
    let facts: LeaseFacts
    let expires: Instant
}

/// A use of one version of a policy.
struct JudgedUse: Hashable, Sendable {
    let policy: [UInt8]
    let use: String
}

extension PolicyManager {
    /// Judges evidence by the policies of all owners.
    ///
    /// The same evidence for the same challenge has one result, however often it comes.
    /// - Parameters:
    ///   - cookie: What came back from the exchange's request before.
    ///   - presentation: The enclave's frame.
    /// - Throws: ``ManagerError``, or ``Refusal`` with every finding; a lease whose environment has changed is revoked then.
    public func attest(cookie: [UInt8], presentation bytes: [UInt8]) async throws -> JudgedExchange {
        let now = now
        let state = try ExchangeState(opening: cookie, with: store.vault, at: now)
        let registry = try registry()
        let leased = try state.request.lease.map { id in
            try LeaseFacts(decoding: try store.read { try $0.lease(id)?.facts ?? [] })
        }
        let judged = try await Self.judge(
            bytes, state, registry, context: Context(now: now, collateral: collateral), leased)
        let request = state.request
        let failed = judged.bound.first { $0.outcome == .failed }
        let all = judged.bound + judged.decision.findings
        guard failed == nil, judged.decision.isGranted, let evidence = judged.evidence else {
            let failure = failed?.firstFailure ?? judged.decision.firstFailure
            let refusal = Refusal(failure, among: all)
            let ends = leased.map { judged.ends(leaseOf: $0, refusal) } ?? false
            try refuse(request, refusal, revoking: ends ? request.lease : nil)
            throw refusal
        }
        let facts = LeaseFacts(evidence, for: request)
        if let change = leased?.change(to: facts) {
            let refusal = Refusal(.forbidden, change.check, expected: change.expected, found: change.found)
            // Good evidence of another machine says nothing of the leased one.
            try refuse(request, refusal, revoking: change.check == "lease.platform" ? nil : request.lease)
            throw refusal
        }
        do { try checkState(evidence.runtimeData, request) } catch let refusal as Refusal {
            // Whoever brings an older state, or another, is told of to the owners.
            try refuse(request, refusal, revoking: nil)
            throw refusal
        }
        let result = Array(HMAC<SHA256>.authenticationCode(for: judged.transcript, using: resultKey))
        let expires = Instant(seconds: now.seconds + options.resultLife)
        results = results.filter { $0.value.expires > now }
        guard results[result] != nil || results.count < options.maximumResults else {
            throw ManagerError(.limited, "as many results as are remembered wait for their release: try again")
        }
        results[result] = GoodEvidence(
            request: request, evidence: evidence, judgements: judged.judgements, transcript: judged.transcript,
            facts: facts, expires: expires)
        return JudgedExchange(result: result, decision: judged.decision, expires: expires)
    }

    /// What judging finds out.
    private struct Judged: Sendable {
        /// What the enclave says of itself, held against what was asked for.
        var bound: [Finding]
        var decision: Decision
        var judgements: [JudgedUse: Judgement]
        var transcript: [UInt8]

        /// What keys are sealed to, as the uses that permit have verified it; one that read the list of files knows where it ends.
        var evidence: VerifiedEvidence? {
            let all = decision.permissions.compactMap { permission in
                judgements[JudgedUse(policy: permission.policyDigest, use: permission.counter.use)]?.verdict.evidence
            }
            return all.first { ($0.claims[.tpm] as? TPMClaims)?.imaState != nil } ?? all.first
        }

        /// Whether a refusal ends the lease now, and not when its time is over: its environment has changed, or an owner's mind.
        ///
        /// What anybody could bring about who knows the lease's name does not.
        func ends(leaseOf facts: LeaseFacts, _ refusal: Refusal) -> Bool {
            let failed = judgements.values.filter { !$0.verdict.hasPassed }
            guard failed.isEmpty else { return failed.contains { $0.verdict.isAuthentic(for: facts) } }
            return !bound.contains { $0.outcome == .failed } && !refusal.check.hasPrefix("request.")
        }
    }

    /// Judges away from the actor: logs of machines take a while.
    @concurrent private static func judge(
        _ bytes: [UInt8], _ state: ExchangeState, _ registry: Registry, context: Context, _ leased: LeaseFacts?
    ) async throws -> Judged {
        let (message, frame) = try ExchangeState.message(bytes)
        guard case .presentation(let presentation) = message else {
            throw Refusal(.malformed, "exchange.order", expected: "evidence", found: "something else")
        }
        let issued = try state.issuedChallenge()
        var transcript = Transcript(resuming: state.transcript)
        var activated: ActivatedKey?
        do throws(EvidenceError) {
            activated = try state.pending.flatMap { kept throws(EvidenceError) in
                try PendingActivation(kept).key(provenBy: presentation.activation, over: transcript)
            }
        } catch { throw Refusal(error) }
        transcript.append(frame)
        let data: RuntimeData
        do throws(WireError) { data = try RuntimeData(decoding: presentation.bundle.runtimeData) } catch {
            throw Refusal(
                .forbidden, "bundle.format", expected: "runtime data of version \(RuntimeData.currentVersion)",
                found: "\(error)")
        }
        let request = state.request.request(isNew: data.isNewRun)
        var bound = request.findings(about: data, in: registry)
        let lease = state.request.lease ?? []
        bound.append(
            Finding(
                check: "lease.id", outcome: data.leaseID == lease ? .passed : .failed,
                expected: lease.isEmpty ? "no lease" : lease.hexadecimal,
                found: data.leaseID.isEmpty ? "no lease" : data.leaseID.hexadecimal, policyLine: nil, parts: []))
        var judgements: [JudgedUse: Judgement] = [:]
        let decision = Evaluator.decide(request, in: registry, at: context.now) { policy, use in
            var environment = use.policy(for: request, in: registry)
            leased?.carryOn(in: &environment)
            var context = context
            context.anchors.endorsement += environment.endorsementAnchors?.value ?? []
            context.anchors.endorsement += context.collateral.endorsementAuthorities
            context.anchors.simulated += environment.simulatedAnchors?.value ?? []
            let verdict = UnverifiedEvidence(presentation.bundle).verdict(
                under: environment, for: issued, activated: activated, in: context)
            let judgement = Judgement(verdict)
            judgements[JudgedUse(policy: policy.digest, use: use.id)] = judgement
            return judgement
        }
        return Judged(bound: bound, decision: decision, judgements: judgements, transcript: transcript.bytes)
    }

    /// Logs that keys were asked for in vain; ends a lease whose environment has changed.
    private func refuse(_ request: KeyRequest, _ refusal: Refusal, revoking lease: [UInt8]?) throws {
        let run = Run(asset: request.output, name: request.run)?.description ?? request.output.description
        var detail: [String: CanonicalJSON] = [
            "check": .string(refusal.check), "expected": .string(String(refusal.expected.prefix(512))),
            "found": .string(String(refusal.found.prefix(512))), "purpose": .string("\(request.purpose)"),
        ]
        if !refusal.findings.isEmpty { detail["verdict"] = VerdictRecord.json(refusal.findings) }
        try store.write(at: now) { transaction in
            try transaction.log(.refusal, subject: run, actor: "enclave", detail: detail)
            guard let lease, try transaction.lease(lease)?.state == .live else { return }
            try transaction.revoke(
                lease, because: Revocation(refusal.check, expected: refusal.expected, found: refusal.found),
                actor: "service")
        }
    }

    /// Holds the state that the enclave was given against the newest that is known.
    private func checkState(_ data: RuntimeData, _ request: KeyRequest) throws {
        guard let run = request.request(isNew: data.isNewRun).mirroredRun else { return }
        let known = try store.read { try $0.state(of: run.description) }
        try Self.checkState(data.state.map { RunState(counter: $0.counter, tag: $0.tag) }, against: known)
    }

    /// - Throws: ``Refusal`` with the check `state.rollback` or `state.fork`.
    static func checkState(_ given: RunState?, against known: RunState?) throws {
        guard let known else { return }
        guard let given, given.counter >= known.counter else {
            throw Refusal(
                .forbidden, "state.rollback", expected: "a mirror of count \(known.counter) or later",
                found: given.map { "one of count \($0.counter)" } ?? "none")
        }
        guard given.counter > known.counter || given.tag == known.tag else {
            throw Refusal(
                .forbidden, "state.fork", expected: "the mirror \(known.tag.hexadecimal) of count \(known.counter)",
                found: "another, \(given.tag.hexadecimal)")
        }
    }
}
