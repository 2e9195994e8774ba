/// Why a request was not done (RFC 9457): what a manager answers instead, as `application/problem+json`.
public struct ProblemDetails: Error, Hashable, Sendable, Codable {
    public static let mediaType = "application/problem+json"

    /// What kind of problem it is: `about:blank` for one that its status says enough about, or `urn:perun:problem:` and a name.
    public var type: String
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What was checked, expected and found, and what to do, in sentences.
    public var detail: String
    /// The check that failed, by a name that stays the same.
    public var check: String?
    public var expected: String?
    public var found: String?
    /// The line of the policy that asked for it.
    public var policyLine: String?
    /// All that was checked.
    public var findings: [FindingMessage]?
    /// Names the request in the manager's log.
    public var request: String?

    public init(
        type: String = "about:blank", title: String, status: Int, detail: String, check: String? = nil,
        expected: String? = nil, found: String? = nil, policyLine: String? = nil, findings: [FindingMessage]? = nil,
        request: String? = nil
    ) {
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.check = check
        self.expected = expected
        self.found = found
        self.policyLine = policyLine
        self.findings = findings
        self.request = request
    }
}

extension ProblemDetails: CustomStringConvertible {
    public var description: String { "\(status) \(title): \(detail)" }
}

/// What one check found; a decision is a tree of them.
public struct FindingMessage: Hashable, Sendable, Codable {
    public var check: String
    /// `passed`, `failed` or `tolerated`.
    public var outcome: String
    public var expected: String
    public var found: String
    /// The setting of the policy that asked for it, with the line if there is one.
    public var policyLine: String?
    public var parts: [FindingMessage]

    public init(
        check: String, outcome: String, expected: String, found: String, policyLine: String?, parts: [FindingMessage]
    ) {
        self.check = check
        self.outcome = outcome
        self.expected = expected
        self.found = found
        self.policyLine = policyLine
        self.parts = parts
    }
}
