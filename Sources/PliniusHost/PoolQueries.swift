import PliniusPersistence
import PliniusRuns
public import PliniusWire

/// Evaluates a model in a pool on a sealed data set.
public struct PoolTest {
    private let config: String
    private let data: String
    private let pool: String
    private let key: KeySource
    private let sinks: [any EventSink]
    private let signals: StopSignals
    /// The name of the run; `nil` for the only one of the pool.
    public var run: String?
    /// What evaluates; `nil` for what trained.
    public var executor: String?
    public var threads: UInt32?

    /// Prepares an evaluation that tells `sinks` what happens.
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

    /// Evaluates; the pool is left as it is.
    /// - Throws: `HostError`.
    public func evaluate() throws(HostError) -> Evaluation {
        let pool = try PoolFile.forReading(pool)
        var request = TestRequest(config: try ConfigFile(path: config), run: try pool.run(run))
        request.executor = executor
        request.threads = threads
        let data = try OpenFile.forReading(data, as: "data set")
        request.owner = try key.wait()
        let keys = try key.openKeys(forDatasets: 1) { note in for sink in sinks { sink.receive(.note(note)) } }
        var session = EnclaveSession(
            files: .init(pool: pool, data: [data], keys: keys, attestationKey: try key.openAttestationKey()),
            signals: signals
        )
        session.relay = try key.listen(for: "test", run: request.run.name)
        let answer = try session.run(.test(request)) { notice in
            let event: HostEvent
            switch notice {
            case .event(let told): event = .event(told)
            case .owner(let sentence): event = .note(sentence)
            case .stopping: return
            }
            for sink in sinks { sink.receive(event) }
        }
        guard case .evaluation(let evaluation) = answer else { preconditionFailure("a test is answered by its result") }
        return evaluation
    }
}

/// Reads what a pool shows to everybody.
public enum PoolInspection {
    /// Asks an enclave that has no key, so nothing of the answer is authenticated.
    ///
    /// A trainer may be at work on the pool meanwhile.
    /// - Parameter run: The name of a run; `nil` for all.
    /// - Throws: `HostError`.
    public static func status(of path: String, run: String?, signals: StopSignals) throws(HostError) -> PoolStatus {
        let pool = try PoolFile.forInspection(path)
        let all = try pool.runs
        let wanted = if let run { [try pool.run(run)] } else { Array(all.prefix(RunPlace.maximumListCount)) }
        let answer = try EnclaveSession(files: .init(pool: pool), signals: signals).run(
            .status(StatusRequest(runs: wanted))
        ) { _ in }
        guard case .status(let report) = answer else { preconditionFailure("a status is answered by its fields") }
        let summary = pool.summary
        return PoolStatus(
            tier: "\(summary.tier)", tierSurvives: summary.tier.survives, byteCount: UInt64(summary.byteCount),
            freeBytes: UInt64(summary.freeBytes), largestFreeBytes: UInt64(summary.largestFreeBytes),
            runCount: UInt64(all.count), runs: report.runs)
    }
}

/// What a pool shows without a key: nothing of it is authenticated.
public struct PoolStatus: Sendable {
    public let tier: String
    public let tierSurvives: String
    /// Size of the pool file.
    public let byteCount: UInt64
    /// Bytes that further runs may take, and the most of them in a row.
    public let freeBytes: UInt64
    public let largestFreeBytes: UInt64
    /// The runs that the pool holds; ``runs`` has those that were asked for, and a limited number of them.
    public let runCount: UInt64
    /// Sorted by name.
    public let runs: [RunStatus]
}
