public import PliniusWire

/// The files and choices of a training run, as the operator named them.
public struct TrainingOptions: Sendable {
    public var config: String
    /// What the configuration is to say of `compat`, beside what the file says.
    public var compat: String?
    /// The sealed data sets, in the order of their records.
    public var data: [String]
    public var pool: String
    /// What the pool calls the run.
    public var run = Self.defaultRun
    /// What a new pool is to take, in bytes; as much as its first run needs if nothing is said.
    public var poolBytes: UInt64?
    public var testData: String?
    /// A data set to validate the model on while it trains.
    public var validationData: String?
    /// Iterations from one validation to the next; `nil` for one at the end of each epoch.
    public var validateEvery: UInt64?
    /// How many validations without a better score end training.
    public var patience: UInt64?
    /// Where the owner's key comes from.
    public var key: KeySource
    public var iterations: UInt64?
    /// In place of ``iterations``.
    public var epochs: UInt64?
    public var executor: String?
    public var seed: UInt64?
    /// Of the initial parameters alone.
    public var initSeed: UInt64?
    public var threads: UInt32?
    /// What the model has to be for; `nil` for whatever it is for.
    public var task: ModelTask?
    public var mirrorEvery: UInt32 = 1
    /// Threads that open batches.
    public var dataWorkers: UInt32 = 1
    /// Where the enclave is to kill itself, for tests.
    public var crash: CrashRequest?
    /// When the enclave is to be killed, counted from its start, for demonstrations.
    public var killAfter: Duration?

    /// What a run is called that was given no name.
    public static let defaultRun = "default"

    /// A run with nothing chosen but its files.
    public init(config: String, data: [String], pool: String, key: KeySource) {
        self.config = config
        self.data = data
        self.pool = pool
        self.key = key
    }
}
