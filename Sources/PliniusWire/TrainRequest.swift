/// What to train, and how; `nil` leaves a choice to the pool, then to the configuration, then to the enclave.
public struct TrainRequest: Hashable, Sendable, WireField {
    public var config = ConfigFile()
    public var poolState: PoolState = .fresh
    /// What a new pool is to take, in bytes; as much as the run needs if nothing is said.
    public var poolBytes: UInt64?
    /// The name of the run, which is begun if the pool does not hold it.
    public var run = ""
    /// Whether a test set was handed over, to evaluate on at the end.
    public var hasTestData = false
    /// Updates at which training ends, counted from the beginning of the run.
    public var iterations: UInt64?
    /// A name from ``Hello/executors``.
    public var executor: String?
    public var seed: UInt64?
    public var threads: UInt32?
    /// Iterations per mirror-out, at least 1.
    public var mirrorEvery: UInt32 = 1
    /// The cipher of a new run, by name.
    public var cipher: String?
    public var crash: CrashRequest?

    init() {}

    /// Asks for a training run with nothing chosen but the network.
    public init(config: ConfigFile, poolState: PoolState, run: String) {
        self.config = config
        self.poolState = poolState
        self.run = run
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.config)
        try visit.choice(&poolState)
        try visit(&self, \.poolBytes, \.run)
        try visit(&self, \.hasTestData, \.iterations, \.executor, \.seed, \.threads, \.mirrorEvery, \.cipher, \.crash)
    }
}

/// Whether the host hands over a pool that holds something.
public enum PoolState: UInt8, Hashable, Sendable {
    /// Empty and without a name; the enclave asks for the name with ``Event/publishPool`` once iteration 0 is mirrored.
    case fresh = 1
    /// Has a name: every run in it holds at least one mirror that verifies, or is damaged.
    case existing = 2
}

/// Where a test wants the enclave to kill itself.
public struct CrashRequest: Hashable, Sendable, WireField {
    /// A crash point of the mirror.
    public var point = ""
    /// Passes over the point before the one that kills; 0 kills at the first.
    public var countdown: UInt32 = 0

    init() {}

    public init(point: String, countdown: UInt32) {
        self.point = point
        self.countdown = countdown
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.point, \.countdown)
    }
}
