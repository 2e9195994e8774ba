import PliniusPolicy
import PliniusVerifier
import PliniusWire
import Testing

/// Random small worlds, decided about twice: by the evaluator, and by one that was written from the rules alone and knows only truth values.
@Suite("Decisions in random worlds")
struct EvaluatorComparisonTests {
    // MARK: A world in plain values

    private struct PlainUse {
        var id: String
        var purpose: String
        var partners: [String]
        var outcome: String
        var runs: Int?
        var window: (from: Int, until: Int)?
        var regions: Set<String>?
        var seconds: Int
        var iterations: Int
        var executor: String?
    }

    private struct PlainPolicy {
        var uses: [PlainUse]
        var read: OwnerPolicy
    }

    private struct PlainAsset {
        var kind: String
        var policy: String?
        var lineage: [String]
    }

    private struct PlainWorld {
        var assets: [String: PlainAsset] = [:]
        var withdrawn: Set<String> = []
        var policies: [String: PlainPolicy] = [:]
        /// Namespace, and what stands still: nothing for everything, an asset's name, or a run with `#`.
        var stops: [(namespace: String, what: String)] = []
        /// By policy and use, the runs that were counted.
        var runs: [String: Set<String>] = [:]
        var begun: Set<String> = []
        /// What is vouched for of the machine.
        var regions: Set<String> = []
        /// Uses whose evidence does not pass, as `policy#use`.
        var failing: Set<String> = []
        var now = 0

        var purpose = "train"
        var datasets: [String] = []
        var config = ""
        var model: String?
        var output: String?
        var runName = "r1"
        var isNew = true
    }

    // MARK: The other evaluator

    private static func owner(_ name: String) -> String { String(name.prefix { $0 != "/" }) }

    private static func sources(_ start: [String], _ world: PlainWorld) -> Set<String> {
        var all = Set(start)
        while true {
            let more = all.union(all.flatMap { world.assets[$0]?.lineage ?? [] })
            if more == all { return all }
            all = more
        }
    }

    private static func takesPart(_ asset: String, _ partner: String) -> Bool {
        if partner == "*/*" { return true }
        if partner.hasSuffix("/*") { return asset.hasPrefix(partner.dropLast()) }
        return asset == partner
    }

    /// The uses that say yes, by policy, with whether the run is a new one; `nil` if anybody says no.
    private static func naive(_ world: PlainWorld) -> [String: (use: PlainUse, isCounted: Bool)]? {
        let hasData = !world.datasets.isEmpty && Set(world.datasets).count == world.datasets.count
        let needs =
            switch world.purpose {
            case "train": hasData && world.output != nil
            case "export": world.datasets.isEmpty && world.model != nil
            default: hasData && world.model != nil
            }
        guard needs, let carrier = world.output ?? world.model else { return nil }
        let run = "\(carrier)#\(world.runName)"
        let trained = world.purpose == "infer" ? "\(world.model ?? "")#\(world.runName)" : run
        guard world.begun.contains(trained) == !world.isNew else { return nil }
        let named = world.datasets + [world.config] + [world.model, world.output].compactMap { $0 }
        let all = sources(named, world)
        if let output = world.output {
            let made = sources([output], world)
            for source in world.datasets + [world.model].compactMap({ $0 }) where !made.contains(source) { return nil }
        }
        for name in all {
            guard let asset = world.assets[name], !world.withdrawn.contains(name) else { return nil }
            guard let policy = asset.policy, owner(policy) == owner(name), world.policies[policy] != nil else {
                return nil
            }
            for stop in world.stops where stop.namespace == owner(name) {
                if stop.what.isEmpty || name == "\(stop.namespace)/\(stop.what)" || stop.what == run { return nil }
            }
        }
        func kind(_ name: String?) -> String { name.flatMap { world.assets[$0]?.kind } ?? "" }
        guard world.datasets.allSatisfy({ ["dataset", "input"].contains(kind($0)) }), kind(world.config) == "config"
        else {
            return nil
        }
        if world.model != nil, kind(world.model) != "model" { return nil }
        if world.output != nil, kind(world.output) != "model",
            world.purpose == "train" || kind(world.output) != "output"
        {
            return nil
        }
        var chosen: [String: (use: PlainUse, isCounted: Bool)] = [:]
        for name in Set(all.compactMap { world.assets[$0]?.policy }) {
            guard let policy = world.policies[name] else { return nil }
            let permitting = policy.uses.first { use in
                let counted = world.runs["\(name)#\(use.id)"] ?? []
                return use.purpose == world.purpose
                    && all.allSatisfy { asset in
                        owner(asset) == owner(name) || use.partners.contains { takesPart(asset, $0) }
                    }
                    && (world.output == nil || owner(world.output ?? "") == use.outcome)
                    && (counted.contains(run) || use.runs == nil || counted.count < use.runs ?? 0)
                    && (use.window == nil || use.window?.from ?? 0 <= world.now && world.now < use.window?.until ?? 0)
                    && !world.failing.contains("\(name)#\(use.id)")
                    && (use.regions == nil || !(use.regions ?? []).intersection(world.regions).isEmpty)
            }
            guard let permitting else { return nil }
            chosen[name] = (permitting, !(world.runs["\(name)#\(permitting.id)"] ?? []).contains(run))
        }
        for one in chosen.values {
            for other in chosen.values where one.use.executor != other.use.executor {
                if one.use.executor != nil, other.use.executor != nil { return nil }
            }
        }
        return chosen
    }

    // MARK: Random worlds

    private static let dates = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]
    private static let days = (1...4).map { Int(Instant(2026, $0, 1).seconds) }
    private static let machine = [UInt8](repeating: 1, count: 34)

    private static func use(_ owner: String, _ index: Int, _ random: inout Splitmix) -> (PlainUse, TestPolicy.Use) {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let owners = (0..<4).map { "o\($0)" }
        let purpose = chance(85) ? "train" : ["test", "infer", "export"].randomElement(using: &random) ?? "test"
        var partners = ["*/*"]
        if chance(20) {
            partners = owners.filter { _ in chance(92) }.map { chance(80) ? "\($0)/*" : "\($0)/data" }
        }
        let first = Int.random(in: 0..<3, using: &random)
        let last = Int.random(in: first + 1..<4, using: &random)
        let regions = Set(owners.filter { _ in chance(40) }.map { "\($0)/eu" })
        let plain = PlainUse(
            id: "u\(index)", purpose: purpose, partners: partners,
            outcome: chance(88) ? "o0" : owners.randomElement(using: &random) ?? "o0",
            runs: chance(50) ? nil : Int.random(in: 1...3, using: &random),
            window: chance(75) ? nil : (days[first], days[last]),
            regions: regions.isEmpty || chance(75) ? nil : regions, seconds: Int.random(in: 1...50, using: &random),
            iterations: Int.random(in: 1...50, using: &random),
            executor: chance(75) ? nil : chance(50) ? "reference" : "oneDNN")
        var file = TestPolicy.Use()
        file["name"] = plain.id
        file["purpose"] = purpose
        file["partners"] = "[ \(partners.map { "\"\($0)\"" }.joined(separator: ", ")) ]"
        file["outcome"] = plain.outcome
        file["runs"] = plain.runs.map { "\($0)" } ?? "unlimited"
        file["window"] = plain.window == nil ? "always" : "{ from: \(dates[first]), until: \(dates[last]) }"
        // Its own region has no namespace.
        let texts = (plain.regions ?? []).sorted().map { $0 == "\(owner)/eu" ? "eu" : $0 }
        file["regions"] = plain.regions == nil ? "any" : "[ \(texts.joined(separator: ", ")) ]"
        file["lease"] = "{ seconds: \(plain.seconds), iterations: \(plain.iterations) }"
        file["executor"] = plain.executor
        return (plain, file)
    }

    private static func pool(_ random: inout Splitmix) throws -> [String: [PlainPolicy]] {
        var pool: [String: [PlainPolicy]] = [:]
        for owner in (0..<4).map({ "o\($0)" }) {
            for name in ["p", "q"] {
                for _ in 0..<40 {
                    let uses = (0..<Int.random(in: 1...3, using: &random)).map { use(owner, $0, &random) }
                    var file = TestPolicy()
                    file.name = "\(owner)/\(name)"
                    file.uses = uses.map(\.1)
                    pool["\(owner)/\(name)", default: []].append(
                        PlainPolicy(uses: uses.map(\.0), read: try file.policy))
                }
            }
        }
        return pool
    }

    private static func world(_ pool: [String: [PlainPolicy]], _ random: inout Splitmix) -> PlainWorld {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        var world = PlainWorld()
        let owners = (0..<([2, 2, 3, 4].randomElement(using: &random) ?? 2)).map { "o\($0)" }
        let data = owners.map { "\($0)/data" }
        for owner in owners {
            for (name, kind) in [("data", "dataset"), ("net", "config"), ("model", "model"), ("extra", "input")] {
                var lineage: [String] = []
                if kind == "model" { lineage = chance(88) ? data : data.filter { _ in chance(50) } }
                if chance(3) { lineage.append("\(owners.randomElement(using: &random) ?? "o0")/extra") }
                if chance(3) { lineage.append("\(owners.randomElement(using: &random) ?? "o0")/model") }
                if chance(1) { lineage.append("o0/none") }
                let other = Asset.Kind.allCases.randomElement(using: &random)?.rawValue ?? "code"
                let policy = chance(99) ? "\(owner)/\(chance(90) ? "p" : "q")" : chance(50) ? nil : "o0/p"
                let full = "\(owner)/\(name)"
                world.assets[full] = PlainAsset(
                    kind: chance(98) ? kind : other, policy: policy,
                    lineage: Array(Set(lineage).subtracting([full])).sorted())
                if chance(1) { world.withdrawn.insert(full) }
            }
            for name in ["p", "q"] where chance(99) {
                world.policies["\(owner)/\(name)"] = pool["\(owner)/\(name)"]?.randomElement(using: &random)
            }
            if chance(40) { world.regions.insert("\(owner)/eu") }
            if chance(2) {
                let what = ["", "data", "model", "o0/model#r1"].randomElement(using: &random) ?? ""
                world.stops.append((owner, what))
            }
        }
        let runs = owners.flatMap { owner in ["r1", "r2", "r3"].map { "\(owner)/model#\($0)" } }
        for (name, policy) in world.policies.sorted(by: { $0.key < $1.key }) {
            for use in policy.uses {
                world.runs["\(name)#\(use.id)"] = Set(runs.filter { _ in chance(10) })
            }
        }
        world.begun = Set(runs.filter { _ in chance(20) })
        return world
    }

    /// Asks for something else in the same world.
    private static func ask(_ world: inout PlainWorld, _ random: inout Splitmix) {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let owners = Set(world.assets.keys.map(owner)).sorted()
        let uses = world.policies.sorted { $0.key < $1.key }.flatMap { policy in
            policy.value.uses.map { "\(policy.key)#\($0.id)" }
        }
        world.failing = Set(uses.filter { _ in chance(3) })
        world.model = nil
        world.output = nil
        world.now = (days.randomElement(using: &random) ?? 0) + Int.random(in: -1...1, using: &random)
        world.purpose = chance(88) ? "train" : ["test", "infer", "export"].randomElement(using: &random) ?? "test"
        world.datasets = world.purpose == "export" ? [] : owners.map { "\($0)/data" }.filter { _ in chance(70) }
        if chance(3) { world.datasets.append("o0/extra") }
        world.config = "\(owners.randomElement(using: &random) ?? "o0")/net"
        if chance(1) { world.config = "o9/net" }
        if world.purpose != "train" || chance(15) {
            world.model = "\(owners.randomElement(using: &random) ?? "o0")/model"
        }
        if world.purpose == "train" ? chance(98) : chance(40) {
            world.output = chance(88) ? "o0/model" : "\(owners.randomElement(using: &random) ?? "o0")/model"
        }
        world.runName = ["r1", "r2"].randomElement(using: &random) ?? "r1"
        let carrier = world.purpose == "infer" ? world.model : world.output ?? world.model
        let run = carrier.map { "\($0)#\(world.runName)" } ?? ""
        world.isNew = chance(97) ? !world.begun.contains(run) : chance(50)
    }

    // MARK: The same world for the evaluator

    private static let names: [String: ScopedName] = {
        let texts = (0..<4).flatMap { owner in
            ["data", "net", "model", "extra", "p", "q", "eu", "none"].map { "o\(owner)/\($0)" }
        }
        return Dictionary(uniqueKeysWithValues: (texts + ["o9/net"]).map { ($0, ScopedName($0)) }).compactMapValues {
            $0
        }
    }()

    private static func name(_ text: String) throws -> ScopedName { try #require(names[text]) }

    private static func registry(_ world: PlainWorld) throws -> Registry {
        var registry = Registry()
        for (text, asset) in world.assets {
            let name = try name(text)
            registry.assets[name] = Asset(
                name: name, kind: try #require(Asset.Kind(rawValue: asset.kind)), identity: "",
                policy: try asset.policy.map { try Self.name($0) }, lineage: try asset.lineage.map { try Self.name($0) }
            )
        }
        registry.withdrawn = Set(try world.withdrawn.map { try name($0) })
        for (text, policy) in world.policies { registry.policies[try name(text)] = policy.read }
        registry.stops = try world.stops.map { stop in
            let scope: Statement.Stop.Scope =
                stop.what.isEmpty
                ? .namespace
                : stop.what.contains("#") ? .run(try #require(Run(stop.what))) : .asset(stop.what)
            return Registry.ActiveStop(
                statement: StatementHash(of: []), namespace: stop.namespace, stop: Statement.Stop(scope, reason: ""))
        }
        for (key, runs) in world.runs where !runs.isEmpty {
            let parts = key.split(separator: "#").map(String.init)
            registry.runs[Registry.Counter(policy: try name(parts[0]), use: parts[1])] = Set(
                try runs.map { try #require(Run($0)) })
        }
        registry.begun = Set(try world.begun.map { try #require(Run($0)) })
        registry.platforms = [machine: Set(try world.regions.map { try name($0) })]
        return registry
    }

    private static func request(_ world: PlainWorld) throws -> Request {
        let purpose = try #require(RuntimeData.Purpose.allCases.first { "\($0)" == world.purpose })
        return Request(
            purpose: purpose, datasets: try world.datasets.map { try name($0) }, config: try name(world.config),
            model: try world.model.map { try name($0) }, output: try world.output.map { try name($0) },
            runName: world.runName, isNew: world.isNew)
    }

    private static let passed = Verdict(
        findings: [Finding(check: "x", outcome: .passed, expected: "", found: "", policyLine: nil, parts: [])],
        evidence: nil)
    private static let failed = Verdict(
        findings: [Finding(check: "x", outcome: .failed, expected: "", found: "", policyLine: nil, parts: [])],
        evidence: nil)

    @Test("Two evaluators that know nothing of each other decide the same, 100,000 times", arguments: 0..<10)
    func comparison(part: Int) throws {
        var random = Splitmix(seed: 1000 + UInt64(part))
        let pool = try Self.pool(&random)
        var granted = 0
        var checks: Set<String> = []
        var world = PlainWorld()
        var registry = Registry()
        for index in 0..<10_000 {
            if index.isMultiple(of: 20) {
                world = Self.world(pool, &random)
                registry = try Self.registry(world)
            }
            Self.ask(&world, &random)
            let failing = world.failing
            let decision = Evaluator.decide(
                try Self.request(world), in: registry, at: Instant(seconds: Int64(world.now))
            ) { policy, use in
                let isFailing = failing.contains("\(policy.name.value)#\(use.id)")
                return Judgement(verdict: isFailing ? Self.failed : Self.passed, platforms: [Self.machine])
            }
            let expected = Self.naive(world)
            guard decision.isGranted == (expected != nil) else {
                Issue.record("case \(index) of \(part): \(decision.refusal ?? "granted") in \(world)")
                continue
            }
            if let expected {
                granted += 1
                let chosen = Dictionary(uniqueKeysWithValues: decision.permissions.map { ("\($0.counter.policy)", $0) })
                #expect(chosen.mapValues(\.counter.use) == expected.mapValues(\.use.id))
                #expect(chosen.mapValues(\.isCounted) == expected.mapValues(\.isCounted))
                let end = expected.values.compactMap { $0.use.window?.until }.min() ?? .max
                let seconds = min(expected.values.map(\.use.seconds).min() ?? 0, end - world.now)
                #expect(decision.terms.map { Int($0.seconds) } == seconds)
                #expect(decision.terms.map { Int($0.iterations) } == expected.values.map(\.use.iterations).min())
                #expect(decision.executor.map { "\($0)" } == expected.values.compactMap(\.use.executor).first)
            } else {
                checks.insert(try #require(decision.firstFailure).check)
            }
        }
        #expect((1000...9000).contains(granted), "\(granted) of 10000 were granted")
        #expect(checks.isSuperset(of: Self.reached), "\(checks.sorted())")
    }

    /// What refusals have to have named at least once in each part.
    private static let reached: Set<String> = [
        "request.roles", "request.run", "request.lineage", "asset.exists", "asset.kind", "asset.stopped",
        "asset.policy",
        "use.purpose", "use.partners", "use.outcome", "use.runs", "use.window", "use.regions", "x",
        "terms.executor",
    ]
}
