/// The end of a complete run.
public struct TrainResult: Hashable, Sendable, WireField {
    /// Updates that the pool holds.
    public var iterations: UInt64 = 0
    /// Of the last batch, per image.
    public var loss: Float = 0
    /// Darknet's running average.
    public var averageLoss: Float = 0
    /// From the first iteration of this process to its last mirror-out.
    public var wallNanoseconds: UInt64 = 0
    /// Why training ended before the last iteration; empty if it did not.
    public var earlyEnd = ""
    /// What validation found; `nil` without.
    public var best: BestModel?

    init() {}

    public init(iterations: UInt64, loss: Float, averageLoss: Float, wallNanoseconds: UInt64) {
        self.iterations = iterations
        self.loss = loss
        self.averageLoss = averageLoss
        self.wallNanoseconds = wallNanoseconds
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.iterations, \.loss, \.averageLoss, \.wallNanoseconds)
        try visit.text(&earlyEnd, atMost: WireLimit.message)
        try visit(&self, \.best)
    }
}

/// The end of a run that was asked to stop, or had to.
public struct StopEvent: Hashable, Sendable, WireField {
    public var reason = ""
    /// Updates that the pool holds.
    public var iteration: UInt64 = 0
    /// Whether the keys may not be used any more, whatever the host asks for.
    public var isLeaseOver = false

    init() {}

    public init(reason: String, iteration: UInt64, isLeaseOver: Bool = false) {
        self.reason = reason
        self.iteration = iteration
        self.isLeaseOver = isLeaseOver
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.text(&reason, atMost: WireLimit.message)
        try visit(&self, \.iteration, \.isLeaseOver)
    }
}

/// Why the work was given up.
public struct Failure: Hashable, Sendable, WireField {
    /// The kind of failure, by the exit code that it leads to.
    public enum Category: UInt8, Hashable, Sendable {
        /// The work failed.
        case failed = 1
        /// The request cannot be meant: configuration, options, another run's pool.
        case usage = 2
        /// Something does not verify: tampered with, or the wrong key.
        case integrity = 3
        /// The pool holds nothing to resume from.
        case recovery = 4
    }

    public var category: Category = .failed
    /// What was checked, expected and found, and what to do.
    public var message = ""

    init() {}

    public init(category: Category, message: String) {
        self.category = category
        self.message = message
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.choice(&category)
        try visit.text(&message, atMost: WireLimit.message)
    }
}
