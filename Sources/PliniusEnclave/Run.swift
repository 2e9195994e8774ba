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

    /// Begins a run in a pool, and leaves its initial state in `arena`; the run has its name only with iteration 0 mirrored.
    /// - Throws: `SessionError` if the pool has no room, or if the medium refuses.
    static func begin(
        _ identity: RunIdentity, in pool: borrowing Pool, network: NetworkDescription, text: String, keys: KeyHierarchy,
        arena: ParameterArena, crash: ((CrashPoint) -> Void)?
    ) throws(SessionError) -> Run {
        arena.initialize(network, seed: identity.seed)
        let progress = Progress(iteration: 0, loss: 0, averageLoss: 0)
        do throws(MirrorError) {
            // With the pool goes what is needed to read it: an owner exports without the configuration at hand.
            let mirror = try pool.begin(
                identity, keys: keys, arena: arena.memory, progress: progress, description: Array(text.utf8),
                onCrashPoint: crash)
            return Run(mirror: mirror, tier: pool.tier, progress: progress, recovery: nil)
        } catch { throw SessionError(error) }
    }

    /// Takes over the run in an extent, and leaves its newest mirrored state in `arena`.
    /// - Throws: `SessionError` if it is another run, or if anything in it does not verify; nothing is changed then.
    static func resume(_ expected: ExpectedRun, from extent: Extent, keys: KeyHierarchy, arena: ParameterArena)
        throws(SessionError) -> Run
    {
        try reporting {
            let mirror = try Mirror.open(on: extent, expecting: expected, keys: keys)
            let recovery = try mirror.mirrorIn(to: arena.memory)
            return Run(mirror: mirror, tier: extent.tier, progress: recovery.progress, recovery: recovery)
        }
    }
}

extension Pool {
    /// Opens the pool that the host handed over.
    ///
    /// The host may store to the file at any time, so only a pool whose heap is private memory while it is open is accepted.
    /// - Throws: `SessionError` that names what was found.
    static func open(_ access: Access) throws(SessionError) -> Pool {
        do throws(PersistenceError) {
            return try open(descriptor: Session.Descriptor.pool, access: access, requiring: .redoLog)
        } catch { throw SessionError(error) }
    }

    /// Makes the pool of a new run in the unnamed file that the host handed over.
    /// - Throws: `SessionError` if the wanted size is too small for the run, or if there is no room.
    static func create(byteCount wanted: UInt64?, runBytes: Int) throws(SessionError) -> Pool {
        let least = byteCount(extentBytes: runBytes)
        let byteCount = wanted ?? UInt64(least)
        guard (UInt64(least)...1 << 47).contains(byteCount) else {
            throw SessionError(
                .usage,
                "--pool-size is \(byteCount) bytes: the pool of this run takes at least \(least), and at most 2^47")
        }
        do throws(PersistenceError) {
            return try create(descriptor: Session.Descriptor.pool, byteCount: Int(byteCount))
        } catch { throw SessionError(error) }
    }
}
