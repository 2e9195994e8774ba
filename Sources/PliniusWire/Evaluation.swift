/// How well a model does on a data set.
public struct Evaluation: Hashable, Sendable, WireField {
    /// Updates that the model has seen.
    public var iteration: UInt64 = 0
    /// Share of images whose most likely class is the true one.
    public var accuracy: Float = 0
    /// Images.
    public var count: UInt64 = 0
    public var correct: UInt64 = 0
    /// Mean over the images.
    public var loss: Float = 0
    public var imagesPerSecond: Float = 0

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.iteration, \.accuracy, \.count, \.correct, \.loss, \.imagesPerSecond)
    }
}
