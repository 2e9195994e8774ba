/// Carries checks out one after the other and keeps what each found.
///
/// Nothing passes by being left out: what is built on an examination asks whether ``hasPassed``, and a part that could not be read is a
/// finding that failed.
package struct Examination {
    package private(set) var findings: [Finding] = []

    package init() {}

    /// Whether no check failed so far, and there was one.
    package var hasPassed: Bool { !findings.isEmpty && findings.allSatisfy { $0.outcome != .failed } }

    /// Notes a check.
    /// - Parameter tolerance: The line of the policy that lets it pass nevertheless, if there is one.
    /// - Returns: Whether work that relies on it may go on: it holds, or is tolerated.
    @discardableResult
    package mutating func check(
        _ name: String, _ holds: Bool, expected: String, found: String, askedBy line: PolicyLine? = nil,
        tolerance: PolicyLine? = nil
    ) -> Bool {
        let outcome: Finding.Outcome = holds ? .passed : tolerance == nil ? .failed : .tolerated
        findings.append(
            Finding(
                check: name, outcome: outcome, expected: expected, found: found,
                policyLine: outcome == .tolerated ? tolerance : line, parts: []))
        return outcome != .failed
    }

    /// Carries out checks that belong together; what the closure throws is a check of its own that failed.
    /// - Returns: What the closure returned, `nil` if it threw or any of its checks failed.
    package mutating func group<Value>(
        _ name: String, _ body: (inout Examination) throws(EvidenceError) -> Value
    ) -> Value? {
        var inner = Examination()
        var value: Value?
        do throws(EvidenceError) {
            value = try body(&inner)
        } catch {
            inner.check(error.check, false, expected: error.expected, found: error.found)
        }
        let passed = inner.hasPassed
        findings.append(
            Finding(
                check: name, outcome: passed ? .passed : .failed, expected: "", found: "", policyLine: nil,
                parts: inner.findings))
        return passed ? value : nil
    }

    /// Takes over what another examination found.
    package mutating func append(_ finding: Finding) { findings.append(finding) }
}

/// Why evidence could not even be read, or a step that everything after it needs was refused.
///
/// It is shaped as the check that failed, so that it becomes one.
public struct EvidenceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name of the check: `sgx.quote.format`.
    public let check: String
    public let expected: String
    public let found: String

    public init(_ check: String, expected: String, found: String) {
        self.check = check
        self.expected = expected
        self.found = found
    }

    public var description: String { "\(check): expected \(expected), found \(found)" }
}
