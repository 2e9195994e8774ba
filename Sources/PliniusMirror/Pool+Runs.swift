public import PliniusPersistence
public import PliniusSealing
public import _PliniusSupport

/// The runs of a pool: an extent with a mirror each, and a root that names it.
///
/// The names are the pool's, and under no key; each mirror says under its MAC what it is called, so a swap of names is found out.
extension Pool {
    /// The runs that the pool names, sorted by name.
    /// - Throws: `.media` if an earlier commit did not become durable.
    public var runs: [(name: RunName, extent: Extent)] {
        get throws(MirrorError) {
            do throws(TransactionError<MirrorError>) {
                return try read { view throws(MirrorError) in
                    view.roots.compactMap { root, _ in
                        guard let name = RunName(root: root), let extent = try? view.extentRoot(root) else {
                            return nil
                        }
                        return (name, extent)
                    }
                }
            } catch { throw MirrorError(error) }
        }
    }

    /// The run of a name, or the only one.
    /// - Throws: `.unknownRun`, with the names that there are; `.media`.
    public func run(_ name: RunName?) throws(MirrorError) -> (name: RunName, extent: Extent) {
        let runs = try runs
        guard let found = runs.first(where: { $0.name == name ?? $0.name }), name != nil || runs.count == 1 else {
            throw .unknownRun(name, among: runs.map(\.name))
        }
        return found
    }

    /// Begins a run, and mirrors its first state; see ``Mirror/create(on:identity:keys:arena:progress:description:chunkBytes:onCrashPoint:)``.
    ///
    /// Everything is durable when this returns. If the process ends earlier, the pool holds nothing of the run.
    ///
    /// - Parameter identity: Of a name that no run of the pool has.
    /// - Throws: `.noRoom`, `.media`.
    public func begin(
        _ identity: RunIdentity, keys: KeyHierarchy, arena: PrivateMemory, progress: Progress,
        description: [UInt8] = [], chunkBytes: Int = Mirror.defaultChunkBytes,
        onCrashPoint: ((CrashPoint) -> Void)? = nil
    ) throws(MirrorError) -> Mirror {
        let others = try runs.map(\.name)
        precondition(!others.contains(identity.name), "the pool holds a run \(identity.name) already")
        let byteCount = Mirror.byteCount(
            arenaBytes: arena.byteCount, descriptionBytes: description.count, chunkBytes: chunkBytes)
        do throws(TransactionError<MirrorError>) {
            return try transaction { tx throws(MirrorError) in
                let extent: Extent
                do throws(PersistenceError) {
                    extent = try tx.allocateExtent(byteCount: byteCount)
                    try tx.setRoot(identity.name.root, extent)
                } catch { throw .noRoom(for: identity.name, beside: others, error) }
                return try Mirror.create(
                    on: extent, identity: identity, keys: keys, arena: arena, progress: progress,
                    description: description, chunkBytes: chunkBytes, onCrashPoint: onCrashPoint)
            }
        } catch { throw MirrorError(error) }
    }
}

extension MirrorError {
    /// Why a transaction over runs left no trace.
    fileprivate init(_ error: TransactionError<MirrorError>) {
        switch error {
        case .cancelled(let error): self = error
        case .failed(let cause): self = .media(cause)
        case .innerCancelled: preconditionFailure("nothing is nested in a transaction over runs")
        }
    }
}
