import Glibc
public import PliniusWire

/// Has a model in a pool predict a sealed data set, into a file that only the owner of the results can read.
public struct PoolPrediction {
    private let config: String
    private let data: String
    private let pool: String
    private let key: KeySource
    private let results: String
    private let sinks: [any EventSink]
    private let signals: StopSignals
    /// The name of the run; `nil` for the only one of the pool.
    public var run: String?
    /// What computes; `nil` for what trained.
    public var executor: String?
    public var threads: UInt32?

    /// Prepares a prediction that tells `sinks` what happens.
    public init(
        config: String,
        data: String,
        pool: String,
        key: KeySource,
        results: String,
        sinks: [any EventSink],
        signals: StopSignals
    ) {
        self.config = config
        self.data = data
        self.pool = pool
        self.key = key
        self.results = results
        self.sinks = sinks
        self.signals = signals
    }

    /// Predicts; the pool is left as it is, and the file of results appears complete and durable, or not at all.
    /// - Throws: `HostError`; `usage` if there is a file of that name already.
    public func predict() throws(HostError) -> Prediction {
        guard access(results, F_OK) != 0 else {
            throw HostError(.usage, "\(results) is there already: choose another name, or remove it")
        }
        let pool = try PoolFile.forReading(pool)
        var request = TestRequest(config: try ConfigFile(path: config), run: try pool.run(run))
        request.executor = executor
        request.threads = threads
        let data = try OpenFile.forReading(data, as: "data set")
        request.owner = try key.wait()
        let keys = try key.openKeys(forDatasets: 1) { tell(.note($0)) }
        let file = try UnnamedFile.create(for: results, as: "file of results")
        var session = EnclaveSession(
            files: .init(
                pool: pool, data: [data], keys: keys, attestationKey: try key.openAttestationKey(), results: file.file),
            signals: signals
        )
        session.relay = try key.listen(for: "infer", run: request.run.name)
        let answer = try session.run(.predict(request)) { notice in
            switch notice {
            case .event(let event): tell(.event(event))
            case .owner(let sentence): tell(.note(sentence))
            case .stopping: return
            }
        }
        guard case .prediction(let prediction) = answer else {
            preconditionFailure("a prediction is answered by what came of it")
        }
        guard fsync(file.file.descriptor) == 0 else { throw HostError(.failed, Errno.current.explain(results)) }
        try file.publish()
        return prediction
    }

    private func tell(_ event: HostEvent) {
        for sink in sinks { sink.receive(event) }
    }
}
