/// What to use a model of the pool with: to evaluate it, or to have it predict.
public struct TestRequest: Hashable, Sendable, WireField {
    public var config = ConfigFile()
    public var run = RunPlace()
    /// By name.
    public var executor: String?
    public var threads: UInt32?
    /// Images per pass; `nil` for as many as it was trained with.
    public var batch: UInt32?
    /// What the model has to be for; `nil` for whatever it is for.
    public var task: ModelTask?
    /// How the owner's key comes from its owner; `nil` if it was handed over as a file.
    public var owner: OwnerWait?
    /// How texts are continued; `nil` to predict what is there, and for a test.
    public var generation: GenerationRequest?

    init() {}

    /// Asks with nothing chosen but the network.
    public init(config: ConfigFile, run: RunPlace) {
        self.config = config
        self.run = run
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.config, \.run, \.executor, \.threads, \.batch, \.task, \.owner, \.generation)
    }
}
