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
        let config = try ConfigFile(path: options.config)
        let data = try OpenFile.forReading(options.data, as: "data set")
        let testData: OpenFile? =
            if let path = options.testData { try .forReading(path, as: "test set") } else { nil }
        let key = try options.key.openKey { tell(.note($0)) }
        let attestationKey = try options.key.openAttestationKey()
        let pool = try PoolFile.forTraining(options.pool)

        var request = TrainRequest(config: config, run: options.run, extent: try pool.place(of: options.run))
        request.hasTestData = testData != nil
        request.iterations = options.iterations
        request.executor = options.executor
        request.seed = options.seed
        request.threads = options.threads
        request.mirrorEvery = options.mirrorEvery
        request.crash = options.crash
        request.owner = options.key.wait

        var session = EnclaveSession(
            files: .init(pool: pool, data: data, testData: testData, key: key, attestationKey: attestationKey),
            signals: signals,
            killAfter: options.killAfter
        )
        if request.extent == nil { session.newRun = (options.run, options.poolBytes) }
        session.relay = try options.key.listen()
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
