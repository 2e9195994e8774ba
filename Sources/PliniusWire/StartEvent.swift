/// A run as the enclave is about to train or test it.
public struct StartEvent: Hashable, Sendable, WireField {
    /// What the pool calls the run.
    public var run = ""
    /// Hexadecimal; new for every new run.
    public var runID = ""
    /// SHA-256 of the normalised configuration, hexadecimal.
    public var configDigest = ""
    public var task = ModelTask.classify
    public var layers: UInt32 = 0
    /// Learnable numbers, all layers together.
    public var parameters: UInt64 = 0
    /// Images per iteration.
    public var batch: UInt32 = 0
    /// Updates at which training ends.
    public var iterations: UInt64 = 0
    public var executor = ""
    public var threads: UInt32 = 0
    /// What protects the enclave, as evidence showed its owner; `simulated` if nothing but the kernel does.
    public var tee = ""
    /// What the medium of the pool promises: `T0` to `T3`.
    public var tier = ""
    /// What a commit on that tier survives, in a sentence.
    public var tierSurvives = ""
    public var cipher = ""
    /// Whose implementation of the cipher runs.
    public var provider = ""
    /// Bytes that one mirror-out seals.
    public var mirrorBytes: UInt64 = 0
    /// Images in the data set.
    public var trainCount: UInt64 = 0
    public var seed: UInt64 = 0
    /// The iteration of the mirror that was taken over; `nil` for a fresh run.
    public var resumedFrom: UInt64?
    /// What recovery found, in a sentence.
    public var verdict = ""

    /// Starts with every field empty; the sender sets them all.
    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.run, \.runID, \.configDigest, \.layers, \.parameters, \.batch, \.iterations, \.executor)
        try visit(&self, \.threads, \.tee, \.tier)
        try visit.text(&tierSurvives, atMost: WireLimit.message)
        try visit(&self, \.cipher, \.provider, \.mirrorBytes, \.trainCount, \.seed, \.resumedFrom)
        try visit.text(&verdict, atMost: WireLimit.message)
        try visit(&self, \.task)
    }
}
