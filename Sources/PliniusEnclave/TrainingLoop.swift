import PliniusMirror
import PliniusNN
import PliniusWire
import _PliniusSupport

/// Algorithm 2 of the PLINIUS paper: open a batch, train on it, mirror out; until the last iteration or a stop.
struct TrainingLoop {
    let network: NetworkDescription
    let executor: any Executor
    let arena: ParameterArena
    let mirror: Mirror
    /// The number of this process among those that mirrored the run.
    let generation: UInt64
    let data: DatasetUnion
    let seed: UInt64
    /// Updates at which training ends.
    let target: UInt64
    let mirrorEvery: UInt64
    /// Threads that open batches.
    let dataWorkers: Int
    /// `nil` if nothing is measured meanwhile.
    let validator: Validator?
    /// `nil` if the keys may be used for good.
    let lease: Lease?
    let control: Control

    /// How a loop ended.
    enum Ending: Hashable {
        case finished
        /// For this reason, and complete all the same.
        case finishedEarly(String)
        case stopped
        /// For this reason; what was trained is in the mirror, but an iteration whose validation nobody may make any more.
        case leaseOver(String)
    }

    /// Trains from `progress` on; at the return the arena's state is mirrored.
    /// - Throws: `SessionError` if a record or the loss is bad, or if the mirror fails; the pool then keeps its last good mirror.
    func run(from progress: inout Progress) throws(SessionError) -> Ending {
        guard progress.iteration < target else { return .finished }
        if let reason = validator?.earlyEnd(after: progress.iteration) { return .finishedEarly(reason) }
        let options = network.options
        let epochs = Epochs(count: data.count, for: options)
        guard data.count >= options.timeSteps else {
            throw SessionError(
                .failed,
                "the data hold \(data.count) records, and the network learns from sequences of time_steps=\(options.timeSteps): "
                    + "seal more records, or make the sequences shorter")
        }
        let sampler = BatchSampler(count: data.count, for: options, seed: seed)
        let prefetcher = BatchPrefetcher(
            data: data, sampler: sampler, seed: seed, workers: dataWorkers, firstIteration: progress.iteration)
        defer { prefetcher.cancel() }
        let first = progress.iteration
        // What the mirror holds.
        var mirrored = progress
        // What the host is told once the mirror is durable: a device takes its time while the next iteration computes.
        var untold: (mirror: MirrorEvent?, iteration: IterationEvent?)?
        while progress.iteration < target {
            if let reason = lease?.end(afterUpdates: progress.iteration - first, of: mirror) {
                if mirrored.iteration < progress.iteration { untold = (try mirrorOut(progress), nil) }
                try tell(&untold)
                return .leaseOver(reason)
            }
            let start = monotonicNanoseconds()
            let iteration = progress.iteration
            let isLast = iteration + 1 == target
            let batch: BatchPrefetcher.Opened
            let loss: Float
            do throws(SessionError) {
                batch = try reporting { try prefetcher.take(iteration, isLast: isLast) }
                loss = try train(on: batch.buffer, iteration: iteration, mirrored: mirrored.iteration)
            } catch {
                // Whatever ends this iteration: the one before is in the pool, and the host hears of it.
                try tell(&untold)
                throw error
            }
            try tell(&untold)
            let step = options.step(ofUpdate: Int(iteration) + 1, seed: seed)
            executor.update(step)
            if let tensor = arena.firstNonFiniteTensor() {
                throw notFinite(
                    "a value in the \(tensor.role)", layer: tensor.layer, iteration: iteration + 1,
                    mirrored: mirrored.iteration)
            }
            progress = Progress(
                iteration: iteration + 1, loss: loss,
                averageLoss: iteration == 0 ? loss : 0.9 * progress.averageLoss + 0.1 * loss)

            var validationTime: UInt64 = 0
            if let validator, validator.schedule.isDue(after: progress.iteration) {
                if let reason = lease?.end() {
                    // What was not validated is not mirrored, or nobody would come back to it.
                    progress = mirrored
                    return .leaseOver(reason)
                }
                validationTime = try validator.validate(arena, progress)
                mirror.best = validator.best.mirror.mark
            }
            let earlyEnd = validator?.earlyEnd(after: progress.iteration)
            let isStopping = control.isStopRequested
            let ends = isLast || isStopping || earlyEnd != nil
            var mirroring: MirrorEvent?
            if ends || progress.iteration % mirrorEvery == 0 {
                mirroring = try mirrorOut(progress)
                mirrored = progress
            }
            let time = monotonicNanoseconds() - start - validationTime
            var event = IterationEvent()
            event.iteration = progress.iteration
            event.epoch = epochs.number(at: progress.iteration)
            event.loss = loss
            event.averageLoss = progress.averageLoss
            event.learningRate = step.learningRate
            event.iterationNanoseconds = time
            event.batchNanoseconds = batch.nanoseconds
            event.imagesPerSecond = Float(Double(options.batch) / (Double(time) / 1e9))
            untold = (mirroring, event)
            if ends || !mirror.isAwaited { try tell(&untold) }
            if isLast { break }
            if let earlyEnd { return .finishedEarly(earlyEnd) }
            if isStopping { return .stopped }
        }
        return .finished
    }

    /// Forward and backward over the batch, one mini-batch after the other; gradients accumulate in the arena.
    /// - Returns: the mean loss per image.
    private func train(on buffer: BatchPrefetcher.Buffer, iteration: UInt64, mirrored: UInt64) throws(SessionError)
        -> Float
    {
        let options = network.options
        let images = options.miniBatch * network.input.count
        let truths = options.miniBatch * network.truthCount
        var cost: Float = 0
        for subdivision in 0..<options.subdivisions {
            let pass = Pass(
                mode: .training, seed: seed, iteration: iteration, firstImage: subdivision * options.miniBatch)
            unsafe executor.load(
                images: Span(
                    _unsafeElements: UnsafeBufferPointer(
                        rebasing: buffer.images.floats[subdivision * images..<(subdivision + 1) * images])),
                truth: Span(
                    _unsafeElements: UnsafeBufferPointer(
                        rebasing: buffer.truth.floats[subdivision * truths..<(subdivision + 1) * truths])))
            let part = executor.forward(pass)
            guard part.isFinite else {
                let layer = executor.firstNonFiniteLayer() ?? network.layers.count - 1
                throw notFinite("the output", layer: layer, iteration: iteration + 1, mirrored: mirrored)
            }
            cost += part
            executor.backward(pass)
        }
        return cost / Float(options.batch)
    }

    /// Mirrors the arena, but for what a device needs to keep it.
    private func mirrorOut(_ progress: Progress) throws(SessionError) -> MirrorEvent {
        let before = mirror.bytesWritten
        let start = monotonicNanoseconds()
        try reporting { try mirror.beginMirrorOut(arena.memory, progress: progress) }
        var event = MirrorEvent()
        event.iteration = progress.iteration
        event.generation = generation
        event.bytes = UInt64(mirror.bytesWritten - before)
        event.nanoseconds = monotonicNanoseconds() - start
        return event
    }

    /// Waits until the last mirror is durable, and tells the host.
    private func tell(_ untold: inout (mirror: MirrorEvent?, iteration: IterationEvent?)?) throws(SessionError) {
        guard var news = untold.take() else { return }
        let start = monotonicNanoseconds()
        try reporting { try mirror.endMirrorOut() }
        news.mirror?.nanoseconds += monotonicNanoseconds() - start
        news.iteration?.mirrorNanoseconds = news.mirror?.nanoseconds ?? 0
        if let event = news.mirror { control.send(.mirror(event)) }
        if let event = news.iteration { control.send(.iteration(event)) }
    }

    private func notFinite(_ what: String, layer: Int, iteration: UInt64, mirrored: UInt64) -> SessionError {
        let description = network.layers[layer]
        return SessionError(
            .failed,
            "iteration \(iteration): \(what) of layer \(layer) (line \(description.line) of the configuration) is not a "
                + "finite number, so training stopped. The pool keeps iteration \(mirrored), which is good; try a smaller "
                + "learning_rate in a new run")
    }
}
