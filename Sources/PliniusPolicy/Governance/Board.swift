/// Who has to agree before a statement of an owner's counts.
public struct Board: Hashable, Sendable {
    /// What signatures have to make true.
    public indirect enum Rule: Hashable, Sendable {
        case key(OwnerKey)
        case allOf([Rule])
        /// As many of the list as the number says.
        case atLeast(Int, of: [Rule])
    }

    public let rule: Rule
    /// Whoever can stop a statement until it counts, each alone.
    public let veto: Set<OwnerKey>
    /// How long a statement waits once enough have agreed, in seconds.
    public let timeLock: Int64

    /// How deep rules may stand in each other.
    public static let maximumDepth = 8
    /// How many keys a rule, or a list of vetoes, may have.
    public static let maximumKeys = 64
    /// A year and a day.
    public static let maximumTimeLock: Int64 = 366 * 86_400

    /// Takes a rule.
    /// - Throws: `FormatError` with the check `board.depth`, `board.keys`, `board.count`, `board.member` or `board.time-lock`: a rule that
    ///   nothing can satisfy, or that everything satisfies, is none.
    public init(_ rule: Rule, veto: Set<OwnerKey> = [], timeLock: Int64 = 0) throws(FormatError) {
        try rule.check(depth: 1)
        let count = rule.places
        guard count <= Self.maximumKeys, veto.count <= Self.maximumKeys else {
            throw FormatError(
                "board.keys", expected: "at most \(Self.maximumKeys) keys, and as many for vetoes",
                found: "\(count) and \(veto.count)")
        }
        guard (0...Self.maximumTimeLock).contains(timeLock) else {
            throw FormatError(
                "board.time-lock", expected: "at most \(Self.maximumTimeLock) s", found: "\(timeLock) s")
        }
        self.rule = rule
        self.veto = veto
        self.timeLock = timeLock
    }

    /// The keys whose signatures can matter to the rule.
    public var keys: Set<OwnerKey> { rule.keys }

    /// Whether these agree enough.
    public func isSatisfied(by keys: Set<OwnerKey>) -> Bool { rule.isSatisfied(by: keys) }
}

extension Board.Rule {
    public var keys: Set<OwnerKey> {
        switch self {
        case .key(let key): [key]
        case .allOf(let rules), .atLeast(_, let rules): rules.reduce(into: []) { $0.formUnion($1.keys) }
        }
    }

    public func isSatisfied(by keys: Set<OwnerKey>) -> Bool {
        switch self {
        case .key(let key): keys.contains(key)
        case .allOf(let rules): rules.allSatisfy { $0.isSatisfied(by: keys) }
        case .atLeast(let count, let rules): rules.count { $0.isSatisfied(by: keys) } >= count
        }
    }

    /// How many keys it names, each as often as it does.
    fileprivate var places: Int {
        switch self {
        case .key: 1
        case .allOf(let rules), .atLeast(_, let rules): rules.reduce(0) { $0 + $1.places }
        }
    }

    fileprivate func check(depth: Int) throws(FormatError) {
        guard depth <= Board.maximumDepth else {
            throw FormatError(
                "board.depth", expected: "at most \(Board.maximumDepth) rules in each other", found: "more")
        }
        let rules: [Self]
        switch self {
        case .key: return
        case .allOf(let all): rules = all
        case .atLeast(let count, let all):
            rules = all
            guard (1...max(1, all.count)).contains(count) else {
                throw FormatError("board.count", expected: "1 to \(all.count) of \(all.count)", found: "\(count)")
            }
        }
        guard !rules.isEmpty else { throw FormatError("board.member", expected: "at least one member", found: "none") }
        // Whoever is there twice would agree with itself.
        guard Set(rules).count == rules.count else {
            throw FormatError("board.member", expected: "each member of a list once", found: "one twice")
        }
        for rule in rules { try rule.check(depth: depth + 1) }
    }
}
