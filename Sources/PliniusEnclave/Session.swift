import PliniusMedia
import PliniusMirror
import PliniusNN
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// One request of the host, from the descriptors that it handed over to the event that ends it.
struct Session {
    /// The descriptors that the host passes on, by number.
    enum Descriptor {
        static let control: CInt = 3
        static let pool: CInt = 4
        static let testData: CInt = 6
        static let key: CInt = 7
        /// What signs simulated evidence.
        static let attestationKey: CInt = 8
        /// Takes sealed results.
        static let results: CInt = 39
        static let validationData: CInt = 40

        /// A data set that is trained on, and its key, which may be the first one's.
        static func data(_ index: Int) -> CInt { index == 0 ? 5 : 8 + CInt(index) }
        static func key(_ index: Int) -> CInt { index == 0 ? key : 23 + CInt(index) }
    }

    let control: Control

    /// Does what the host asks and says how it ended.
    func run(_ request: Command) -> Event {
        do throws(SessionError) {
            // First of all: it splits the process, which has to have one thread then.
            let proof = try request.owner.map { owner throws(SessionError) in try Proof(owner) }
            control.listen()
            switch request {
            case .train(let request): return try train(request, proof)
            case .test(let request): return try test(request, proof)
            case .predict(let request): return try predict(request, proof)
            case .status(let request): return .status(try status(request))
            case .stop, .allocated, .published, .relayed:
                throw SessionError(.integrity, "the host began with something else than a request")
            }
        } catch { return .failure(error.failure) }
    }

    // MARK: The requests

    private func train(_ request: TrainRequest, _ proof: Proof?) throws(SessionError) -> Event {
        let network = try parse(request.config)
        try request.requireCounts()
        let name = try reporting { try RunName(request.run) }
        let names = request.datasets
        // Claims, for an answer before an owner is waited for.
        let headers = try claimedHeaders(names)
        let count = headers.reduce(0) { $0 + $1.count * $1.samplesPerRecord }
        let epochs = Epochs(count: count, for: network.options)
        let target = try network.target(request, epochs)
        let subject = try subject(.train, proof, headers, named: names, network, run: name, at: request.extent)
        guard let access = try access(proof, to: subject, opening: headers) else {
            let reason = "the host asked for it while an owner was waited for"
            return .stopped(StopEvent(reason: reason, iteration: subject?.iteration ?? 0))
        }
        let data = try openDatasets(names, access.keys, for: network, .train)
        try subject?.require(data)
        guard data.count == count else { throw SessionError(.integrity, "the data set was exchanged meanwhile") }
        let task = try network.task(request.task, on: data.parts[0].header, for: .train)
        func measuring(at descriptor: CInt) throws(SessionError) -> DatasetUnion {
            try openDatasets([""], access.keys, for: network, .test) { _ in descriptor }
        }
        let testData = request.hasTestData ? try measuring(at: Descriptor.testData) : nil
        let validation = try request.validation.map { request throws(SessionError) in
            (request: request, data: try measuring(at: Descriptor.validationData))
        }
        let arena = ParameterArena(layout: network.layout)
        let opened = try OpenRun.Source(
            request: request, network: network, name: name, data: data, validation: validation, access: access,
            arena: arena, control: control
        ).open()
        let run = opened.run
        let executor = try opened.choice.make(network, miniBatch: network.options.miniBatch, arena: arena)
        executor.parametersDidChange()
        let evaluator = Evaluator(
            executor: validation == nil && testData == nil
                ? executor : try opened.choice.makeEvaluator(of: network, beside: executor, arena: arena),
            network: network, task: task)
        var validator: Validator?
        if let (request, data) = validation, let best = opened.best {
            validator = Validator(
                data: data, evaluator: evaluator, best: best,
                schedule: ValidationSchedule(every: request.every, epochs: epochs), patience: request.patience,
                control: control)
        }
        run.announce(
            to: control, network, opened.choice, task, imageCount: data.count, target: target, tee: access.tee)

        access.renew(as: run, on: opened.choice)
        var progress = run.progress
        let start = monotonicNanoseconds()
        let ending = try TrainingLoop(
            network: network, executor: executor, arena: arena, mirror: run.mirror,
            generation: run.recovery?.generation ?? 1, data: data, seed: run.mirror.identity.seed, target: target,
            mirrorEvery: UInt64(request.mirrorEvery), dataWorkers: Int(request.dataWorkers), validator: validator,
            lease: access.lease, control: control
        ).run(from: &progress)
        var result = TrainResult(
            iterations: progress.iteration, loss: progress.loss, averageLoss: progress.averageLoss,
            wallNanoseconds: monotonicNanoseconds() - start)
        result.best = validator?.result
        func stopped(_ reason: String, isLeaseOver: Bool = true) -> Event {
            .stopped(StopEvent(reason: reason, iteration: progress.iteration, isLeaseOver: isLeaseOver))
        }
        switch ending {
        case .finished: break
        case .finishedEarly(let reason): result.earlyEnd = reason
        case .stopped: return stopped("the host asked for it", isLeaseOver: false)
        case .leaseOver(let reason): return stopped(reason)
        }
        if let testData {
            if let reason = access.lease?.end() { return stopped(reason) }
            control.send(
                .evaluation(try reporting { try evaluator.evaluate(on: testData, iteration: progress.iteration) }))
        }
        return .finish(result)
    }

    private func test(_ request: TestRequest, _ proof: Proof?) throws(SessionError) -> Event {
        let model = try openModel(request, for: .test, proof)
        let evaluator = Evaluator(executor: model.executor, network: model.network, task: model.task)
        let iteration = model.run.progress.iteration
        return .evaluation(try reporting { try evaluator.evaluate(on: model.data, iteration: iteration) })
    }

    private func predict(_ request: TestRequest, _ proof: Proof?) throws(SessionError) -> Event {
        let model = try openModel(request, for: .infer, proof)
        model.access.renew(as: model.run, on: model.choice)
        let predictor = Predictor(
            executor: model.executor, data: model.data, run: model.run,
            keys: model.access.keys.ofPredictions ?? model.access.keys.model, lease: model.access.lease)
        guard let draw = model.draw, let generation = request.generation else {
            return .prediction(try predictor.predict(model.network, task: model.task))
        }
        return .prediction(try predictor.generate(Int(generation.count), draw))
    }

    private func status(_ request: StatusRequest) throws(SessionError) -> StatusReport {
        let runs = try request.runs.map { run throws(SessionError) in
            PliniusWire.RunStatus(of: try .open(run.extent, .readOnly), named: run.name)
        }
        return StatusReport(runs: runs)
    }

    // MARK: Their parts

    /// A model that is used as it is, and what it is used on.
    private struct OpenModel {
        let run: Run
        let choice: ExecutorChoice
        let executor: any Executor
        let network: NetworkDescription
        let task: ModelTask
        let data: DatasetUnion
        /// How texts are continued, if that is asked for.
        let draw: CharacterDraw?
        let access: Access
    }

    /// Opens a run's model to use it, and tells the host; the pool is left as it is.
    private func openModel(
        _ request: TestRequest, for purpose: RuntimeData.Purpose, _ proof: Proof?
    ) throws(SessionError) -> OpenModel {
        let network = try parse(request.config)
        let name = try reporting { try RunName(request.run.name) }
        let headers = try claimedHeaders([""])
        let subject = try subject(purpose, proof, headers, named: [""], network, run: name, at: request.run.extent)
        guard let access = try access(proof, to: subject, opening: headers) else {
            throw SessionError(.failed, "the host asked to stop while an owner was waited for")
        }
        let data = try openDatasets([""], access.keys, for: network, purpose)
        try subject?.require(data)
        let task = try network.task(request.task, on: data.parts[0].header, for: purpose)
        let arena = ParameterArena(layout: network.layout)
        // A model may be used on any data set, so nothing is expected of the run's own.
        var expected = ExpectedRun()
        expected.name = name
        expected.configDigest = sha256(network.canonicalBytes)
        expected.layoutDigest = sha256(network.layoutBytes)
        let run = try access.resume(
            expected, from: .open(request.run.extent, .readOnly), to: arena, threads: request.threads)
        if let reason = access.lease?.end() { throw SessionError(.integrity, "the model was not used: \(reason)") }
        let choice = try ExecutorChoice(
            executor: request.executor, threads: request.threads, of: run.mirror.identity, granted: access.executor)
        let draw = try request.generation.map { request throws(SessionError) in
            try Predictor.characterDraw(request, by: network, of: data)
        }
        let texts = data.count / data.parts[0].header.samplesPerRecord
        let batch =
            draw == nil
            ? try network.inferenceBatch(request.batch, of: data.count) : network.generationBatch(of: texts)
        let executor = try choice.make(
            network, miniBatch: batch, timeSteps: draw.map { _ in 1 }, arena: arena, onlyInfers: true)
        executor.parametersDidChange()
        run.announce(
            to: control, network, choice, task, imageCount: data.count, target: run.progress.iteration, tee: access.tee)
        return OpenModel(
            run: run, choice: choice, executor: executor, network: network, task: task, data: data, draw: draw,
            access: access)
    }

    private func parse(_ config: ConfigFile) throws(SessionError) -> NetworkDescription {
        let network = try reporting { try NetworkDescription(parsing: config.text, file: config.name) }
        for warning in network.warnings { control.send(.warning(warning.description)) }
        return network
    }
}
