import PliniusMedia
import PliniusMirror
import PliniusNN
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// The best model that validation has found so far, in a mirror of its own beside the run's.
///
/// It is durable before the run's mirror reaches the same iteration. So what the run's mirror holds was validated, and after a kill
/// the best model is of no earlier validation than the run; it may be ahead, and the run comes by there again, with the same bits.
final class BestMirror {
    /// What keeps it; each commit of the run's mirror says how far this one has come.
    let mirror: Mirror
    /// The model's; without a score it is what there was before the first validation.
    private(set) var progress: Progress

    private init(_ mirror: Mirror, _ progress: Progress) {
        self.mirror = mirror
        self.progress = progress
    }

    /// Keeps a model, durably, if its score is better than that of the best so far.
    /// - Parameter progress: With a score.
    /// - Returns: Whether it is the best now.
    /// - Throws: `SessionError` if the medium refuses.
    func offer(_ arena: ParameterArena, _ progress: Progress) throws(SessionError) -> Bool {
        // A run that comes by again brings nothing new, unless another executor computes other bits: a mirror does not go backwards.
        guard let score = progress.score, progress.iteration > self.progress.iteration,
            score > self.progress.score ?? -.infinity
        else { return false }
        try reporting { try mirror.mirrorOut(arena.memory, progress: progress) }
        self.progress = progress
        return true
    }

    /// What it takes to begin one, or to take one over.
    struct Source {
        let request: ValidationRequest
        /// Of the validation set: scores on another one cannot be compared.
        let validationID: [UInt8]
        let keys: KeyHierarchy
        let arena: ParameterArena
        let crash: ((CrashPoint) -> Void)?

        private func identity(for run: Run) throws(SessionError) -> RunIdentity {
            run.mirror.identity.best(named: try reporting { try RunName(request.best) }, by: validationID)
        }

        /// Begins with what the run holds, in a part of the pool that nobody else uses.
        /// - Throws: `SessionError` if the medium refuses.
        func begin(for run: Run, in place: PoolExtent) throws(SessionError) -> BestMirror {
            let mirror = try reporting {
                try Mirror.create(
                    on: .open(place, .readWrite), identity: identity(for: run), keys: keys, arena: arena.memory,
                    progress: run.progress, description: run.mirror.description, workers: run.mirror.workers,
                    onCrashPoint: crash)
            }
            return BestMirror(mirror, run.progress)
        }

        /// Takes over the best model of a run that goes on, whole; one of a run that has none begins.
        /// - Throws: `SessionError` if it is another's or gone, if it is older than the run knows of, or if anything in it does not
        ///   verify.
        func open(for run: Run, _ control: Control) throws(SessionError) -> BestMirror {
            if let place = request.extent { return try resume(for: run, from: .open(place, .readWrite)) }
            guard run.mirror.best == nil else {
                throw SessionError(
                    .integrity,
                    "the run has a best model, and the pool does not hold it (\(request.best)): restore the newest pool"
                )
            }
            let byteCount = Mirror.byteCount(
                arenaBytes: arena.layout.byteCount, descriptionBytes: run.mirror.description.count)
            let best = try begin(for: run, in: control.allocate(1, byteCount: byteCount)[0])
            try control.publish()
            return best
        }

        private func resume(for run: Run, from extent: Extent) throws(SessionError) -> BestMirror {
            let identity = try identity(for: run)
            do throws(MirrorError) {
                let mirror = try Mirror.open(on: extent, keys: keys, workers: run.mirror.workers)
                guard mirror.identity == identity else {
                    throw .otherRun(
                        "The pool's run \(identity.name) is not the best model of the run \(run.mirror.identity.name) by this "
                            + "validation set. Give the validation data that the run began with, or begin another run.")
                }
                // Every byte of it, or nobody would notice before it is used.
                let progress = try mirror.mirrorIn(to: PrivateMemory(byteCount: mirror.arenaBytes)).progress
                if let floor = run.mirror.best { try mirror.require(atLeast: floor) }
                mirror.onCrashPoint = crash
                return BestMirror(mirror, progress)
            } catch { throw SessionError(error).about("the best model \(identity.name)") }
        }
    }
}
