import PliniusWire
import Yams

/// What has to hold before a key is released: for what, and to which platforms.
///
/// ```yaml
/// level: test             # evidence of simulations is taken; without this line it is not
/// purposes: [train]       # train, test, infer, export; train and test if there is no such line
/// configurations: [5d…]   # digests of networks
/// data-sets: [00…]        # identifiers of data sets
/// runs: [default]         # names of runs
/// simulated:
///   measurements: [ab…]   # digests of enclave programs
///   keys: [12…]           # who may sign simulated evidence
/// ```
public struct ReleasePolicy: Sendable {
    /// Whether simulated evidence, which proves nothing, may do.
    public var isTest: Setting<Bool>?
    public var purposes = Setting<Set<String>>(["train", "test"], PolicyLine("purposes"))
    public var configurations: Setting<Set<String>>?
    public var dataSets: Setting<Set<String>>?
    public var runs: Setting<Set<String>>?
    public var simulated = SignedProgramRequirements()

    public init() {}

    /// Reads a policy; what it does not know is an error.
    /// - Throws: `EvidenceError` with the check `policy.format`.
    public init(yaml text: String) throws(EvidenceError) {
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw EvidenceError("policy.format", expected: "YAML", found: "\(error)")
        }
        try Self.forEach(node, "") { key, line, value throws(EvidenceError) in
            switch key {
            case "level":
                guard value.string == "test" else {
                    throw EvidenceError(
                        "policy.format", expected: "\(line) to be test", found: value.string ?? "a list")
                }
                isTest = Setting(true, line)
            case "purposes":
                purposes = try Self.texts(value, line)
                let known = Set(RuntimeData.Purpose.allCases.map { "\($0)" })
                guard purposes.value.isSubset(of: known) else {
                    throw EvidenceError(
                        "policy.format", expected: "\(line) to be of \(known.sorted().joined(separator: ", "))",
                        found: purposes.value.subtracting(known).sorted().joined(separator: ", "))
                }
            case "configurations": configurations = try Self.texts(value, line)
            case "data-sets": dataSets = try Self.texts(value, line)
            case "runs": runs = try Self.texts(value, line)
            case "simulated":
                try Self.forEach(value, "simulated.") { key, line, value throws(EvidenceError) in
                    switch key {
                    case "measurements": simulated.measurements = try Self.texts(value, line)
                    case "keys": simulated.keys = try Self.texts(value, line)
                    default: throw Self.unknown(line)
                    }
                }
            default: throw Self.unknown(line)
            }
        }
    }

    private static func unknown(_ line: PolicyLine) -> EvidenceError {
        EvidenceError("policy.format", expected: "settings that this build knows", found: "\(line)")
    }

    private static func forEach(
        _ node: Node?, _ prefix: String, _ body: (String, PolicyLine, Node) throws(EvidenceError) -> Void
    ) throws(EvidenceError) {
        guard let mapping = node?.mapping else {
            throw EvidenceError("policy.format", expected: "settings, each with a name", found: "something else")
        }
        for (key, value) in mapping {
            guard let name = key.string else {
                throw EvidenceError("policy.format", expected: "a name of a setting", found: "a list")
            }
            try body(name, PolicyLine(prefix + name, line: key.mark?.line), value)
        }
    }

    /// Reads a list of texts, or a single one.
    private static func texts(_ node: Node, _ line: PolicyLine) throws(EvidenceError) -> Setting<Set<String>> {
        let texts = node.sequence.map { $0.map(\.string) } ?? [node.string]
        guard !texts.isEmpty, !texts.contains(nil) else {
            throw EvidenceError("policy.format", expected: "\(line) to be a list of texts", found: "something else")
        }
        return Setting(Set(texts.compactMap { $0 }), line)
    }
}

// MARK: - What it asks of the bundle

extension ReleasePolicy {
    /// Carries out the checks of the bundle that rest on the policy.
    func examine(_ data: RuntimeData, kinds: [Evidence.Kind], _ examination: inout Examination) {
        let asked: [(String, Setting<Set<String>>?, String)] = [
            ("purpose", purposes, "\(data.purpose)"), ("configuration", configurations, hexadecimal(data.configDigest)),
            ("data-set", dataSets, hexadecimal(data.datasetID)), ("run", runs, data.runName),
        ]
        for (name, setting, found) in asked {
            guard let setting else { continue }
            examination.check(
                "bundle.\(name)", setting.value.contains(found),
                expected: setting.value.sorted().joined(separator: " or "), found: found, askedBy: setting.line)
        }
        // What no hardware vouches for proves nothing, whatever else is in the bundle.
        let isHardware = !kinds.contains(.simulated)
        examination.check(
            "bundle.level", isHardware || isTest?.value == true,
            expected: isTest == nil ? "evidence of hardware, or a policy of level test" : "evidence of any kind",
            found: isHardware ? "evidence of hardware" : "simulated evidence",
            askedBy: isTest?.line ?? PolicyLine("level"))
    }

    /// Carries the checks of one platform out.
    func examine(
        _ evidence: Evidence, _ context: Context, _ examination: inout Examination
    ) throws(EvidenceError) -> any PlatformClaims {
        switch evidence.kind {
        case .simulated: return try examineSignedProgram(evidence, simulated, context, &examination)
        default:
            throw EvidenceError(
                "\(evidence.kind).requirements", expected: "a policy that says what to ask of this platform",
                found: "none")
        }
    }
}
