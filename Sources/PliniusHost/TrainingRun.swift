import PliniusPersistence
import PliniusRuns
import PliniusWire

/// Trains once: opens the files, runs the enclave, keeps the account.
public struct TrainingRun {
    private let options: TrainingOptions
    private let sinks: [any EventSink]
    private let signals: StopSignals

    /// Prepares a run that tells `sinks` what happens.
    public init(_ options: TrainingOptions, sinks: [any EventSink], signals: StopSignals) {
        self.options = options
        self.sinks = sinks
        self.signals = signals
    }

    /// Trains to the end, or to the first signal.
    /// - Throws: `HostError`; its message says what is safe in the pool.
    public func run() throws(HostError) -> TrainingReport {
        let config = try ConfigFile(path: options.config, compat: options.compat)
        guard 1...TrainRequest.maximumDatasetCount ~= options.data.count else {
            throw HostError(
                .usage,
                "there are \(options.data.count) data sets: a run learns from 1 to \(TrainRequest.maximumDatasetCount)")
        }
        var data: [OpenFile] = []
        for path in options.data { data.append(try .forReading(path, as: "data set")) }
        let testData: OpenFile? =
            if let path = options.testData { try .forReading(path, as: "test set") } else { nil }
        let validationData: OpenFile? =
            if let path = options.validationData { try .forReading(path, as: "validation set") } else { nil }
        guard validationData != nil || options.validateEvery == nil && options.patience == nil else {
            throw HostError(.usage, "--validate-every and --patience go with --validation-data")
        }
        guard options.iterations == nil || options.epochs == nil else {
            throw HostError(.usage, "--iterations and --epochs exclude each other: give one of them")
        }
        let keys = try options.key.openKeys(forDatasets: data.count) { tell(.note($0)) }
        let attestationKey = try options.key.openAttestationKey()
        let pool = try PoolFile.forTraining(options.pool)

        var request = TrainRequest(config: config, run: options.run, extent: try pool.place(of: options.run))
        request.datasets = options.data
        request.hasTestData = testData != nil
        if validationData != nil {
            let best = Pool.bestRun(of: options.run)
            request.validation = ValidationRequest(
                best: best, extent: try pool.place(of: best), every: options.validateEvery, patience: options.patience)
        }
        request.iterations = options.iterations
        request.epochs = options.epochs
        request.initSeed = options.initSeed
        request.executor = options.executor
        request.seed = options.seed
        request.threads = options.threads
        request.task = options.task
        request.mirrorEvery = options.mirrorEvery
        request.dataWorkers = options.dataWorkers
        request.crash = options.crash
        request.owner = try options.key.wait()
        let keptKey = options.key.keptKey(of: options.run, in: options.pool)
        if let keptKey { request.owner?.keptKey = keptKey.read { tell(.note($0)) } }

        var session = EnclaveSession(
            files: .init(
                pool: pool, data: data, testData: testData, validationData: validationData, keys: keys,
                attestationKey: attestationKey),
            signals: signals,
            killAfter: options.killAfter
        )
        session.poolBytes = options.poolBytes
        if request.extent == nil { session.newRuns.append(options.run) }
        if let validation = request.validation, validation.extent == nil { session.newRuns.append(validation.best) }
        session.relay = try options.key.listen(for: "train", run: options.run)
        session.keptKey = keptKey
        var account = TrainingAccount(isNewPool: pool.isNew)
        do throws(HostError) {
            let answer = try session.run(.train(request)) { notice in
                switch notice {
                case .event(let event):
                    account.note(event)
                    tell(.event(event))
                case .owner(let sentence): tell(.note(sentence))
                case .stopping(let signal):
                    let name = Termination.names[signal] ?? "signal \(signal)"
                    tell(.note("\(name): stopping when this iteration is mirrored; a second signal kills"))
                }
            }
            tell(.event(answer))
            return account.report(for: answer)
        } catch {
            let complete = error.isDeathOfEnclave ? error.adding(account.whatIsSafe) : error
            tell(.failed(complete))
            throw complete
        }
    }

    private func tell(_ report: HostEvent) {
        for sink in sinks { sink.receive(report) }
    }

}
