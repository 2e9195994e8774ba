/// What a pool shows without a key: nothing of it is authenticated.
public struct PoolStatus: Hashable, Sendable, WireField {
    /// Hexadecimal.
    public var runID = ""
    /// Hexadecimal.
    public var configDigest = ""
    /// Hexadecimal.
    public var datasetID = ""
    public var seed: UInt64 = 0
    public var cipher = ""
    public var executor = ""
    public var threads: UInt32 = 0
    /// Updates that the newest complete slot claims.
    public var iteration: UInt64 = 0
    public var generation: UInt64 = 0
    public var tier = ""
    public var tierSurvives = ""
    /// Size of the pool file.
    public var byteCount: UInt64 = 0
    /// In the order of the file.
    public var slots: [SlotStatus] = []

    /// Starts with every field empty; the sender sets them all.
    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.runID, \.configDigest, \.datasetID, \.seed, \.cipher, \.executor, \.threads, \.iteration)
        try visit(&self, \.generation, \.tier)
        try visit.text(&tierSurvives, atMost: WireLimit.message)
        try visit(&self, \.byteCount, \.slots)
    }
}

/// What one slot of a pool claims.
public struct SlotStatus: Hashable, Sendable, WireField {
    /// `complete`, `in progress` or `damaged`.
    public var state = ""
    public var iteration: UInt64 = 0
    public var generation: UInt64 = 0
    /// Commits since the pool was created.
    public var sequence: UInt64 = 0

    init() {}

    public init(state: String, iteration: UInt64, generation: UInt64, sequence: UInt64) {
        self.state = state
        self.iteration = iteration
        self.generation = generation
        self.sequence = sequence
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.state, \.iteration, \.generation, \.sequence)
    }
}
