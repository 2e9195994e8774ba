public import PliniusVerifier
public import PliniusWire

extension OwnerPolicy {
    /// Drafts a policy file by which a good machine's evidence passes: one use, one run, and what was learned as its environment.
    ///
    /// The files of the learned policy have to lie beside it. Whoever drafts one reads it and mends it before it is signed: the board is one
    /// key, and machines may stand anywhere.
    /// - Parameter until: The end of the window, which begins with `now`.
    public static func draft(
        _ name: ScopedName, changedBy key: OwnerKey, for purpose: RuntimeData.Purpose, outcome: String,
        at now: Instant, until: Instant, from learned: LearnedPolicy
    ) -> String {
        let sections = learned.sections
        let level = sections.first { $0.key == "level" }?.lines.first { $0.hasPrefix("level:") } ?? "level: test"
        let head = ["version", "name", "level", "purposes", "configs", "datasets", "runs", "restart"]
        let environment = sections.filter { !head.contains($0.key) }.flatMap(\.lines)
        return """
            # Drafted from evidence at \(now). Read it before you sign it.
            version: 1
            policy: \(name)
            change: { key: "\(key)" }
            uses:
              - purpose: \(purpose)
                \(level)
                outcome: \(outcome)
                runs: 1
                window: { from: \(now), until: \(until) }
                regions: any
                lease: { seconds: 60, iterations: 100000 }
                environment:
            \(environment.map { "      \($0)\n" }.joined())
            """
    }
}

extension LearnedPolicy {
    /// The file in parts, each a key of the first level with its lines and the remarks before it.
    fileprivate var sections: [(key: String, lines: [String])] {
        var sections: [(key: String, lines: [String])] = []
        var remarks: [String] = []
        for line in yaml.split(separator: "\n").map(String.init) {
            if line.hasPrefix("#") {
                remarks.append(line)
            } else if line.hasPrefix(" "), !sections.isEmpty {
                sections[sections.count - 1].lines.append(line)
            } else {
                sections.append((String(line.prefix { $0 != ":" }), remarks + [line]))
                remarks = []
            }
        }
        return sections
    }
}
