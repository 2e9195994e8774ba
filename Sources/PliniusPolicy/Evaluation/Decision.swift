public import PliniusVerifier
public import PliniusWire

/// What becomes of a request: whether keys are released, why or why not, and on which terms.
public struct Decision: Sendable {
    /// The checks, as a tree: `request`, each `asset[…]`, each `policy[…]` with its `use[…]`, `terms.executor` where one is named.
    ///
    /// Uses are alternatives: within a policy that permits, a use that failed has failed nevertheless.
    public let findings: [Finding]
    /// The use of each policy that permits it, in the order of the policies' names; empty if the request is refused.
    public let permissions: [Permission]
    /// What takes part, what it was made from included, in order.
    public let assets: [ScopedName]
    /// The least that all owners allow; `nil` if the request is refused.
    public let terms: LeaseTerms?
    /// What alone may compute; `nil` if no owner names an executor, or if the request is refused.
    public let executor: GrantTerms.Executor?

    /// One owner's yes.
    public struct Permission: Hashable, Sendable {
        /// What the run is counted by, if it was not counted before.
        public let counter: Registry.Counter
        /// SHA-256 of the policy's canonical document: a lease ends when another takes its place that does not permit.
        public let policyDigest: [UInt8]
        public let level: SecurityLevel
        /// Whether the run is one more of those that the use allows.
        public let isCounted: Bool
    }

    public var isGranted: Bool { terms != nil }

    /// Whether an owner permits surroundings that protect nothing.
    public var isForTests: Bool { permissions.contains { $0.level == .test } }

    /// The owners of everything that takes part, in order.
    public var owners: [String] { Set(assets.map(\.namespace)).sorted() }

    /// The check that a refusal names: of the first policy that does not permit, what stands in the way of the use that comes nearest.
    public var firstFailure: Finding? {
        guard !isGranted else { return nil }
        guard let group = findings.first(where: { $0.outcome == .failed }) else { return nil }
        guard group.check.hasPrefix("policy[") else { return group.firstFailure }
        let uses = group.parts.filter { $0.check.hasPrefix("use[") }
        let nearest = uses.enumerated().min {
            ($0.element.failureCount, $0.offset) < ($1.element.failureCount, $1.offset)
        }
        return nearest?.element.firstFailure ?? group.firstFailure
    }

    /// Why it is refused, in a sentence.
    public var refusal: String? {
        firstFailure.map { failure in
            let line = failure.policyLine.map { ", asked for by \($0)" } ?? ""
            return "the check \(failure.check) failed: expected \(failure.expected), found \(failure.found)\(line)"
        }
    }
}

extension Finding {
    /// How much stands in the way; another purpose is farther away than anything else.
    fileprivate var failureCount: Int {
        parts.reduce(0) { count, part in
            count + (part.outcome != .failed ? 0 : part.check == "use.purpose" ? 100 : 1)
        }
    }
}

/// What became of evidence, judged by one use's environment.
public struct Judgement: Sendable {
    public let verdict: Verdict
    /// What the evidence proves of the machine: names of TPM keys, identifiers of chips.
    public let platforms: Set<[UInt8]>

    public init(verdict: Verdict, platforms: Set<[UInt8]>) {
        self.verdict = verdict
        self.platforms = platforms
    }

    /// Takes the identities from what the verdict has verified.
    public init(_ verdict: Verdict) {
        self.init(verdict: verdict, platforms: verdict.evidence?.platformIdentities ?? [])
    }
}
