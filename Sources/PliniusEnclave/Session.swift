import Glibc
import PliniusAttester
import PliniusMirror
import PliniusNN
import PliniusMedia
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
        guard request.mirrorEvery >= 1, request.validation?.every != 0, request.validation?.patience != 0 else {
            throw SessionError(.usage, "--mirror-every, --validate-every and --patience are at least 1")
        }
        guard 1...TrainRequest.maximumDataWorkerCount ~= request.dataWorkers else {
            throw SessionError(
                .usage,
                "--data-workers is \(request.dataWorkers): expected 1 to \(TrainRequest.maximumDataWorkerCount) threads"
            )
        }
        let name = try reporting { try RunName(request.run) }
        let names = request.datasets
        // A claim, for an answer before an owner is waited for.
        let count = try claimedHeaders(names).reduce(0) { $0 + $1.count * $1.samplesPerRecord }
        let epochs = Epochs(count: count, for: network.options)
        let target = try network.target(request, epochs)
        let subject = try subject(.train, proof, names, network, run: name, at: request.extent)
        guard let access = try access(proof, to: subject, opening: names) else {
            return .stopped(
                StopEvent(
                    reason: "the host asked for it while an owner was waited for",
                    iteration: subject?.iteration ?? 0))
        }
        let keys = access.keys
        let data = try openDatasets(names, keys, for: network, .train)
        try subject?.require(data)
        guard data.count == count else { throw SessionError(.integrity, "the data set was exchanged meanwhile") }
        let task = try network.task(request.task, on: data.parts[0].header, for: .train)
        func measuring(at descriptor: CInt) throws(SessionError) -> DatasetUnion {
            try openDatasets([""], keys, for: network, .test) { _ in descriptor }
        }
        let testData = request.hasTestData ? try measuring(at: Descriptor.testData) : nil
        let validationData = request.validation == nil ? nil : try measuring(at: Descriptor.validationData)
        let arena = ParameterArena(layout: network.layout)

        let (crash, bestCrash) = (try request.crash?.hook(), try request.crash?.hook(ofBest: true))
        let bestSource = request.validation.map { validation in
            BestMirror.Source(
                request: validation, validationID: validationData?.id ?? [], keys: keys.model, arena: arena,
                crash: bestCrash)
        }
        let run: Run
        let best: BestMirror?
        let choice: ExecutorChoice
        if let place = request.extent {
            let expected = try network.expectedRun(request, name: name, data: data)
            run = try Run.resume(
                expected, from: .open(place, .readWrite), keys: keys.model, arena: arena, threads: request.threads)
            guard !run.mirror.identity.isBest else {
                throw SessionError(.usage, "\(name) keeps the best model of a run, and nothing trains on from it")
            }
            try subject?.require(run)
            try access.requireFloor(of: run.mirror)
            // Another one would go on with other bits; a model that is only used may be computed by any.
            try access.executor?.require(run.mirror.identity.executor, "the run was begun with", "begin another run")
            choice = try ExecutorChoice(
                executor: request.executor, threads: request.threads, of: run.mirror.identity, granted: access.executor)
            try reporting { try run.mirror.start(at: access.count) }
            warnAboutOtherBits(choice, run.mirror.identity)
            run.mirror.onCrashPoint = crash
            best = try bestSource?.open(for: run, control)
        } else {
            try access.requireFloor(of: nil)
            guard request.validation?.extent == nil else {
                throw SessionError(.usage, "the pool holds a best model of the run \(name), and no run \(name)")
            }
            choice = try ExecutorChoice(
                executor: request.executor, threads: request.threads, granted: access.executor)
            let identity = try network.identity(request, name: name, data: data, choice: choice)
            let byteCount = Mirror.byteCount(
                arenaBytes: arena.layout.byteCount, descriptionBytes: request.config.text.utf8.count)
            let places = try control.allocate(bestSource == nil ? 1 : 2, byteCount: byteCount)
            run = try Run.begin(
                identity, in: .open(places[0], .readWrite), network: network, text: request.config.text,
                keys: keys.model, arena: arena, count: access.count.next, crash: crash)
            best = try bestSource?.begin(for: run, in: places[1])
            try control.publish()
        }
        run.mirror.best = best?.mirror.mark ?? run.mirror.best
        if let counter = access.counter {
            // Written first, then counted: whenever this process is killed, the mirror has the counter's number or the next.
            if run.recovery != nil { try reporting { try run.mirror.mirrorOut(arena.memory, progress: run.progress) } }
            run.mirror.count.value = try reporting { try counter.countUp() }
        }
        let executor = try choice.make(network, miniBatch: network.options.miniBatch, arena: arena)
        executor.parametersDidChange()
        let evaluator = Evaluator(
            executor: validationData == nil && testData == nil
                ? executor : try choice.makeEvaluator(of: network, beside: executor, arena: arena),
            network: network, task: task)
        var validator: Validator?
        if let validation = request.validation, let validationData, let best {
            validator = Validator(
                data: validationData, evaluator: evaluator, best: best,
                schedule: ValidationSchedule(every: validation.every, epochs: epochs), patience: validation.patience,
                control: control)
        }
        control.send(
            .start(run.startEvent(network, choice, task, imageCount: data.count, target: target, tee: access.tee)))
        if let event = run.resumeEvent { control.send(.resume(event)) }

        access.renew(as: run, on: choice)
        var progress = run.progress
        let start = monotonicNanoseconds()
        let ending = try TrainingLoop(
            network: network, executor: executor, arena: arena, mirror: run.mirror,
            generation: run.recovery?.generation ?? 1, data: data, seed: run.mirror.identity.seed, target: target,
            mirrorEvery: UInt64(request.mirrorEvery), dataWorkers: Int(request.dataWorkers), validator: validator,
            lease: access.lease, control: control
        ).run(from: &progress)
        let elapsed = monotonicNanoseconds() - start
        var earlyEnd = ""
        switch ending {
        case .finished: break
        case .finishedEarly(let reason): earlyEnd = reason
        case .stopped: return .stopped(StopEvent(reason: "the host asked for it", iteration: progress.iteration))
        case .leaseOver(let reason):
            return .stopped(StopEvent(reason: reason, iteration: progress.iteration, isLeaseOver: true))
        }
        if let testData {
            if let reason = access.lease?.end() {
                return .stopped(StopEvent(reason: reason, iteration: progress.iteration, isLeaseOver: true))
            }
            control.send(
                .evaluation(try reporting { try evaluator.evaluate(on: testData, iteration: progress.iteration) }))
        }
        var result = TrainResult(
            iterations: progress.iteration, loss: progress.loss, averageLoss: progress.averageLoss,
            wallNanoseconds: elapsed)
        result.earlyEnd = earlyEnd
        result.best = validator?.result
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
        var statuses: [PliniusWire.RunStatus] = []
        for run in request.runs {
            statuses.append(PliniusWire.RunStatus(of: try .open(run.extent, .readOnly), named: run.name))
        }
        return StatusReport(runs: statuses)
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
        let subject = try subject(purpose, proof, [""], network, run: name, at: request.run.extent)
        guard let access = try access(proof, to: subject, opening: [""]) else {
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
        let run = try Run.resume(
            expected, from: .open(request.run.extent, .readOnly), keys: access.keys.model, arena: arena,
            threads: request.threads)
        try subject?.require(run)
        try access.requireFloor(of: run.mirror)
        if let reason = access.lease?.end() {
            throw SessionError(.integrity, "the model was not used: \(reason)")
        }
        let choice = try ExecutorChoice(
            executor: request.executor, threads: request.threads, of: run.mirror.identity, granted: access.executor)
        let draw = try request.generation.map { request throws(SessionError) in
            try Predictor.characterDraw(request, by: network, of: data)
        }
        let texts = data.count / data.parts[0].header.samplesPerRecord
        let executor =
            if draw == nil {
                try choice.make(
                    network, miniBatch: try network.inferenceBatch(request.batch, of: data.count), arena: arena,
                    onlyInfers: true)
            } else {
                try choice.make(
                    network, miniBatch: network.generationBatch(of: texts), timeSteps: 1, arena: arena, onlyInfers: true
                )
            }
        executor.parametersDidChange()
        control.send(
            .start(
                run.startEvent(
                    network, choice, task, imageCount: data.count, target: run.progress.iteration, tee: access.tee))
        )
        if let event = run.resumeEvent { control.send(.resume(event)) }
        return OpenModel(
            run: run, choice: choice, executor: executor, network: network, task: task, data: data, draw: draw,
            access: access)
    }

    private func parse(_ config: ConfigFile) throws(SessionError) -> NetworkDescription {
        let network = try reporting { try NetworkDescription(parsing: config.text, file: config.name) }
        for warning in network.warnings { control.send(.warning(warning.description)) }
        return network
    }

    /// What an owner is to be told, if one is waited for: read from what everybody may see, proven once the key is here.
    private func subject(
        _ purpose: RuntimeData.Purpose, _ proof: Proof?, _ names: [String], _ network: NetworkDescription, run: RunName,
        at place: PoolExtent?
    ) throws(SessionError) -> Provisioning.Subject? {
        guard proof != nil else { return nil }
        let headers = try claimedHeaders(names)
        try network.requireFit(of: headers, named: names, for: purpose)
        let status = try place.map { place throws(SessionError) in
            let extent = try Extent.open(place, .readOnly)
            return try reporting { try PliniusMirror.RunStatus(of: extent, named: run) }
        }
        return Provisioning.Subject(
            purpose: purpose, configDigest: sha256(network.canonicalBytes), datasets: headers, run: run,
            runID: status?.identity.runID, iteration: status?.newest?.progress?.iteration ?? 0,
            state: status?.newest?.mark.map { MirrorState(counter: $0.sequence, tag: $0.tag) })
    }

    /// What data sets say of themselves to everybody.
    private func claimedHeaders(_ names: [String]) throws(SessionError) -> [PublicDatasetHeader] {
        try forEach(names) { try PublicDatasetHeader(parsing: SealedDataset.readHeader(Descriptor.data($0))) }
    }

    /// Does something with each data set.
    /// - Throws: `SessionError` that names the data set, if there are several.
    private func forEach<R>(_ names: [String], _ body: (Int) throws -> R) throws(SessionError) -> [R] {
        var results: [R] = []
        for (index, name) in names.enumerated() {
            do { results.append(try body(index)) } catch {
                let error = SessionError(error)
                throw names.count == 1 ? error : error.about(name)
            }
        }
        return results
    }

    /// The way to what the owners' keys open.
    private struct Access {
        let keys: Keyring
        /// What convinced the owner; `simulated` without one, whatever machine this is.
        var tee = "simulated"
        var lease: Lease?
        /// An exchange by which the owner would be asked again.
        var provisioning: Provisioning?
        var floor: MirrorState?
        /// What alone may compute, by the owners' policies.
        var executor: GrantTerms.Executor?
        var counter: TrustedCounter?

        var count: TrustedCount { counter.map { TrustedCount(index: $0.index, value: $0.value) } ?? .none }

        /// Has the lease renewed while a run trains; keys for good need none.
        func renew(as run: Run, on choice: ExecutorChoice) {
            guard let lease, var provisioning else { return }
            provisioning.subject.runID = run.mirror.identity.runID
            Renewal(lease: lease, keys: keys, choice: choice, provisioning: provisioning).begin()
        }

        /// Checks that a mirror has reached what the owner knows of; `nil` is a run that is about to begin.
        func requireFloor(of mirror: Mirror?) throws(SessionError) {
            guard let floor else { return }
            guard let mirror else {
                throw SessionError(
                    .integrity,
                    "the run is rolled back: the owner knows of its commit \(floor.counter), and the pool does not hold the run. "
                        + "Restore the newest pool")
            }
            try reporting { try mirror.require(atLeast: CommitMark(sequence: floor.counter, tag: floor.tag)) }
        }
    }

    /// The owners' keys: from the files that were handed over, from what was kept for this start, or from the owner.
    /// - Returns: `nil` if the host asked to stop before they came.
    private func access(
        _ proof: Proof?, to subject: Provisioning.Subject?, opening names: [String]
    ) throws(SessionError) -> Access? {
        guard let proof, let subject else {
            func key(_ index: Int) throws(SessionError) -> KeyHierarchy {
                try reporting { KeyHierarchy(ownerKey: try SecretBytes(keyFile: Descriptor.key(index))) }
            }
            var keys = Keyring(model: try key(0))
            let headers = try claimedHeaders(names)
            for index in headers.indices.dropFirst() where fcntl(Descriptor.key(index), F_GETFD) >= 0 {
                let own = try key(index)
                keys.ofDatasets[headers[index].id] = own
            }
            return Access(keys: keys)
        }
        let kept = kept(proof, for: subject)
        if let warning = try reporting({ try proof.confine() }) { control.send(.warning(warning)) }
        if let kept {
            control.send(.reopened)
            return Access(keys: kept, tee: proof.name, counter: proof.counter)
        }
        let provisioning = Provisioning(control: control, subject: subject, prover: proof.prover)
        var exchange = provisioning
        guard let grant = try exchange.receiveGrant() else { return nil }
        if let event = proof.keep(grant.modelKey, under: grant.terms, for: subject.context) { control.send(event) }
        return Access(
            keys: grant.keys, tee: grant.attested,
            lease: grant.terms.lease.map { Lease($0, since: grant.challenged) }, provisioning: provisioning,
            floor: grant.terms.floor, executor: grant.terms.executor, counter: proof.counter)
    }

    /// The keys that an earlier process of the run had kept; `nil` if the owner has to be asked.
    private func kept(_ proof: Proof, for subject: Provisioning.Subject) -> Keyring? {
        guard proof.hasKeptKey else { return nil }
        do throws(AttestationError) {
            // A kept key never begins anything, and was granted for nothing else.
            guard subject.purpose == .train, subject.runID != nil else {
                throw AttestationError("it is for training that goes on, and the pool does not hold the run")
            }
            let keys = Keyring(model: KeyHierarchy(ownerKey: try proof.reopen(for: subject.context)))
            guard subject.firstLocked(to: keys) == nil else {
                throw AttestationError("it is not the key of this data set")
            }
            return keys
        } catch {
            control.send(.warning("the kept key is not used, and the owner is waited for: \(error)"))
            return nil
        }
    }

    /// Opens the data sets that are trained on, or that a model is used on.
    /// - Throws: `SessionError` that names the data set, if there are several.
    private func openDatasets(
        _ names: [String], _ keys: Keyring, for network: NetworkDescription, _ purpose: RuntimeData.Purpose,
        at descriptor: (Int) -> CInt = Descriptor.data
    ) throws(SessionError) -> DatasetUnion {
        let parts = try forEach(names) { index in
            // The claim says which key to take, and the key proves the claim.
            let header = try PublicDatasetHeader(parsing: SealedDataset.readHeader(descriptor(index)))
            return try SealedDataset(descriptor: descriptor(index), keys: keys[header.id])
        }
        try network.requireFit(of: parts.map(\.header), named: names, for: purpose)
        let header = parts[0].header
        // Whoever infers is told no truth, so any form will do; whoever tests judges by the plain one.
        let form = purpose == .train ? network.truthForm(of: header) : nil
        return DatasetUnion(
            parts, form: form ?? .plain, truthCount: form == nil ? nil : network.truthCount,
            augmentation: network.augmentation, input: network.input, told: network.told(by: header))
    }

    private func warnAboutOtherBits(_ choice: ExecutorChoice, _ identity: RunIdentity) {
        guard choice.kind.rawValue != identity.executor || choice.threads != identity.threads else { return }
        control.send(
            .warning(
                "the run was begun with another executor or number of threads: it goes on correctly, but will not end "
                    + "with the bits of an undisturbed run; leave --executor and --threads away to get those"))
    }
}
