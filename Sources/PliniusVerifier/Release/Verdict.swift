/// What was found about evidence: a tree of named checks, and what they prove if all hold.
public struct Verdict: Sendable {
    /// The checks in the order in which they were carried out.
    public let findings: [Finding]
    /// What keys may be released to; `nil` unless every check holds and the evidence answers a challenge.
    public let evidence: VerifiedEvidence?

    package init(findings: [Finding], evidence: VerifiedEvidence?) {
        self.findings = findings
        self.evidence = evidence
    }

    /// Whether no check failed.
    public var hasPassed: Bool { !findings.isEmpty && firstFailure == nil }

    /// What a refusal names.
    public var firstFailure: Finding? { findings.lazy.compactMap(\.firstFailure).first }

    /// The tree for people, a check a line, its parts indented below.
    public var text: String {
        findings.map { $0.lines(indentedBy: "").joined(separator: "\n") }.joined(separator: "\n")
    }
}

extension Finding {
    fileprivate func lines(indentedBy indentation: String) -> [String] {
        var line = indentation + mark + " " + check
        if parts.isEmpty {
            line += outcome == .passed ? ": \(found)" : ": expected \(expected), found \(found)"
        }
        if let policyLine { line += " [\(policyLine)]" }
        return [line] + parts.flatMap { $0.lines(indentedBy: indentation + "    ") }
    }

    private var mark: String {
        switch outcome {
        case .passed: "ok      "
        case .tolerated: "ACCEPTED"
        case .failed: "FAILED  "
        }
    }
}

extension Verdict {
    /// Why it is refused, in a sentence: the check, what it expected and found, and the line of the policy that asked for it.
    public var refusal: String? {
        firstFailure.map { failure in
            let line = failure.policyLine.map { ", asked for by \($0)" } ?? ""
            return "the check \(failure.check) failed: expected \(failure.expected), found \(failure.found)\(line)"
        }
    }
}
