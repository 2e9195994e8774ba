import PliniusPolicy
import PliniusVerifier
import PliniusWire
import Testing

@Suite("Decisions")
struct EvaluatorTests {
    /// A lab trains on two hospitals' scans, and everybody permits.
    struct World {
        var registry = Registry()
        var request: Request
        var now = Instant(2026, 7, 1)
        var passes = true
        var platforms: Set<[UInt8]> = [World.machine]

        static let machine = [UInt8](repeating: 7, count: 34)

        static func name(_ text: String) throws -> ScopedName { try #require(ScopedName(text)) }

        init() throws {
            let a = try Self.name("hospital-a/scans")
            let b = try Self.name("hospital-b/scans")
            let net = try Self.name("lab/net")
            let model = try Self.name("lab/model")
            request = Request(
                purpose: .train, datasets: [a, b], config: net, output: model, runName: "run 1", isNew: true)
            let policies = ["hospital-a": "training", "hospital-b": "training", "lab": "own"]
            for (asset, kind, identity) in [
                (a, .dataset, String(repeating: "0a", count: 16)), (b, .dataset, String(repeating: "0b", count: 16)),
                (net, .config, String(repeating: "0c", count: 32)), (model, .model, "run 1"),
            ] as [(ScopedName, Asset.Kind, String)] {
                registry.assets[asset] = Asset(
                    name: asset, kind: kind, identity: identity,
                    policy: ScopedName(namespace: asset.namespace, name: policies[asset.namespace] ?? ""),
                    lineage: kind == .model ? [a, b] : [])
            }
            for (namespace, name) in policies {
                var policy = TestPolicy()
                policy.name = "\(namespace)/\(name)"
                policy.uses[0]["partners"] = "[ \"hospital-a/*\", \"hospital-b/*\", lab/net, lab/model ]"
                policy.uses[0]["regions"] = "[ cloud/north ]"
                try add(policy)
            }
            registry.platforms = [Self.machine: [try Self.name("cloud/north")]]
        }

        mutating func add(_ policy: TestPolicy) throws {
            let read = try policy.policy
            registry.policies[read.name.value] = read
        }

        func decision() -> Decision {
            let judgement = judgement
            return Evaluator.decide(request, in: registry, at: now) { _, _ in judgement }
        }

        private var judgement: Judgement {
            let finding = Finding(
                check: "sgx.measurement", outcome: passes ? .passed : .failed, expected: "a", found: "b",
                policyLine: nil, parts: [])
            return Judgement(verdict: Verdict(findings: [finding], evidence: nil), platforms: platforms)
        }
    }

    @Test("Everybody permits: keys are released on the terms of the strictest")
    func granted() throws {
        var world = try World()
        var strict = TestPolicy()
        strict.name = "hospital-b/training"
        strict.uses[0]["partners"] = "\"*/*\""
        strict.uses[0]["regions"] = "any"
        strict.uses[0]["lease"] = "{ seconds: 90, iterations: 50 }"
        try world.add(strict)
        let decision = world.decision()
        #expect(decision.isGranted && decision.refusal == nil, "\(decision.refusal ?? "")")
        #expect(decision.terms == LeaseTerms(seconds: 60, iterations: 50))
        strict.uses[0]["lease"] = "{ seconds: 30, iterations: 200000 }"
        var other = world
        try other.add(strict)
        #expect(other.decision().terms == LeaseTerms(seconds: 30, iterations: 100_000))
        #expect(decision.owners == ["hospital-a", "hospital-b", "lab"] && decision.assets.count == 4)
        #expect(
            decision.permissions.map(\.counter.description) == [
                "hospital-a/training#train", "hospital-b/training#train", "lab/own#train",
            ])
        #expect(decision.permissions.allSatisfy { $0.isCounted && $0.level == .tee } && !decision.isForTests)
    }

    @Test("Owners who name an executor have to name the same; the refusal tells both lines")
    func executors() throws {
        func decide(_ named: [String: String]) throws -> Decision {
            var world = try World()
            for (name, executor) in named {
                var policy = TestPolicy()
                policy.name = name
                policy.uses[0]["partners"] = "\"*/*\""
                policy.uses[0]["regions"] = "any"
                policy.uses[0]["executor"] = executor
                try world.add(policy)
            }
            return world.decision()
        }
        let free = try decide([:])
        #expect(free.isGranted && free.executor == nil && !free.findings.contains { $0.check == "terms.executor" })
        for (word, executor) in [("reference", GrantTerms.Executor.reference), ("oneDNN", .oneDNN)] {
            for names in [["hospital-b/training"], ["hospital-a/training", "lab/own"]] {
                let decision = try decide(Dictionary(uniqueKeysWithValues: names.map { ($0, word) }))
                #expect(decision.isGranted && decision.executor == executor, "\(decision.refusal ?? "")")
                let check = decision.findings.first { $0.check == "terms.executor" }
                #expect(
                    check?.outcome == .passed && check?.found == "\(word) by \(names[0]), uses[0].executor (line 14)")
                #expect(check?.policyLine == PolicyLine("uses[0].executor", line: 14))
            }
        }
        let split = try decide(["hospital-a/training": "reference", "lab/own": "oneDNN"])
        #expect(!split.isGranted && split.executor == nil && split.terms == nil && split.permissions.isEmpty)
        #expect(split.firstFailure?.check == "terms.executor")
        #expect(
            split.firstFailure?.found == "reference by hospital-a/training, uses[0].executor (line 14); "
                + "oneDNN by lab/own, uses[0].executor (line 14)")
    }

    @Test("Each thing that is wrong is refused by its name")
    func refused() throws {
        let a = try World.name("hospital-a/scans")
        let model = try World.name("lab/model")
        func stop(_ namespace: String, _ scope: Statement.Stop.Scope) -> Registry.ActiveStop {
            Registry.ActiveStop(
                statement: StatementHash(of: []), namespace: namespace, stop: Statement.Stop(scope, reason: "a leak"))
        }
        func use(_ world: inout World, _ key: String, _ value: String?) throws {
            var policy = TestPolicy()
            policy.uses[0]["partners"] = "\"*/*\""
            policy.uses[0]["regions"] = "any"
            policy.uses[0][key] = value
            try world.add(policy)
        }
        let run = try #require(Run(asset: model, name: "run 1"))
        let cases: [(String, (inout World) throws -> Void)] = [
            ("request.roles", { $0.request.datasets = [] }),
            (
                "request.roles",
                {
                    $0.request.output = nil; $0.request.model = model
                }
            ),
            ("request.roles", { $0.request.datasets.append(a) }), ("request.roles", { $0.request.purpose = .test }),
            (
                "request.roles",
                {
                    $0.request.purpose = .export; $0.request.model = model
                }
            ),
            (
                "request.roles",
                {
                    $0.request.purpose = .export; $0.request.datasets = []
                }
            ),
            ("request.roles", { world in world.request.datasets = try (0..<17).map { try World.name("lab/d\($0)") } }),
            ("request.run", { $0.registry.begun = [run] }), ("request.run", { $0.request.isNew = false }),
            ("request.run", { $0.request.runName = "" }),
            ("request.run", { $0.request.runName = String(repeating: "r", count: 65) }),
            ("request.lineage", { $0.registry.assets[model]?.lineage = [a] }),
            ("asset.exists", { $0.registry.assets[a] = nil }), ("asset.exists", { $0.registry.withdrawn = [a] }),
            ("asset.exists", { $0.registry.assets[a]?.lineage = [try World.name("lab/none")] }),
            ("asset.kind", { $0.registry.assets[a]?.kind = .model }),
            ("asset.kind", { $0.registry.assets[model]?.kind = .output }),
            ("asset.kind", { $0.request.config = a }),
            ("asset.stopped", { $0.registry.stops = [stop("hospital-a", .namespace)] }),
            ("asset.stopped", { $0.registry.stops = [stop("hospital-a", .asset("scans"))] }),
            ("asset.stopped", { $0.registry.stops = [stop("hospital-b", .run(run))] }),
            ("asset.policy", { $0.registry.assets[a]?.policy = nil }),
            ("asset.policy", { $0.registry.policies[try World.name("hospital-a/training")] = nil }),
            ("asset.policy", { $0.registry.assets[a]?.policy = try World.name("lab/own") }),
            ("use.purpose", { try use(&$0, "purpose", "test") }),
            ("use.partners", { try use(&$0, "partners", "[ \"hospital-b/*\", lab/net ]") }),
            ("use.partners", { try use(&$0, "partners", nil) }),
            ("use.outcome", { try use(&$0, "outcome", "hospital-a") }),
            (
                "use.runs",
                { world in
                    world.registry.runs[Registry.Counter(policy: try World.name("hospital-a/training"), use: "train")] =
                        Set((2...4).compactMap { Run("lab/model#run \($0)") })
                }
            ),
            ("use.window", { $0.now = Instant(2025, 12, 31, 23, 59, 59) }),
            ("use.window", { $0.now = Instant(2027, 1, 1) }),
            ("use.regions", { $0.platforms = [] }), ("use.regions", { $0.registry.platforms = [:] }),
            // Another machine stands there.
            (
                "use.regions",
                { $0.registry.platforms = [[UInt8](repeating: 8, count: 34): [try World.name("cloud/north")]] }
            ),
            ("use.regions", { $0.registry.platforms[World.machine] = [try World.name("lab/north")] }),
            ("sgx.measurement", { $0.passes = false }),
        ]
        for (index, (check, change)) in cases.enumerated() {
            var world = try World()
            try change(&world)
            let decision = world.decision()
            #expect(!decision.isGranted && decision.permissions.isEmpty && decision.terms == nil, "\(index): \(check)")
            #expect(decision.firstFailure?.check == check, "\(index): \(decision.refusal ?? "")")
        }
    }

    @Test("A stop by somebody who owns nothing of it, of another asset, or of another run, changes nothing")
    func otherStops() throws {
        var world = try World()
        let run = try #require(Run("lab/model#run 2"))
        let stops: [(String, Statement.Stop.Scope)] = [
            ("cloud", .namespace), ("hospital-a", .asset("net")), ("lab", .asset("scans")), ("lab", .run(run)),
        ]
        world.registry.stops = stops.map { namespace, scope in
            Registry.ActiveStop(
                statement: StatementHash(of: []), namespace: namespace, stop: Statement.Stop(scope, reason: ""))
        }
        #expect(world.decision().isGranted)
    }

    @Test("A run that was counted goes on when no new one may begin, and is not counted again")
    func counted() throws {
        var world = try World()
        let run = try #require(world.request.run)
        for policy in world.registry.policies.values {
            world.registry.runs[Registry.Counter(policy: policy.name.value, use: "train")] = [
                run, try #require(Run("lab/model#2")), try #require(Run("lab/model#3")),
            ]
        }
        world.request.isNew = false
        world.registry.begun = [run]
        let decision = world.decision()
        #expect(decision.isGranted && decision.permissions.allSatisfy { !$0.isCounted })
    }

    @Test("Uses are alternatives: the first that permits counts, and a refusal names the nearest")
    func alternatives() throws {
        var world = try World()
        var policy = TestPolicy()
        policy.uses = [policy.uses[0], policy.uses[0], policy.uses[0]]
        policy.uses[0]["purpose"] = "test"
        policy.uses[1]["name"] = "narrow"
        policy.uses[1]["partners"] = "lab/net"
        policy.uses[2]["name"] = "wide"
        policy.uses[2]["partners"] = "\"*/*\""
        policy.uses[2]["regions"] = "any"
        policy.uses[2]["lease"] = "{ seconds: 30, iterations: 7 }"
        try world.add(policy)
        let decision = world.decision()
        #expect(decision.isGranted && decision.permissions[0].counter.use == "wide")
        #expect(decision.terms == LeaseTerms(seconds: 30, iterations: 7))
        policy.uses[2]["outcome"] = "hospital-a"
        policy.uses[1]["partners"] = "[ lab/net, lab/model, hospital-b/scans2 ]"
        policy.uses[1]["outcome"] = "hospital-b"
        try world.add(policy)
        // Two checks stand in the way of `narrow`, one of `wide`.
        let failure = try #require(world.decision().firstFailure)
        #expect(failure.check == "use.outcome" && failure.policyLine?.setting == "uses[2].outcome")
        #expect(failure.policyLine?.line == 27 && failure.expected == "hospital-a/*" && failure.found == "lab/model")
    }

    @Test("No lease outlasts the window")
    func window() throws {
        var world = try World()
        world.now = Instant(2026, 12, 31, 23, 59, 45)
        #expect(world.decision().terms?.seconds == 15)
    }

    @Test("Surroundings that protect nothing are permitted by name only, and each decision says so")
    func tests() throws {
        var world = try World()
        var policy = TestPolicy()
        policy.uses[0]["partners"] = "\"*/*\""
        policy.uses[0]["regions"] = "any"
        policy.uses[0]["level"] = "test"
        try world.add(policy)
        let decision = world.decision()
        #expect(decision.isGranted && decision.isForTests)
        let level = decision.findings.first { $0.check == "policy[hospital-a/training]" }?.parts[0].parts.first {
            $0.check == "use.level"
        }
        #expect(level?.outcome == .tolerated && level?.found.contains("nothing protects") == true)
    }

    @Test("Evidence is looked at only when everything else holds")
    func judging() throws {
        var world = try World()
        var asked: [String] = []
        _ = Evaluator.decide(world.request, in: world.registry, at: world.now) { policy, use in
            asked.append("\(policy.name.value)#\(use.id)")
            return Judgement(verdict: Verdict(findings: [], evidence: nil), platforms: [])
        }
        #expect(asked == ["hospital-a/training#train", "hospital-b/training#train", "lab/own#train"])
        asked = []
        world.now = Instant(2027, 1, 1)
        let decision = Evaluator.decide(world.request, in: world.registry, at: world.now) { _, use in
            asked.append(use.id)
            return Judgement(verdict: Verdict(findings: [], evidence: nil), platforms: [])
        }
        #expect(asked.isEmpty && !decision.isGranted)
    }

    @Test("Assets that were made from each other, or from very many, are decided about all the same")
    func closures() throws {
        var world = try World()
        let a = try World.name("hospital-a/scans")
        world.registry.assets[a]?.lineage = [try World.name("hospital-b/scans")]
        world.registry.assets[try World.name("hospital-b/scans")]?.lineage = [a]
        #expect(world.decision().isGranted)
        for count in [Evaluator.maximumAssets - 4, Evaluator.maximumAssets - 3] {
            for index in 0..<count {
                let name = try World.name("lab/d\(index)")
                world.registry.assets[name] = Asset(
                    name: name, kind: .dataset, identity: String(repeating: "0d", count: 16),
                    policy: try World.name("lab/own"),
                    lineage: index + 1 < count ? [try World.name("lab/d\(index + 1)")] : [])
            }
            world.registry.assets[a]?.lineage = [try World.name("lab/d0")]
            for name in ["hospital-a/training", "hospital-b/training"] {
                var open = TestPolicy()
                open.name = name
                open.uses[0]["partners"] = "\"*/*\""
                open.uses[0]["regions"] = "any"
                try world.add(open)
            }
            let fits = count == Evaluator.maximumAssets - 4
            let decision = world.decision()
            #expect(decision.isGranted == fits && decision.firstFailure?.check == (fits ? nil : "request.closure"))
        }
    }

    @Test("What the enclave says of itself has to be what was asked for, data sets in their order")
    func runtimeData() throws {
        let world = try World()
        var data = RuntimeData()
        data.configDigest = [UInt8](repeating: 0x0C, count: 32)
        data.datasetIDs = [[UInt8](repeating: 0x0A, count: 16), [UInt8](repeating: 0x0B, count: 16)]
        data.runName = "run 1"
        func failures(_ change: (inout RuntimeData) -> Void) -> [String] {
            var data = data
            change(&data)
            return world.request.findings(about: data, in: world.registry).filter { $0.outcome == .failed }.map(\.check)
        }
        #expect(failures { _ in } == [])
        #expect(failures { $0.datasetIDs.swapAt(0, 1) } == ["request.datasets"])
        #expect(failures { $0.datasetIDs.removeLast() } == ["request.datasets"])
        #expect(failures { $0.configDigest[0] = 0 } == ["request.config"])
        #expect(
            failures { $0.runName = "run 2" } == ["request.run"]
                && failures { $0.purpose = .test } == ["request.purpose"])
        #expect(failures { $0.runID = [1] } == ["request.begins"])
    }

    @Test("The policy that evidence is judged by has the request's config, data sets, run and purpose")
    func judgedPolicy() throws {
        let world = try World()
        let use = try #require(world.registry.policies.values.first?.uses.first)
        let policy = use.policy(for: world.request, in: world.registry)
        #expect(policy.purposes.value == [.train] && policy.level.value == .tee && policy.evidence.value == [.sgx])
        #expect(policy.configDigests.value == [[UInt8](repeating: 0x0C, count: 32)] && policy.runs?.value == ["run 1"])
        #expect(policy.datasets.value == [[UInt8](repeating: 0x0A, count: 16), [UInt8](repeating: 0x0B, count: 16)])
        #expect(policy.sgx?.value.mrenclave?.value == [[UInt8](repeating: 0xAA, count: 32)])
        // An asset that nobody stated has no digest that evidence could have.
        var empty = world.registry
        empty.assets = [:]
        #expect(use.policy(for: world.request, in: empty).configDigests.value == [[]])
    }
}
