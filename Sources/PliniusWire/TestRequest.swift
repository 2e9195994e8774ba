/// What to evaluate the model of the pool with.
public struct TestRequest: Hashable, Sendable, WireField {
    public var config = ConfigFile()
    /// A name from ``Hello/executors``.
    public var executor: String?
    public var threads: UInt32?

    init() {}

    /// Asks for an evaluation with nothing chosen but the network.
    public init(config: ConfigFile) {
        self.config = config
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.config, \.executor, \.threads)
    }
}
