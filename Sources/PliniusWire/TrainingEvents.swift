/// How recovery judged the pool.
public struct ResumeEvent: Hashable, Sendable, WireField {
    /// A short name: `resumed`, `resumed-after-torn-commit`.
    public var verdict = ""
    /// Updates that the mirror holds.
    public var iteration: UInt64 = 0
    /// Process starts that wrote to this pool, this one included.
    public var generation: UInt64 = 0
    /// The slot that was taken: 0 or 1.
    public var slot: UInt8 = 0
    /// The verdict in a sentence, with what may have been lost.
    public var message = ""

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.verdict, \.iteration, \.generation, \.slot)
        try visit.text(&message, atMost: WireLimit.message)
    }
}

/// One update, measured.
public struct IterationEvent: Hashable, Sendable, WireField {
    /// Updates made so far, this one included.
    public var iteration: UInt64 = 0
    /// The epoch of its last image, from 1.
    public var epoch: UInt64 = 0
    /// Of this batch, per image.
    public var loss: Float = 0
    /// Darknet's running average.
    public var averageLoss: Float = 0
    public var learningRate: Float = 0
    /// The whole iteration: waiting for the batch, computing, mirroring; no validation.
    public var iterationNanoseconds: UInt64 = 0
    /// Its mirror-out; 0 if it had none.
    public var mirrorNanoseconds: UInt64 = 0
    /// Opening its batch, wherever that overlapped.
    public var batchNanoseconds: UInt64 = 0
    public var imagesPerSecond: Float = 0

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.iteration, \.loss, \.averageLoss, \.learningRate, \.iterationNanoseconds)
        try visit(&self, \.mirrorNanoseconds, \.batchNanoseconds, \.imagesPerSecond, \.epoch)
    }
}

/// One validation.
public struct ValidationEvent: Hashable, Sendable, WireField {
    public var evaluation = Evaluation()
    /// Whether the model is the best so far, and mirrored as such.
    public var isBest = false
    /// The best model, this one included; `nil` if none has a score.
    public var best: BestModel?

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.evaluation, \.isBest, \.best)
    }
}

/// The model that validation found best.
public struct BestModel: Hashable, Sendable, WireField {
    /// What the pool calls it.
    public var run = ""
    /// Updates that it has seen.
    public var iteration: UInt64 = 0
    /// Larger is better.
    public var score: Float = 0

    init() {}

    public init(run: String, iteration: UInt64, score: Float) {
        self.run = run
        self.iteration = iteration
        self.score = score
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.run, \.iteration, \.score)
    }
}

/// One durable mirror-out.
public struct MirrorEvent: Hashable, Sendable, WireField {
    /// Updates that the mirror holds.
    public var iteration: UInt64 = 0
    public var generation: UInt64 = 0
    /// Bytes written to the slot.
    public var bytes: UInt64 = 0
    public var nanoseconds: UInt64 = 0

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.iteration, \.generation, \.bytes, \.nanoseconds)
    }
}
