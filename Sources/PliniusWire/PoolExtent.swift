/// A part of the pool file that the host gives to a run: where it lies, in bytes.
///
/// The enclave believes nothing of it: a part that is not the run's does not verify.
public struct PoolExtent: Hashable, Sendable, WireField {
    public var start: UInt64 = 0
    public var byteCount: UInt64 = 0

    init() {}

    public init(start: UInt64, byteCount: UInt64) {
        self.start = start
        self.byteCount = byteCount
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.start, \.byteCount)
    }
}

/// A run as the host knows it: what the pool calls it, and where it is.
public struct RunPlace: Hashable, Sendable, WireField {
    /// How many runs are asked for at most.
    public static let maximumListCount = 256

    public var name = ""
    public var extent = PoolExtent()

    init() {}

    public init(name: String, extent: PoolExtent) {
        self.name = name
        self.extent = extent
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.name, \.extent)
    }
}

/// The runs to tell something of, at most ``RunPlace/maximumListCount``.
public struct StatusRequest: Hashable, Sendable, WireField {
    public var runs: [RunPlace] = []

    init() {}

    public init(runs: [RunPlace]) { self.runs = runs }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.runs)
    }
}

/// Answers ``Event/allocate(byteCounts:)``.
public struct Allocation: Hashable, Sendable, WireField {
    /// Where new runs may be, in the order of what was asked for.
    public var extents: [PoolExtent] = []
    /// Why there is no room.
    public var refusal: Failure?

    init() {}

    public init(extents: [PoolExtent]) { self.extents = extents }

    public init(refusal: Failure) { self.refusal = refusal }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.extents, \.refusal)
    }
}
