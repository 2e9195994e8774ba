public import PliniusVerifier

/// Something that a policy may say, and that its owner should have meant.
///
/// | Check | What it warns of |
/// |---|---|
/// | `lint.board` | one key alone changes the policy |
/// | `lint.veto` | nobody can stop a change |
/// | `lint.time-lock` | a change counts at once |
/// | `lint.level` | the level test, at which nothing protects |
/// | `lint.partners` | owners take part that the policy does not name |
/// | `lint.runs` | any number of runs |
/// | `lint.window` | no end |
/// | `lint.regions` | machines anywhere |
/// | `lint.lease` | a lease of more than a day |
/// | `lint.tolerance` | something passes that would not have to |
public struct PolicyWarning: Hashable, Sendable, CustomStringConvertible {
    public let check: String
    public let line: PolicyLine
    /// A sentence.
    public let text: String

    public var description: String { "\(line): \(text) (\(check))" }
}

extension OwnerPolicy {
    /// What the policy says that its owner should have meant, in the order of the uses.
    public var warnings: [PolicyWarning] {
        var warnings: [PolicyWarning] = []
        func warn(_ check: String, _ line: PolicyLine, _ text: String) {
            warnings.append(PolicyWarning(check: "lint.\(check)", line: line, text: text))
        }
        let board = change.value
        if let key = board.keys.sorted().first(where: { board.isSatisfied(by: [$0]) }) {
            warn("board", change.line, "The key \(key) alone changes this policy.")
        }
        if board.veto.isEmpty { warn("veto", change.line, "Nobody can stop a change.") }
        if board.timeLock == 0 {
            warn("time-lock", change.line, "A change counts at once, before anybody has seen it.")
        }
        for use in uses {
            if use.level.value == .test {
                warn(
                    "level", use.level.line,
                    "At the level test nothing protects: whoever runs the host reads everything.")
            }
            for partner in use.partners.value where partner.isOpen {
                warn("partners", use.partners.line, "\(partner) lets owners take part that are not named.")
            }
            if use.runs.value == nil { warn("runs", use.runs.line, "Any number of runs may begin.") }
            if use.window.value == nil { warn("window", use.window.line, "The use has no end.") }
            if use.regions.value == nil { warn("regions", use.regions.line, "Machines may stand anywhere.") }
            if use.lease.value.seconds > 86_400 {
                warn(
                    "lease", use.lease.line, "A stop may take effect after more than a day, if the manager is cut off.")
            }
        }
        for path in Self.tolerances(document["uses"] ?? [], "uses") {
            warn("tolerance", PolicyLine(path, line: lines[path]), "This lets pass what would be refused without it.")
        }
        return warnings
    }

    /// The keys that let something pass, whatever the section: their names say so.
    private static func tolerances(_ json: CanonicalJSON, _ path: String) -> [String] {
        switch json {
        case .array(let entries):
            return entries.enumerated().flatMap { tolerances($0.element, "\(path)[\($0.offset)]") }
        case .object(let members):
            return members.sorted { $0.key < $1.key }.flatMap { name, value -> [String] in
                let isNamed = ["tolerat", "permits"].contains { name.hasPrefix($0) }
                let isSet = value.text.map { $0 != "false" && !$0.isEmpty } ?? (value.entries?.isEmpty == false)
                return isNamed && isSet ? ["\(path).\(name)"] : tolerances(value, "\(path).\(name)")
            }
        default: return []
        }
    }
}
