/// What to evaluate a model of the pool with.
public struct TestRequest: Hashable, Sendable, WireField {
    public var config = ConfigFile()
    /// The name of a run; the only one if there is none.
    public var run: String?
    /// A name from ``Hello/executors``.
    public var executor: String?
    public var threads: UInt32?

    init() {}

    /// Asks for an evaluation with nothing chosen but the network.
    public init(config: ConfigFile) {
        self.config = config
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.config, \.run, \.executor, \.threads)
    }
}
