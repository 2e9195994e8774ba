import ArgumentParser
import PliniusPolicy
import PliniusVerifier
import PliniusWire

/// Tries a draft of a policy out.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Decides about a request by drafts of policies and evidence that was kept, without a manager.",
        discussion: """
            Evidence is what plinius-owner provision --keep-evidence wrote, or one of the other formats that plinius-owner evidence \
            verify takes. Assets are written namespace/name, or namespace/name=identity where the evidence does not tell the identity. \
            Every asset is taken for governed by the draft of its owner; owners without a draft are listed, and their answer is left \
            open. Counters are at zero, nothing is stopped.

            Exit codes: 0 the drafts permit, 2 bad usage, 3 they refuse, with every check shown.
            """)

    @Argument(help: "Drafts of policies, of each owner one at most.") var policies: [String]

    @OptionGroup var options: StoredEvidenceOptions

    @Option(help: "train, test, infer or export; what the evidence says if there is none.", transform: purposeWord)
    var purpose: RuntimeData.Purpose?

    @Option(help: ArgumentHelp("A data set, in the order of the run. May be repeated.", valueName: "asset"))
    var dataset: [IdentifiedAsset] = []

    @Option(help: ArgumentHelp("The config.", valueName: "asset")) var config: IdentifiedAsset

    @Option(
        help: ArgumentHelp("The model that is gone on with, tested or used.", valueName: "asset"), transform: scopedName
    )
    var model: ScopedName?

    @Option(help: ArgumentHelp("What comes out.", valueName: "asset"), transform: scopedName) var output: ScopedName?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The run's name; what the evidence says if there is none.", valueName: "name"))
    var runName: String?

    @Flag(help: "Take the run for one that has begun.") var resumed = false

    @Option(
        help: ArgumentHelp(
            "Where the machine stands, by who vouches: operator/eu. May be repeated.", valueName: "region"),
        transform: scopedName)
    var region: [ScopedName] = []

    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await reporting(asJSON: json) {
            var drafts: [String: OwnerPolicy] = [:]
            for path in policies {
                let policy = try OwnerPolicy(file: path)
                let owner = policy.name.value.namespace
                guard drafts.updateValue(policy, forKey: owner) == nil else {
                    throw CommandError(.usage, "\(path) is another draft of \(owner): give one of each owner")
                }
            }
            let context = try options.context()
            let stored = try options.stored()
            let data = stored.runtimeData.flatMap { try? RuntimeData(decoding: $0) }
            guard let purpose = purpose ?? data?.purpose, let name = runName ?? data?.runName, Run.isName(name) else {
                throw CommandError(.usage, "the evidence says nothing of a run: give --purpose and --run")
            }
            let request = Request(
                purpose: purpose, datasets: dataset.map(\.name), config: config.name, model: model, output: output,
                runName: name, isNew: !resumed)
            let registry = try registry(for: request, drafts, data)
            let decision = Evaluator.decide(request, in: registry, at: context.now) { _, use in
                let found = stored.verdict(under: use.policy(for: request, in: registry), in: context)
                return Judgement(verdict: found.verdict, platforms: [Self.platform])
            }
            try report(decision, request, drafts, data.map { request.findings(about: $0, in: registry) } ?? [])
        }
    }

    /// Stands for the one machine that there is.
    private static let platform: [UInt8] = [0]

    private func registry(
        for request: Request, _ drafts: [String: OwnerPolicy], _ data: RuntimeData?
    ) throws -> Registry {
        var registry = Registry()
        func add(_ name: ScopedName, _ kind: Asset.Kind, _ identity: String, from lineage: [ScopedName] = []) throws {
            guard kind.isIdentity(identity) else {
                throw CommandError(
                    .usage,
                    "the identity of \(name) is \"\(identity)\": a \(kind.rawValue) has \(kind.identityDescription)"
                )
            }
            registry.assets[name] = Asset(
                name: name, kind: kind, identity: identity, policy: drafts[name.namespace]?.name.value,
                lineage: lineage)
        }
        for (index, asset) in dataset.enumerated() {
            let known = data.flatMap { index < $0.datasetIDs.count ? $0.datasetIDs[index].hexadecimal : nil }
            try add(
                asset.name, request.purpose == .train ? .dataset : .input,
                asset.identity ?? known ?? String(repeating: "0", count: 32))
        }
        try add(
            config.name, .config,
            config.identity ?? data?.configDigest.hexadecimal ?? String(repeating: "0", count: 64))
        if let model, model != output { try add(model, .model, request.runName) }
        if let output {
            try add(
                output, request.purpose == .train || output == model ? .model : .output, request.runName,
                from: (request.datasets + [config.name, model].compactMap { $0 }).filter { $0 != output })
        }
        for policy in drafts.values { registry.policies[policy.name.value] = policy }
        if resumed, let run = request.mirroredRun { registry.begun.insert(run) }
        registry.platforms[Self.platform] = Set(region)
        return registry
    }

    private func report(
        _ decision: Decision, _ request: Request, _ drafts: [String: OwnerPolicy], _ said: [Finding]
    ) throws {
        let open = Set(request.assets.map(\.namespace)).subtracting(drafts.keys).sorted()
        // Of owners without a draft, only that they have none can be found.
        let own = decision.findings.filter { finding in
            !open.contains { finding.check.hasPrefix("asset[\($0)/") }
        }
        let failed = own + said
        let refusal = failed.first { $0.outcome == .failed }.map { $0.firstFailure ?? $0 }
        let terms = drafts.values.flatMap { policy in policy.uses.filter { $0.purpose.value == request.purpose } }
        if json {
            Output.print(
                Report(
                    permitted: refusal == nil, open: open, isForTests: terms.contains { $0.level.value == .test },
                    refusal: refusal?.check, findings: own + said))
        } else {
            for finding in own + said { Output.print(finding.tree().joined(separator: "\n")) }
            for owner in open { Output.print("open     \(owner) has no draft here") }
            if refusal == nil { Output.print("the drafts permit it") }
        }
        if let refusal {
            let line = refusal.policyLine.map { ", asked for by \($0)" } ?? ""
            throw CommandError(
                .refused,
                "the check \(refusal.check) failed: expected \(refusal.expected), found \(refusal.found)\(line)")
        }
    }

    private struct Report: Encodable {
        let permitted: Bool
        /// Owners whose answer is left open.
        let open: [String]
        let isForTests: Bool
        let refusal: String?
        let findings: [Finding]
    }
}

/// `namespace/name`, or with what it is called in evidence: `namespace/name=identity`.
struct IdentifiedAsset: ExpressibleByArgument {
    let name: ScopedName
    let identity: String?

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let name = ScopedName(parts[0]) else { return nil }
        self.name = name
        identity = parts.count == 2 ? parts[1] : nil
    }
}

extension Finding {
    /// A check a line, its parts indented below.
    func tree(indentedBy indentation: String = "") -> [String] {
        let mark =
            switch outcome {
            case .passed: "ok      "
            case .tolerated: "ACCEPTED"
            case .failed: "FAILED  "
            }
        var line = "\(indentation)\(mark) \(check)"
        if parts.isEmpty { line += outcome == .passed ? ": \(found)" : ": expected \(expected), found \(found)" }
        if let policyLine { line += " [\(policyLine)]" }
        return [line] + parts.flatMap { $0.tree(indentedBy: indentation + "    ") }
    }
}
