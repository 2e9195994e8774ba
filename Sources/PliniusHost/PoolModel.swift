import Glibc
public import PliniusWire

/// A model in a pool that is used on a sealed data set; the pool is left as it is.
public struct PoolModel {
    private let config: String
    private let data: String
    private let pool: String
    private let key: KeySource
    private let sinks: [any EventSink]
    private let signals: StopSignals
    /// What the configuration is to say of `compat`, beside what the file says.
    public var compat: String?
    /// The name of the run; `nil` for the only one of the pool.
    public var run: String?
    /// What computes; `nil` for what trained.
    public var executor: String?
    public var threads: UInt32?
    /// Images per pass; `nil` for as many as it was trained with.
    public var batch: UInt32?
    /// What the model has to be for; `nil` for whatever it is for.
    public var task: ModelTask?

    /// Prepares to use a model and to tell `sinks` what happens.
    public init(
        config: String,
        data: String,
        pool: String,
        key: KeySource,
        sinks: [any EventSink],
        signals: StopSignals
    ) {
        self.config = config
        self.data = data
        self.pool = pool
        self.key = key
        self.sinks = sinks
        self.signals = signals
    }

    /// Evaluates the model.
    /// - Throws: `HostError`.
    public func evaluate() throws(HostError) -> Evaluation {
        guard case .evaluation(let evaluation) = try use(for: "test", asking: Command.test) else {
            preconditionFailure("a test is answered by its result")
        }
        return evaluation
    }

    /// Has the model predict, into a file that only the owner of the results can read; it appears complete and durable, or not
    /// at all.
    /// - Parameter generation: How texts are continued, if that is what is wanted.
    /// - Throws: `HostError`; `usage` if there is a file of that name already.
    public func predict(into results: String, generating generation: GenerationRequest? = nil) throws(HostError)
        -> Prediction
    {
        guard access(results, F_OK) != 0 else {
            throw HostError(.usage, "\(results) is there already: choose another name, or remove it")
        }
        let file = try UnnamedFile.create(for: results, as: "file of results")
        guard
            case .prediction(let prediction) = try use(
                for: "infer",
                asking: { request in
                    var request = request
                    request.generation = generation
                    return .predict(request)
                },
                results: file.file
            )
        else { preconditionFailure("a prediction is answered by what came of it") }
        guard fsync(file.file.descriptor) == 0 else { throw HostError(.failed, Errno.current.explain(results)) }
        try file.publish()
        return prediction
    }

    /// - Parameter purpose: What an owner who is waited for is told.
    private func use(
        for purpose: String, asking command: (TestRequest) -> Command, results: OpenFile? = nil
    ) throws(HostError) -> Event {
        let pool = try PoolFile.forReading(pool)
        var request = TestRequest(config: try ConfigFile(path: config, compat: compat), run: try pool.run(run))
        request.executor = executor
        request.threads = threads
        request.batch = batch
        request.task = task
        let data = try OpenFile.forReading(data, as: "data set")
        request.owner = try key.wait()
        let keys = try key.openKeys(forDatasets: 1) { tell(.note($0)) }
        var session = EnclaveSession(
            files: .init(
                pool: pool, data: [data], keys: keys, attestationKey: try key.openAttestationKey(), results: results),
            signals: signals
        )
        session.relay = try key.listen(for: purpose, run: request.run.name)
        return try session.run(command(request)) { notice in
            switch notice {
            case .event(let event): tell(.event(event))
            case .owner(let sentence): tell(.note(sentence))
            case .stopping: return
            }
        }
    }

    private func tell(_ event: HostEvent) {
        for sink in sinks { sink.receive(event) }
    }
}
