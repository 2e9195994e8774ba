public import PliniusWire

/// The files and choices of a training run, as the operator named them.
public struct TrainingOptions: Sendable {
    public var config: String
    public var data: String
    public var pool: String
    public var testData: String?
    /// The file with the owner's key; it lies on this machine, which is what makes it insecure.
    public var insecureLocalKey: String
    public var iterations: UInt64?
    public var executor: String?
    public var seed: UInt64?
    public var threads: UInt32?
    public var mirrorEvery: UInt32 = 1
    /// Where the enclave is to kill itself, for tests.
    public var crash: CrashRequest?
    /// When the enclave is to be killed, counted from its start, for demonstrations.
    public var killAfter: Duration?

    /// A run with nothing chosen but its files.
    public init(config: String, data: String, pool: String, insecureLocalKey: String) {
        self.config = config
        self.data = data
        self.pool = pool
        self.insecureLocalKey = insecureLocalKey
    }
}
