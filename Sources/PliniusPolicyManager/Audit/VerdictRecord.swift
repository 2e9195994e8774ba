internal import PliniusPolicy
internal import PliniusVerifier

/// The tree of a decision as the log keeps it: as much as a few kilobytes hold, and always what decided.
///
/// `{"check": …, "outcome": "failed", "expected": …, "found": …, "line": …, "parts": […], "omitted": n}`, the whole without a check's name;
/// a check that passed says no more than that, and `omitted` counts the parts that are left out.
enum VerdictRecord {
    /// What an entry is made longer by, in bytes; more where nothing but the one check that decided is left.
    static let maximumByteCount = 8_192
    /// Deeper trees are cut; entries are JSON of a bounded depth.
    private static let maximumDepth = 8

    /// How much of a tree is kept.
    private struct Measure {
        /// Down to which level checks are kept that passed.
        var passedDepth: Int
        /// The length of each text.
        var text: Int
        /// Whether one failed part of each check is enough.
        var isFirstOnly = false
    }

    private static let measures = [
        Measure(passedDepth: maximumDepth, text: 160), Measure(passedDepth: 3, text: 160),
        Measure(passedDepth: 2, text: 120), Measure(passedDepth: 1, text: 120), Measure(passedDepth: 0, text: 120),
        Measure(passedDepth: 0, text: 80, isFirstOnly: true),
    ]

    /// The most of a tree that fits.
    static func json(_ findings: [Finding]) -> CanonicalJSON {
        let outcome: Finding.Outcome = findings.contains { $0.outcome == .failed } ? .failed : .passed
        var last: CanonicalJSON = [:]
        for measure in measures {
            last = .object(members(["outcome": .string(outcome.rawValue)], findings, measure, depth: 1))
            if last.encoded.count <= maximumByteCount { break }
        }
        return last
    }

    /// Adds the parts of a check to what is said of it.
    private static func members(
        _ own: [String: CanonicalJSON], _ parts: [Finding], _ measure: Measure, depth: Int
    ) -> [String: CanonicalJSON] {
        var kept = parts.filter { $0.outcome != .passed || depth <= measure.passedDepth }
        if measure.isFirstOnly { kept = Array(kept.filter { $0.outcome == .failed }.prefix(1)) }
        if depth > maximumDepth { kept = [] }
        var members = own
        if !kept.isEmpty { members["parts"] = .array(kept.map { json($0, measure, depth: depth) }) }
        if kept.count < parts.count { members["omitted"] = .integer(Int64(parts.count - kept.count)) }
        return members
    }

    private static func json(_ finding: Finding, _ measure: Measure, depth: Int) -> CanonicalJSON {
        func text(_ text: String) -> CanonicalJSON {
            .string(text.count > measure.text ? "\(text.prefix(measure.text))…" : text)
        }
        var members: [String: CanonicalJSON] = [
            "check": .string(String(finding.check.prefix(160))), "outcome": .string(finding.outcome.rawValue),
        ]
        if finding.outcome != .passed {
            if !finding.expected.isEmpty { members["expected"] = text(finding.expected) }
            if !finding.found.isEmpty { members["found"] = text(finding.found) }
            members["line"] = finding.policyLine.map { text($0.description) }
        }
        return .object(Self.members(members, finding.parts, measure, depth: depth + 1))
    }
}
