import PliniusAttester
import PliniusMedia
import PliniusMirror
import PliniusNN
import PliniusWire

/// A run that is about to be trained.
struct OpenRun {
    let run: Run
    /// `nil` if the model is not validated.
    let best: BestMirror?
    let choice: ExecutorChoice

    /// What it takes to begin one, or to take one over.
    struct Source {
        let request: TrainRequest
        let network: NetworkDescription
        let name: RunName
        let data: DatasetUnion
        let validation: (request: ValidationRequest, data: DatasetUnion)?
        let access: Access
        let arena: ParameterArena
        let control: Control

        /// Takes the run over if the pool holds it, begins it if not, and counts this start if a TPM counts them.
        ///
        /// The arena holds the run's state then, and the run's mirror holds it durably.
        /// - Throws: `SessionError` if the run or its best model is another one, older than the owner or the TPM knows of, or does not
        ///   verify; if the owners let something else compute; if there is no room for it.
        func open() throws(SessionError) -> OpenRun {
            let crash = try request.crash?.hook()
            let bestCrash = try request.crash?.hook(ofBest: true)
            let best = validation.map { validation in
                BestMirror.Source(
                    request: validation.request, validationID: validation.data.id, keys: access.keys.model,
                    arena: arena, crash: bestCrash)
            }
            let opened =
                if let place = request.extent { try resume(at: place, best, crash) } else { try begin(best, crash) }
            let (run, mirror) = (opened.run, opened.run.mirror)
            mirror.best = opened.best?.mirror.mark ?? mirror.best
            if let counter = access.counter {
                // Written first, then counted: whenever this process is killed, the mirror has the counter's number or the next.
                if run.recovery != nil { try reporting { try mirror.mirrorOut(arena.memory, progress: run.progress) } }
                mirror.count.value = try reporting { try counter.countUp() }
            }
            return opened
        }

        private func resume(
            at place: PoolExtent, _ best: BestMirror.Source?, _ crash: ((CrashPoint) -> Void)?
        ) throws(SessionError) -> OpenRun {
            let expected = try network.expectedRun(request, name: name, data: data)
            let run = try access.resume(
                expected, from: .open(place, .readWrite), to: arena, threads: request.threads)
            let identity = run.mirror.identity
            guard !identity.isBest else {
                throw SessionError(.usage, "\(name) keeps the best model of a run, and nothing trains on from it")
            }
            // Another one would go on with other bits; a model that is only used may be computed by any.
            try access.executor?.require(identity.executor, "the run was begun with", "begin another run")
            let choice = try ExecutorChoice(
                executor: request.executor, threads: request.threads, of: identity, granted: access.executor)
            try reporting { try run.mirror.start(at: access.count) }
            if choice.kind.rawValue != identity.executor || choice.threads != identity.threads {
                control.send(
                    .warning(
                        "the run was begun with another executor or number of threads: it goes on correctly, but will not end "
                            + "with the bits of an undisturbed run; leave --executor and --threads away to get those"))
            }
            run.mirror.onCrashPoint = crash
            return OpenRun(run: run, best: try best?.open(for: run, control), choice: choice)
        }

        private func begin(
            _ best: BestMirror.Source?, _ crash: ((CrashPoint) -> Void)?
        ) throws(SessionError) -> OpenRun {
            try access.requireFloor(of: nil)
            guard request.validation?.extent == nil else {
                throw SessionError(.usage, "the pool holds a best model of the run \(name), and no run \(name)")
            }
            let choice = try ExecutorChoice(
                executor: request.executor, threads: request.threads, granted: access.executor)
            let identity = try network.identity(request, name: name, data: data, choice: choice)
            // With the run goes what is needed to read it: an owner exports without the configuration at hand.
            let description = Array(request.config.text.utf8)
            let byteCount = Mirror.byteCount(arenaBytes: arena.layout.byteCount, descriptionBytes: description.count)
            let places = try control.allocate(best == nil ? 1 : 2, byteCount: byteCount)
            let extent = try Extent.open(places[0], .readWrite)
            arena.initialize(network, seed: identity.initSeed ?? identity.seed)
            let progress = Progress(iteration: 0, loss: 0, averageLoss: 0)
            let mirror = try reporting {
                try Mirror.create(
                    on: extent, identity: identity, keys: access.keys.model, arena: arena.memory, progress: progress,
                    description: description, count: access.count.next, workers: Int(identity.threads),
                    onCrashPoint: crash)
            }
            let run = Run(mirror: mirror, tier: extent.tier, progress: progress, recovery: nil)
            let opened = OpenRun(run: run, best: try best?.begin(for: run, in: places[1]), choice: choice)
            try control.publish()
            return opened
        }
    }
}
