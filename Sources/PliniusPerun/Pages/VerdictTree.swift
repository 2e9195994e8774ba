import PliniusPolicy
import PliniusPolicyManager

extension Page {
    /// Deeper trees are not shown; the log keeps none.
    private static let maximumDepth = 16

    /// The checks of a decision, as the log keeps them: those that passed can be opened, the others are open.
    static func tree(_ verdict: CanonicalJSON) -> HTML {
        tag("div") {
            tag("p") {
                outcome(verdict)
                verdict["outcome"]?.text == "passed"
                    ? " Every owner’s policy permits it. Uses are alternatives: one that permits is enough."
                    : " One check that fails is enough. Uses are alternatives: the one that comes nearest stands in the refusal."
            }
            branches(verdict, depth: 0)
        }
    }

    private static func branches(_ finding: CanonicalJSON, depth: Int) -> HTML {
        let parts = finding["parts"]?.entries ?? []
        let omitted = finding["omitted"]?.number ?? 0
        guard depth < maximumDepth, !parts.isEmpty || omitted > 0 else { return HTML() }
        return tag("ul", ["class": "tree"]) {
            for part in parts { tag("li") { branch(part, depth: depth) } }
            if omitted > 0 {
                tag("li") {
                    tag("span", ["class": "none"]) {
                        omitted == 1
                            ? "one more check, which the log leaves out"
                            : "\(omitted) more checks, which the log leaves out"
                    }
                }
            }
        }
    }

    private static func branch(_ finding: CanonicalJSON, depth: Int) -> HTML {
        let below = branches(finding, depth: depth + 1)
        guard !below.markup.isEmpty else { return line(finding) }
        if hasPassed(finding, depth: depth) {
            return tag("details") {
                tag("summary") { line(finding) }
                below
            }
        }
        return tag("details", ["open": ""]) {
            tag("summary") { line(finding) }
            below
        }
    }

    /// Whether a check passed with all of its parts, none of which was merely let pass.
    private static func hasPassed(_ finding: CanonicalJSON, depth: Int) -> Bool {
        finding["outcome"]?.text == "passed" && depth < maximumDepth
            && (finding["parts"]?.entries ?? []).allSatisfy { hasPassed($0, depth: depth + 1) }
    }

    private static func line(_ finding: CanonicalJSON) -> HTML {
        tag("span") {
            outcome(finding)
            " "
            tag("code") { finding["check"]?.text ?? "" }
            if let expected = finding["expected"]?.text { ": expected \(expected)" }
            if let found = finding["found"]?.text { ", found \(found)" }
            if let line = finding["line"]?.text {
                tag("span", ["class": "from"]) { ", asked for by \(line)" }
            }
        }
    }

    private static func outcome(_ finding: CanonicalJSON) -> HTML {
        switch finding["outcome"]?.text {
        case "passed": HTML.state("Passed", .good)
        case "tolerated": HTML.state("Tolerated", .waiting)
        default: HTML.state("Failed", .bad)
        }
    }
}
