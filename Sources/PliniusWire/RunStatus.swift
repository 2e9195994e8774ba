/// What a run shows without a key.
public struct RunStatus: Hashable, Sendable, WireField {
    /// How many runs are told at most.
    public static let maximumListCount = 256

    /// What the pool calls it.
    public var name = ""
    /// Why nothing can be told of the run; empty if it can.
    public var problem = ""
    /// Hexadecimal.
    public var runID = ""
    /// Hexadecimal.
    public var configDigest = ""
    /// Hexadecimal.
    public var datasetID = ""
    public var seed: UInt64 = 0
    /// Of the initial parameters, if they have their own.
    public var initSeed: UInt64?
    public var cipher = ""
    public var executor = ""
    public var threads: UInt32 = 0
    /// Updates that the newest complete slot claims.
    public var iteration: UInt64 = 0
    /// Of the last batch, per image.
    public var loss: Float = 0
    /// Darknet's running average.
    public var averageLoss: Float = 0
    /// Of a best model: what validation gave it.
    public var score: Float?
    public var generation: UInt64 = 0
    /// What it takes of the pool.
    public var byteCount: UInt64 = 0
    /// In the order of the file.
    public var slots: [SlotStatus] = []

    /// Starts with every field empty; the sender sets them all.
    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.name, \.problem, \.runID, \.configDigest, \.datasetID, \.seed, \.cipher, \.executor)
        try visit(&self, \.threads, \.iteration, \.loss, \.averageLoss, \.generation, \.byteCount, \.slots)
        try visit(&self, \.score, \.initSeed)
    }
}

/// What the runs of a ``StatusRequest`` show, in its order.
public struct StatusReport: Hashable, Sendable, WireField {
    public var runs: [RunStatus] = []

    init() {}

    public init(runs: [RunStatus]) { self.runs = runs }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.runs)
    }
}

/// What one slot of a run claims.
public struct SlotStatus: Hashable, Sendable, WireField {
    /// `empty`, `complete`, `in progress` or `damaged`.
    public var state = ""
    public var iteration: UInt64 = 0
    public var generation: UInt64 = 0
    /// Commits since the run began.
    public var sequence: UInt64 = 0

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.state, \.iteration, \.generation, \.sequence)
    }
}
