/// What owners have stated, as far as it counts now, and what was done on the strength of it.
public struct Registry: Sendable {
    /// Assets by their names, withdrawn ones left out.
    public var assets: [ScopedName: Asset] = [:]
    /// Assets that were there, and are not to be used any more.
    public var withdrawn: Set<ScopedName> = []
    /// Policies that count.
    public var policies: [ScopedName: OwnerPolicy] = [:]
    /// Stops that nobody has lifted.
    public var stops: [ActiveStop] = []
    /// The runs that were counted for each use.
    public var runs: [Counter: Set<Run>] = [:]
    /// The runs that have begun, and may only go on.
    public var begun: Set<Run> = []
    /// Where machines stand, by what evidence proves of them: `namespace/region`, by who vouches.
    public var platforms: [[UInt8]: Set<ScopedName>] = [:]

    /// What runs are counted by: a use of a policy, whatever the policy's version.
    public struct Counter: Hashable, Sendable, Comparable, CustomStringConvertible {
        public let policy: ScopedName
        /// ``OwnerPolicy/Use/id``.
        public let use: String

        public init(policy: ScopedName, use: String) {
            self.policy = policy
            self.use = use
        }

        public var description: String { "\(policy)#\(use)" }

        public static func < (first: Counter, second: Counter) -> Bool { first.description < second.description }
    }

    /// A stop that counts.
    public struct ActiveStop: Hashable, Sendable {
        public var statement: StatementHash
        /// Who stopped.
        public var namespace: String
        public var stop: Statement.Stop

        public init(statement: StatementHash, namespace: String, stop: Statement.Stop) {
            self.statement = statement
            self.namespace = namespace
            self.stop = stop
        }
    }

    public init() {}
}
