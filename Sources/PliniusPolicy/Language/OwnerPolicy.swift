public import PliniusVerifier
public import PliniusWire

/// Under which conditions an owner's assets may be used: for what, with whom, in which surroundings, how often and how long.
///
/// `docs/owner-policy.md` describes the file. Uses are alternatives; what none of them names is refused.
public struct OwnerPolicy: Sendable {
    /// The version of the file's format.
    public static let formatVersion = 1
    public static let maximumUses = 64

    public let name: Setting<ScopedName>
    /// Who has to agree before another policy takes its place.
    public let change: Setting<Board>
    public let uses: [Use]
    /// What is hashed and signed: the file's keys and values, with the files that it names.
    public let document: CanonicalJSON
    /// SHA-256 of the canonical document, 32 bytes.
    public let digest: [UInt8]
    /// Where the file's keys stand, by their paths; empty if only the document is known.
    let lines: [String: Int]

    /// One way of using assets.
    public struct Use: Sendable {
        /// What counters know it by: its name, or its purpose if it has none.
        public let id: String
        public let line: PolicyLine
        public let purpose: Setting<RuntimeData.Purpose>
        public let level: Setting<SecurityLevel>
        /// Assets of others that may take part.
        public let partners: Setting<[Partner]>
        /// The namespace that owns what comes out.
        public let outcome: Setting<String>
        /// How many runs may begin; `nil` for any number, where the policy says so.
        public let runs: Setting<Int?>
        /// `nil` for ever, where the policy says so.
        public let window: Setting<Window?>
        /// Where machines may stand, by who vouches for it; `nil` for anywhere, where the policy says so.
        public let regions: Setting<Set<ScopedName>?>
        public let lease: Setting<LeaseTerms>
        /// What alone may compute; `nil` for any executor.
        public let executor: Setting<GrantTerms.Executor>?
        /// What the surroundings have to prove, whatever the config and the data sets.
        let environment: Policy
    }

    /// Assets of others, by their names.
    public struct Partner: Hashable, Sendable, CustomStringConvertible {
        /// `hospital-b/*`: a namespace, or `*` for any, and a pattern for names.
        public let description: String
        private let namespace: String?
        private let names: Pattern

        /// Reads `namespace/pattern`.
        /// - Returns: `nil` if that is something else.
        public init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "*" || ScopedName.isName(String(parts[0])),
                ScopedName.isName(String(parts[1]).replacing("*", with: "a"))
            else { return nil }
            description = text
            namespace = parts[0] == "*" ? nil : String(parts[0])
            names = Pattern(String(parts[1]))
        }

        public func matches(_ name: ScopedName) -> Bool {
            (namespace.map { $0 == name.namespace } ?? true) && names.matches(name.name)
        }

        /// Whether it lets owners take part that nobody has named.
        var isOpen: Bool { namespace == nil }
    }

    /// From an instant until another, which does not belong to it.
    public struct Window: Hashable, Sendable {
        public let from: Instant
        public let until: Instant

        public init(from: Instant, until: Instant) {
            self.from = from
            self.until = until
        }

        public func contains(_ instant: Instant) -> Bool { from <= instant && instant < until }
    }
}

/// How long keys may be used until new evidence is asked for; whichever bound comes first.
public struct LeaseTerms: Hashable, Sendable {
    public var seconds: UInt32
    public var iterations: UInt64

    public static let maximumSeconds: UInt32 = 31 * 86_400

    public init(seconds: UInt32, iterations: UInt64) {
        self.seconds = seconds
        self.iterations = iterations
    }

    /// What both allow.
    public func intersection(_ other: LeaseTerms) -> LeaseTerms {
        LeaseTerms(seconds: min(seconds, other.seconds), iterations: min(iterations, other.iterations))
    }
}
