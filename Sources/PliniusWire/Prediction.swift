/// What came of a prediction, without what was predicted.
public struct Prediction: Hashable, Sendable, WireField {
    /// The name of the sealed results, hexadecimal; new for every prediction.
    public var id = ""
    /// Updates that the model has seen.
    public var iteration: UInt64 = 0
    public var task = ModelTask.classify
    /// Results: one for each image, or for each text that was continued.
    public var count: UInt64 = 0
    /// Numbers in each result, or characters of a continuation.
    public var outputs: UInt32 = 0
    /// Length of the file.
    public var byteCount: UInt64 = 0
    public var imagesPerSecond: Float = 0

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.id, \.iteration, \.count, \.outputs, \.byteCount, \.imagesPerSecond, \.task)
    }
}
