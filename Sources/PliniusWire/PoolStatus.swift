/// What a pool shows without a key: nothing of it is authenticated.
public struct PoolStatus: Hashable, Sendable, WireField {
    public var tier = ""
    public var tierSurvives = ""
    /// Size of the pool file.
    public var byteCount: UInt64 = 0
    /// Bytes that further runs may take, and the most of them in a row.
    public var freeBytes: UInt64 = 0
    public var largestFreeBytes: UInt64 = 0
    /// The runs that the pool holds; ``runs`` has those that were asked for, and not more than ``RunStatus/maximumListCount``.
    public var runCount: UInt64 = 0
    /// Sorted by name.
    public var runs: [RunStatus] = []

    /// Starts with every field empty; the sender sets them all.
    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.tier)
        try visit.text(&tierSurvives, atMost: WireLimit.message)
        try visit(&self, \.byteCount, \.freeBytes, \.largestFreeBytes, \.runCount, \.runs)
    }
}
