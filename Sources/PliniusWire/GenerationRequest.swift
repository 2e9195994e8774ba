/// How texts are to be continued.
public struct GenerationRequest: Hashable, Sendable, WireField {
    /// Characters to add to each text.
    public var count: UInt32 = 0
    /// Of the softmax: the lower, the likelier the characters.
    public var temperature: Float = 0
    /// What is drawn follows from it.
    public var seed: UInt64 = 0

    init() {}

    /// Asks for `count` characters.
    public init(count: UInt32, temperature: Float, seed: UInt64) {
        (self.count, self.temperature, self.seed) = (count, temperature, seed)
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.count, \.temperature, \.seed)
    }
}
