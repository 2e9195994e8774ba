internal import PliniusPolicy
public import PliniusVerifier

/// Why something is not done that was understood: the check that failed, and all that was checked.
public struct Refusal: Error, Sendable, CustomStringConvertible {
    /// What to do with it, for whoever maps errors to statuses.
    public let code: ManagerError.Code
    public let check: String
    public let expected: String
    public let found: String
    /// The line of the policy that asked for it.
    public let policyLine: PolicyLine?
    /// Everything that was checked; empty where the check stands alone.
    public let findings: [Finding]

    public init(_ code: ManagerError.Code, _ check: String, expected: String, found: String) {
        self.code = code
        self.check = check
        self.expected = expected
        self.found = found
        policyLine = nil
        findings = []
    }

    /// A check among others.
    init(_ failure: Finding?, among findings: [Finding]) {
        code = .forbidden
        check = failure?.check ?? "request"
        expected = failure?.expected ?? "a check"
        found = failure?.found ?? "none"
        policyLine = failure?.policyLine
        self.findings = findings
    }

    /// What cannot be read.
    init(_ error: FormatError, _ code: ManagerError.Code = .malformed) {
        self.init(code, error.check, expected: error.expected, found: error.found)
    }

    /// What a platform's message is refused for.
    init(_ error: EvidenceError) {
        self.init(.forbidden, error.check, expected: error.expected, found: error.found)
    }

    public var description: String {
        let line = policyLine.map { ", asked for by \($0)" } ?? ""
        return "the check \(check) failed: expected \(expected), found \(found)\(line)"
    }
}
