import PliniusVerifier
import PliniusWire

extension OwnerPolicy {
    /// What the policy says, in sentences: one for each use, one for changes, and its warnings.
    public var explanation: [String] {
        uses.map { explanation(of: $0) }
            + ["Another version needs the agreement of \(change.value)."] + warnings.map { "Warning: \($0)" }
    }

    private func explanation(of use: Use) -> String {
        func list(_ texts: [String]) -> String { texts.joined(separator: ", ") }
        let partners = list(["\(name.value.namespace)/*"] + use.partners.value.map(\.description))
        let runs = use.runs.value.map { $0 == 1 ? "one run" : "\($0) runs" } ?? "any number of runs"
        let window = use.window.value.map { "from \($0.from) until \($0.until)" } ?? "at any time"
        let regions =
            use.regions.value.map { "on machines that stand in \(list($0.sorted().map(\.description)))" }
            ?? "on machines anywhere"
        let evidence = list(use.evidence.map(\.description).sorted())
        let executor = use.executor.map { ", computed by the executor \($0.value) alone" } ?? ""
        return
            "The use \(use.id) permits to \(use.purpose.value) with assets of \(partners), \(runs), \(window), \(regions), "
            + "at the level \(use.level.value.rawValue) by evidence of \(evidence)\(executor); what comes out belongs to "
            + "\(use.outcome.value), and keys are lent for \(use.lease.value.seconds) s or \(use.lease.value.iterations) updates."
    }
}

extension Board: CustomStringConvertible {
    /// Who has to agree, who can stop it, and how long it waits: `2 of (a; b; c), unless c objects within 86400 s`.
    public var description: String {
        let objections = veto.sorted().map(\.description).joined(separator: " or ")
        let time = timeLock == 0 ? "" : " within \(timeLock) s"
        if veto.isEmpty { return "\(rule)" + (timeLock == 0 ? "" : ", \(timeLock) s later") }
        return "\(rule), unless \(objections) objects\(time)"
    }
}

extension Board.Rule: CustomStringConvertible {
    public var description: String {
        switch self {
        case .key(let key): "\(key)"
        case .allOf(let rules): "all of (\(rules.map(\.description).joined(separator: "; ")))"
        case .atLeast(let count, let rules): "\(count) of (\(rules.map(\.description).joined(separator: "; ")))"
        }
    }
}
