/// What one named check found; a verdict is a tree of them.
public struct Finding: Hashable, Sendable, Codable {
    /// How a check ended.
    public enum Outcome: String, Hashable, Sendable, Codable {
        case passed
        case failed
        /// It would have failed, and a line of the policy lets it pass.
        case tolerated
    }

    /// Which check, by a name that stays the same: `snp.report.signature`.
    public let check: String
    public let outcome: Outcome
    /// What would have passed; empty where the parts below say it.
    public let expected: String
    /// What there was.
    public let found: String
    /// The line of the policy that asked for the check, or that let it pass; `nil` if evidence of this kind always needs it.
    public let policyLine: PolicyLine?
    /// The checks that this one consists of.
    public let parts: [Finding]

    public init(
        check: String, outcome: Outcome, expected: String, found: String, policyLine: PolicyLine?, parts: [Finding]
    ) {
        self.check = check
        self.outcome = outcome
        self.expected = expected
        self.found = found
        self.policyLine = policyLine
        self.parts = parts
    }

    /// The first check that failed, at the deepest place: what a refusal names.
    public var firstFailure: Finding? {
        guard outcome == .failed else { return nil }
        return parts.lazy.compactMap(\.firstFailure).first ?? self
    }
}

/// A line of a policy file.
public struct PolicyLine: Hashable, Sendable, Codable {
    /// The setting, with those around it: `sgx.tcb.tolerate`.
    public let setting: String
    /// From 1; `nil` for a policy that was not read from a file, and for a default.
    public let line: Int?

    public init(_ setting: String, line: Int? = nil) {
        self.setting = setting
        self.line = line
    }
}

extension PolicyLine: CustomStringConvertible {
    public var description: String { line.map { "\(setting) (line \($0))" } ?? setting }
}
