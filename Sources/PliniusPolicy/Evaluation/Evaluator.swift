public import PliniusVerifier
import PliniusWire

/// Decides about requests: every owner of what takes part, and of what that was made from, has to permit.
///
/// | Check | What has to hold |
/// |---|---|
/// | `request.roles` | the purpose has the data sets, the model and the output that it needs, and no others |
/// | `request.run` | a run that begins has not begun, one that goes on has; of what infers, the model's |
/// | `request.closure` | what takes part was made from a number of assets that can be looked at |
/// | `request.lineage` | what comes out says that it is made from what goes in, so that later uses ask the same owners |
/// | `asset.exists` | its owner has stated the asset, and has not withdrawn it |
/// | `asset.kind` | it can be what the request uses it as |
/// | `asset.stopped` | its owner has stopped neither everything, nor the asset, nor the run |
/// | `asset.policy` | it has a policy of its owner's that counts |
/// | `use.purpose` | the use is for the request's purpose |
/// | `use.partners` | every asset is the owner's or one of those that may take part |
/// | `use.outcome` | what comes out belongs to whom the use says |
/// | `use.runs` | the run is one that was counted, or there is one left |
/// | `use.window` | it is time |
/// | `use.level` | the evidence proves the surroundings; its parts are the checks of the evidence |
/// | `use.regions` | somebody whom the use names vouches for where the machine stands |
/// | `terms.executor` | the uses that permit, as far as they name an executor, name the same |
public enum Evaluator {
    /// How many assets may take part, what they were made from included.
    public static let maximumAssets = 1024

    /// Decides; whatever the request is, there is a decision.
    /// - Parameters:
    ///   - registry: What owners have stated.
    ///   - now: The instant to decide at.
    ///   - judge: Judges the evidence by a use's environment, ``OwnerPolicy/Use/policy(for:in:)``; asked once everything else holds, the
    ///     region excepted, which rests on its answer.
    ///
    /// O(assets · uses), beside the judgements.
    public static func decide(
        _ request: Request, in registry: Registry, at now: Instant,
        judge: (OwnerPolicy, OwnerPolicy.Use) -> Judgement
    ) -> Decision {
        let taking = registry.closure(of: request.assets)
        var examination = Examination()
        _ = examination.group("request") { inner throws(EvidenceError) in
            examine(request, registry, taking.count, &inner)
        }
        // What cannot be looked at to its end is not looked at.
        let assets = taking.count > maximumAssets ? [] : taking
        for name in assets {
            _ = examination.group("asset[\(name)]") { inner throws(EvidenceError) in
                examine(name, request, registry, &inner)
            }
        }
        let policies = Set(assets.compactMap { registry.assets[$0]?.policy }).sorted()
        let question = Question(request: request, registry: registry, assets: assets, now: now)
        var permissions: [Decision.Permission] = []
        var terms: LeaseTerms?
        var executors: [NamedExecutor] = []
        for name in policies {
            guard let policy = registry.policies[name] else { continue }
            let answer = question.ask(policy, judge)
            examination.append(answer.finding)
            guard let permission = answer.permission, let own = answer.terms else { continue }
            permissions.append(permission)
            terms = terms.map { $0.intersection(own) } ?? own
            if let executor = answer.executor { executors.append(NamedExecutor(policy: name, executor: executor)) }
        }
        examine(executors, &examination)
        let isGranted = examination.hasPassed && !permissions.isEmpty
        return Decision(
            findings: examination.findings, permissions: isGranted ? permissions : [], assets: assets,
            terms: isGranted ? terms : nil, executor: isGranted ? executors.first?.executor.value : nil)
    }
}

/// What an owner's use says of the executor.
private struct NamedExecutor {
    let policy: ScopedName
    let executor: Setting<GrantTerms.Executor>

    var description: String { "\(executor.value) by \(policy), \(executor.line)" }
}

/// Checks that owners who name an executor name the same; a refusal tells the lines of two who do not.
private func examine(_ named: [NamedExecutor], _ examination: inout Examination) {
    guard let first = named.first else { return }
    let other = named.first { $0.executor.value != first.executor.value }
    examination.check(
        "terms.executor", other == nil, expected: "one executor, the same for all owners who name one",
        found: [first, other].compactMap { $0?.description }.joined(separator: "; "),
        askedBy: (other ?? first).executor.line)
}

extension Registry {
    /// Assets, and everything that they were made from, in order; one more than can be looked at where there are more.
    public func closure(of assets: [ScopedName]) -> [ScopedName] {
        var seen = Set(assets)
        var open = assets
        while let name = open.popLast(), seen.count <= Evaluator.maximumAssets {
            for source in self.assets[name]?.lineage ?? [] where seen.insert(source).inserted { open.append(source) }
        }
        return Array(seen.sorted().prefix(Evaluator.maximumAssets + 1))
    }
}

// MARK: - The request and its assets

private func list(_ names: some Sequence<ScopedName>) -> String {
    let names = names.map(\.description).sorted()
    return names.isEmpty ? "none" : names.joined(separator: ", ")
}

private func examine(_ request: Request, _ registry: Registry, _ assetCount: Int, _ examination: inout Examination) {
    let roles = request.demandedRoles
    examination.check(
        "request.roles", roles.holds, expected: roles.text,
        found: "\(request.datasets.count) data sets, \(request.model == nil ? "no" : "a") model, "
            + "\(request.output == nil ? "no" : "an") output")
    let hasBegun = request.mirroredRun.map { registry.begun.contains($0) }
    examination.check(
        "request.run", hasBegun.map { $0 != request.isNew } ?? false,
        expected: request.isNew ? "a run that has not begun" : "a run that has begun",
        found: hasBegun.map { $0 ? "one that has begun" : "one that has not" } ?? "no run of this name")
    examination.check(
        "request.closure", assetCount <= Evaluator.maximumAssets,
        expected: "at most \(Evaluator.maximumAssets) assets, with those that they were made from",
        found: assetCount > Evaluator.maximumAssets ? "more" : "\(assetCount)")
    guard let output = request.output else {
        examination.check(
            "request.lineage", true, expected: "the sources of what comes out", found: "nothing comes out")
        return
    }
    let sources = Set(request.datasets + [request.model].compactMap { $0 }).subtracting([output])
    let missing = sources.subtracting(registry.closure(of: [output]))
    examination.check(
        "request.lineage", missing.isEmpty, expected: "\(output), made from \(list(sources))",
        found: missing.isEmpty ? "made from these" : "not made from \(list(missing)), as its owner has it")
}

extension Request {
    /// What the purpose needs.
    fileprivate var demandedRoles: (holds: Bool, text: String) {
        let hasData = (1...Self.maximumDatasets).contains(datasets.count) && Set(datasets).count == datasets.count
        let data = "1 to \(Self.maximumDatasets) data sets, each once"
        return switch purpose {
        case .train: (hasData && output != nil, "\(data), and the model that comes out")
        case .test, .infer: (hasData && model != nil, "\(data), and a model")
        case .export: (datasets.isEmpty && model != nil, "a model, and no data sets")
        }
    }

    /// What an asset is used as: each time the kinds that it may have.
    fileprivate func kinds(of name: ScopedName) -> [Set<Asset.Kind>] {
        var kinds: [Set<Asset.Kind>] = []
        if datasets.contains(name) { kinds.append([.dataset, .input]) }
        if config == name { kinds.append([.config]) }
        if model == name { kinds.append([.model]) }
        if output == name { kinds.append(purpose == .train ? [.model] : [.model, .output]) }
        return kinds
    }
}

private func examine(
    _ name: ScopedName, _ request: Request, _ registry: Registry, _ examination: inout Examination
) {
    let asset = registry.withdrawn.contains(name) ? nil : registry.assets[name]
    examination.check(
        "asset.exists", asset != nil, expected: "an asset that its owner has stated, \(name)",
        found: asset != nil ? "stated" : registry.withdrawn.contains(name) ? "withdrawn" : "none")
    guard let asset else { return }
    for kinds in request.kinds(of: name) {
        examination.check(
            "asset.kind", kinds.contains(asset.kind),
            expected: kinds.map(\.rawValue).sorted().joined(separator: " or "), found: asset.kind.rawValue)
    }
    let stop = registry.stops.first { $0.concerns(name, request.run) }
    examination.check(
        "asset.stopped", stop == nil, expected: "no stop by \(name.namespace)",
        found: stop.map { "\($0.stop.scope.description), stopped by \($0.statement): \($0.stop.reason)" } ?? "none")
    let isOwn = asset.policy?.namespace == name.namespace
    examination.check(
        "asset.policy", isOwn && asset.policy.map { registry.policies[$0] != nil } ?? false,
        expected: "a policy of \(name.namespace) that counts",
        found: asset.policy.map { isOwn && registry.policies[$0] == nil ? "\($0), which does not count" : "\($0)" }
            ?? "none")
}

extension Registry.ActiveStop {
    /// Whether it holds up what an asset takes part in.
    public func concerns(_ asset: ScopedName, _ run: Run?) -> Bool {
        guard asset.namespace == namespace else { return false }
        return switch stop.scope {
        case .namespace: true
        case .asset(let name): name == asset.name
        case .run(let stopped): stopped == run
        }
    }
}

extension Statement.Stop.Scope: CustomStringConvertible {
    public var description: String {
        switch self {
        case .namespace: "everything"
        case .asset(let name): "the asset \(name)"
        case .run(let run): "the run \(run)"
        }
    }
}

// MARK: - The policies

/// What every owner is asked.
private struct Question {
    let request: Request
    let registry: Registry
    let assets: [ScopedName]
    let now: Instant

    /// Goes through the uses until one permits.
    func ask(
        _ policy: OwnerPolicy, _ judge: (OwnerPolicy, OwnerPolicy.Use) -> Judgement
    ) -> (
        finding: Finding, permission: Decision.Permission?, terms: LeaseTerms?,
        executor: Setting<GrantTerms.Executor>?
    ) {
        var examination = Examination()
        var permission: Decision.Permission?
        var terms: LeaseTerms?
        var executor: Setting<GrantTerms.Executor>?
        for use in policy.uses {
            let counter = Registry.Counter(policy: policy.name.value, use: use.id)
            let permits: Void? = examination.group("use[\(use.id)]") { inner throws(EvidenceError) in
                examine(use, of: policy, counter, &inner)
                guard inner.hasPassed else { return }
                examine(use, judge(policy, use), &inner)
            }
            guard permits != nil else { continue }
            let isCounted = request.run.map { !(registry.runs[counter] ?? []).contains($0) } ?? true
            permission = Decision.Permission(
                counter: counter, policyDigest: policy.digest, level: use.level.value, isCounted: isCounted)
            terms = use.terms(at: now)
            executor = use.executor
            break
        }
        let finding = Finding(
            check: "policy[\(policy.name.value)]", outcome: permission == nil ? .failed : .passed, expected: "",
            found: "", policyLine: nil, parts: examination.findings)
        return (finding, permission, terms, executor)
    }

    private func examine(
        _ use: OwnerPolicy.Use, of policy: OwnerPolicy, _ counter: Registry.Counter, _ examination: inout Examination
    ) {
        examination.check(
            "use.purpose", use.purpose.value == request.purpose, expected: "\(use.purpose.value)",
            found: "\(request.purpose)", askedBy: use.purpose.line)
        let strangers = assets.filter { name in
            name.namespace != policy.name.value.namespace && !use.partners.value.contains { $0.matches(name) }
        }
        let partners = use.partners.value.map(\.description)
        examination.check(
            "use.partners", strangers.isEmpty,
            expected: (["\(policy.name.value.namespace)/*"] + partners).joined(separator: ", "),
            found: strangers.isEmpty ? "no others" : list(strangers), askedBy: use.partners.line)
        examination.check(
            "use.outcome", request.output.map { $0.namespace == use.outcome.value } ?? true,
            expected: "\(use.outcome.value)/*", found: request.output?.description ?? "nothing comes out",
            askedBy: use.outcome.line)
        let runs = registry.runs[counter] ?? []
        let isKnown = request.run.map { runs.contains($0) } ?? false
        examination.check(
            "use.runs", isKnown || use.runs.value.map { runs.count < $0 } ?? true,
            expected: use.runs.value.map { "at most \($0) runs" } ?? "any number of runs",
            found: isKnown ? "a run that was counted" : "\(runs.count) before this one", askedBy: use.runs.line)
        let window = use.window.value
        examination.check(
            "use.window", window?.contains(now) ?? true,
            expected: window.map { "from \($0.from) until \($0.until)" } ?? "always", found: "\(now)",
            askedBy: use.window.line)
    }

    private func examine(_ use: OwnerPolicy.Use, _ judgement: Judgement, _ examination: inout Examination) {
        let level = use.level.value
        let passed: Finding.Outcome = level == .test ? .tolerated : .passed
        examination.append(
            Finding(
                check: "use.level", outcome: judgement.verdict.hasPassed ? passed : .failed,
                expected: "evidence for the level \(level.rawValue)",
                found: level == .test
                    ? "the level test, at which nothing protects" : judgement.verdict.refusal ?? "evidence",
                policyLine: use.level.line, parts: judgement.verdict.findings))
        let vouched = judgement.platforms.reduce(into: Set<ScopedName>()) {
            $0.formUnion(registry.platforms[$1] ?? [])
        }
        examination.check(
            "use.regions", use.regions.value.map { !$0.isDisjoint(with: vouched) } ?? true,
            expected: use.regions.value.map { list($0) } ?? "any region", found: list(vouched),
            askedBy: use.regions.line)
    }
}

extension OwnerPolicy.Use {
    /// No lease outlasts the window.
    fileprivate func terms(at now: Instant) -> LeaseTerms {
        var terms = lease.value
        if let window = window.value {
            terms.seconds = UInt32(clamping: min(Int64(terms.seconds), window.until.seconds - now.seconds))
        }
        return terms
    }
}
