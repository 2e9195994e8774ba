/// What to train, and how; `nil` leaves a choice to the pool, then to the configuration, then to the enclave.
public struct TrainRequest: Hashable, Sendable, WireField {
    public var config = ConfigFile()
    /// The name of the run.
    public var run = ""
    /// Where the run is; `nil` for one that is to begin: the enclave asks for a place with ``Event/allocate(byteCounts:)``.
    public var extent: PoolExtent?
    /// The data sets that were handed over, by the names that messages show, in the order of their records; 1 to 16.
    public var datasets = [""]
    /// Whether a test set was handed over, to evaluate on at the end.
    public var hasTestData = false
    /// How the model is measured while it trains; `nil` if it is not.
    public var validation: ValidationRequest?
    /// Updates at which training ends, counted from the beginning of the run.
    public var iterations: UInt64?
    /// The same in epochs.
    public var epochs: UInt64?
    /// By name.
    public var executor: String?
    public var seed: UInt64?
    /// Of the initial parameters alone; ``seed`` if there is none.
    public var initSeed: UInt64?
    public var threads: UInt32?
    /// What the model has to be for; `nil` for whatever it is for.
    public var task: ModelTask?
    /// Iterations per mirror-out, at least 1.
    public var mirrorEvery: UInt32 = 1
    /// Threads that open batches, 1 to ``maximumDataWorkerCount``.
    public var dataWorkers: UInt32 = 1
    /// The cipher of a new run, by name.
    public var cipher: String?
    public var crash: CrashRequest?
    /// How the owner's key comes from its owner; `nil` if it was handed over as a file.
    public var owner: OwnerWait?

    init() {}

    /// Asks for a training run with nothing chosen but the network.
    public init(config: ConfigFile, run: String, extent: PoolExtent?) {
        self.config = config
        self.run = run
        self.extent = extent
    }

    /// How many data sets a run learns from at most.
    public static let maximumDatasetCount = String.maximumListCount
    /// How many threads open batches at most.
    public static let maximumDataWorkerCount: UInt32 = 64

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.config, \.run, \.extent, \.datasets)
        try visit(&self, \.hasTestData, \.iterations, \.executor, \.seed, \.threads, \.mirrorEvery, \.cipher, \.crash)
        try visit(&self, \.task, \.owner, \.dataWorkers, \.validation, \.epochs, \.initSeed)
    }
}

/// How a model is measured on a validation set, which was handed over, and where the best one is kept.
public struct ValidationRequest: Hashable, Sendable, WireField {
    /// What the pool calls the best model.
    public var best = ""
    /// Where it is; `nil` if it is to begin.
    public var extent: PoolExtent?
    /// Updates from one validation to the next; `nil` for one at the end of each epoch.
    public var every: UInt64?
    /// How many validations without a better score end training; `nil` for any number.
    public var patience: UInt64?

    init() {}

    public init(best: String, extent: PoolExtent?, every: UInt64?, patience: UInt64?) {
        self.best = best
        self.extent = extent
        self.every = every
        self.patience = patience
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.best, \.extent, \.every, \.patience)
    }
}

/// Where a test wants the enclave to kill itself.
public struct CrashRequest: Hashable, Sendable, WireField {
    /// A crash point of the mirror, or behind `best.` of the best model's.
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

/// The enclave is to get the key from an owner, whom it has to convince first.
public struct OwnerWait: Hashable, Sendable, WireField {
    /// The platform whose evidence convinces, by name; `nil` for whatever the machine offers.
    public var platform: String?
    /// How the TPM is reached, as tpm2-tss names it; `nil` for the machine's own.
    public var tpm: String?
    /// Whether the key is to be sealed for restarts, where the owner permits it.
    public var keepsKey = false
    /// The key as an earlier process of the run had it kept by ``Event/keep(_:)``; empty if there is none.
    public var keptKey: [UInt8] = []
    /// The owner's approvals of a TPM's registers, ``approvalByteCount`` each, one behind the other.
    public var approvals: [UInt8] = []
    /// Where the TPM counts the starts of the run; `nil` if it does not.
    public var counter: UInt32?

    /// No sealed key is longer.
    public static let maximumKeptByteCount = 4096
    /// The length of an approval: r and s of ECDSA over P-256.
    public static let approvalByteCount = 64
    /// How many approvals there are at most.
    public static let maximumApprovalCount = 16

    init() {}

    public init(platform: String?, tpm: String?) {
        self.platform = platform
        self.tpm = tpm
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.platform, \.tpm, \.keepsKey, \.counter)
        try visit.bytes(&keptKey, atMost: Self.maximumKeptByteCount)
        try visit.bytes(&approvals, atMost: Self.maximumApprovalCount * Self.approvalByteCount)
    }
}
