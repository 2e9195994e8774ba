import PliniusMirror
import PliniusNN
import PliniusPersistence
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// A run as its pool holds it: new, or taken over from the last durable mirror.
struct Run {
    let mirror: Mirror
    let tier: Tier
    /// Where training goes on.
    let progress: Progress
    /// How the state was recovered; `nil` for a new run.
    let recovery: Recovery?

    /// Begins a run in the unnamed pool that the host made, and leaves its initial state in `arena`.
    ///
    /// The pool gets its name only after iteration 0 is mirrored in it: a pool with a name always holds a mirror.
    /// - Throws: `SessionError` if the medium or the host refuses.
    static func begin(
        _ identity: RunIdentity, network: NetworkDescription, text: String, keys: KeyHierarchy, arena: ParameterArena,
        control: Control
    ) throws(SessionError) -> Run {
        arena.initialize(network, seed: identity.seed)
        let run = try reporting {
            // With the pool goes what is needed to read it: an owner exports without the configuration at hand.
            let description = Array(text.utf8)
            let pool = try Region.create(
                descriptor: Session.Descriptor.pool,
                byteCount: Mirror.byteCount(arenaBytes: arena.layout.byteCount, descriptionBytes: description.count))
            let progress = Progress(iteration: 0, loss: 0, averageLoss: 0)
            let mirror = try Mirror.create(
                on: pool, identity: identity, keys: keys, arena: arena.memory, progress: progress,
                description: description)
            return Run(mirror: mirror, tier: pool.tier, progress: progress, recovery: nil)
        }
        if let refusal = control.publishPool() {
            throw SessionError(.failed, "the new pool could not be put in place: \(refusal)")
        }
        return run
    }

    /// Takes over the run that the pool holds, and leaves its newest mirrored state in `arena`.
    /// - Throws: `SessionError` if the pool holds another run, or if anything in it does not verify; nothing is changed then.
    static func resume(
        _ expected: ExpectedRun, keys: KeyHierarchy, arena: ParameterArena, access: Region.Access = .readWrite
    ) throws(SessionError) -> Run {
        try reporting {
            let pool = try Region.open(descriptor: Session.Descriptor.pool, access: access)
            let mirror = try Mirror.open(on: pool, expecting: expected, keys: keys)
            let recovery = try mirror.mirrorIn(to: arena.memory)
            return Run(mirror: mirror, tier: pool.tier, progress: recovery.progress, recovery: recovery)
        }
    }
}
