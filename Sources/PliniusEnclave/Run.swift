import PliniusMirror
import PliniusNN
import PliniusMedia
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

    /// Begins a run in an extent that nobody else uses, and leaves its initial state in `arena`.
    /// - Throws: `SessionError` if the extent is too small, or if the medium refuses.
    static func begin(
        _ identity: RunIdentity, in extent: Extent, network: NetworkDescription, text: String, keys: KeyHierarchy,
        arena: ParameterArena, count: TrustedCount, crash: ((CrashPoint) -> Void)?
    ) throws(SessionError) -> Run {
        arena.initialize(network, seed: identity.initSeed ?? identity.seed)
        let progress = Progress(iteration: 0, loss: 0, averageLoss: 0)
        return try reporting {
            // With the run goes what is needed to read it: an owner exports without the configuration at hand.
            let mirror = try Mirror.create(
                on: extent, identity: identity, keys: keys, arena: arena.memory, progress: progress,
                description: Array(text.utf8), count: count, workers: Int(identity.threads), onCrashPoint: crash)
            return Run(mirror: mirror, tier: extent.tier, progress: progress, recovery: nil)
        }
    }

    /// Takes over the run in an extent, and leaves its newest mirrored state in `arena`.
    /// - Parameter threads: That mirror; as many as the run was begun with if `nil`.
    /// - Throws: `SessionError` if it is another run, or if anything in it does not verify; nothing is changed then.
    static func resume(
        _ expected: ExpectedRun, from extent: Extent, keys: KeyHierarchy, arena: ParameterArena, threads: UInt32?
    ) throws(SessionError) -> Run {
        try reporting {
            let mirror = try Mirror.open(on: extent, expecting: expected, keys: keys, workers: threads.map(Int.init))
            let recovery = try mirror.mirrorIn(to: arena.memory)
            return Run(mirror: mirror, tier: extent.tier, progress: recovery.progress, recovery: recovery)
        }
    }
}

extension Extent {
    /// Opens the part of the pool file that the host calls a run's.
    ///
    /// That it is one is for the mirror in it to prove; here it only has to be a part.
    /// - Throws: `SessionError` that names what was found.
    static func open(_ place: PoolExtent, _ access: Region.Access) throws(SessionError) -> Extent {
        let region = try reporting { try Region.open(descriptor: Session.Descriptor.pool, access: access) }
        let (end, overflow) = place.start.addingReportingOverflow(place.byteCount)
        guard !overflow, end <= UInt64(region.byteCount), place.start % UInt64(Region.pageBytes) == 0 else {
            throw SessionError(
                .integrity,
                "the run is said to be in bytes \(place.start)..<\(place.start &+ place.byteCount) of the pool file, which has "
                    + "\(region.byteCount)")
        }
        return Extent(region, Int(place.start)..<Int(end))
    }
}
