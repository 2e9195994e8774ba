public import PliniusPersistence

/// The runs of a pool: an extent with a mirror each, and a root that names it.
///
/// The names are the pool's, and under no key: each mirror says under its MAC what it is called, so a swap of names is found out by whoever
/// has the key. Hence no secret is needed here, and no trust: the host keeps this catalogue, the enclave never sees it.
extension Pool {
    /// What stands before a run's name in the pool's list of roots, where other things than runs have names, too.
    private static let prefix = "run/"
    private static let bestSuffix = ".best"

    /// What keeps the best model of a run, in the same pool.
    public static func bestRun(of name: String) -> String { name + bestSuffix }

    /// The runs that the pool names, sorted by name.
    /// - Throws: `.notDurable` and the like if an earlier commit did not become durable.
    public var runs: [(name: String, extent: Extent)] {
        get throws(PersistenceError) {
            try flattening { () throws(TransactionError<PersistenceError>) in
                try read { view throws(PersistenceError) in
                    var runs: [(name: String, extent: Extent)] = []
                    for (root, target) in view.roots where root.hasPrefix(Self.prefix) {
                        guard case .extent = target, let extent = try view.extentRoot(root) else { continue }
                        runs.append((String(root.dropFirst(Self.prefix.count)), extent))
                    }
                    return runs
                }
            }
        }
    }

    /// The run of a name, or the only one; the best model of a run stands behind the run.
    /// - Throws: `.noSuchRoot` with the names that there are.
    public func run(_ name: String?) throws(PersistenceError) -> (name: String, extent: Extent) {
        var runs = try runs
        if name == nil {
            let best = Set(runs.map { Self.bestRun(of: $0.name) })
            runs.removeAll { best.contains($0.name) }
        }
        guard let found = runs.first(where: { $0.name == name ?? $0.name }), name != nil || runs.count == 1 else {
            let question =
                name.map { "The pool holds no run \($0)." } ?? "No run is named, and the pool does not hold just one."
            throw PersistenceError(.noSuchRoot, "\(question) \(try namesOfRuns) Name one with --run.")
        }
        return found
    }

    /// Finds a place for a new run; the pool is left as it is, and ``publishRun(_:in:)`` takes the place.
    ///
    /// Nothing else may allocate extents in between: the caller holds the lock of the file.
    /// - Throws: `.noSpace`.
    public func placeForRun(_ name: String, byteCount: Int) throws(PersistenceError) -> Extent {
        try placesForRuns([(name, byteCount)])[0]
    }

    /// Finds places for new runs that begin together; the pool is left as it is, and ``publishRuns(_:)`` takes the places.
    ///
    /// Nothing else may allocate extents in between: the caller holds the lock of the file.
    /// - Throws: `.noSpace`.
    public func placesForRuns(_ runs: [(name: String, byteCount: Int)]) throws(PersistenceError) -> [Extent] {
        struct Found: Error {
            let result: Result<[Extent], PersistenceError>
        }
        do throws(TransactionError<Found>) {
            // Taken back at once: a crash while the place is filled leaves nothing behind.
            try transaction { tx throws(Found) in
                var extents: [Extent] = []
                for run in runs {
                    do throws(PersistenceError) {
                        extents.append(try tx.allocateExtent(byteCount: run.byteCount))
                    } catch {
                        throw Found(result: .failure(error))
                    }
                }
                throw Found(result: .success(extents))
            }
            preconditionFailure("a transaction that throws does not return")
        } catch {
            switch error {
            case .cancelled(let found):
                do throws(PersistenceError) { return try found.result.get() } catch {
                    throw PersistenceError(
                        .noSpace,
                        "The pool holds no run \(runs.map(\.name).joined(separator: " and no run ")), and has no room to begin "
                            + "\(runs.count == 1 ? "it" : "them"). \(try namesOfRuns) \(error.message) "
                            + "'plinius pool grow' makes a pool larger; 'plinius train --pool-size' makes a new one with room."
                    )
                }
            case .failed(let error): throw error
            case .innerCancelled: preconditionFailure("nothing is nested in it")
            }
        }
    }

    /// Gives a place, which holds a durable mirror by now, to a run and the run to its name: both or neither are durable.
    /// - Throws: `.noSpace` if the place is taken, or if the heap has no room for the name; `.invalidName`.
    public func publishRun(_ name: String, in place: Extent) throws(PersistenceError) {
        try publishRuns([(name, place)])
    }

    /// Gives places, in the order in which they were found, to runs and the runs to their names: all or none of it is durable.
    /// - Throws: `.noSpace` if a place is taken, or if the heap has no room for the names; `.invalidName`.
    public func publishRuns(_ runs: [(name: String, place: Extent)]) throws(PersistenceError) {
        try flattening { () throws(TransactionError<PersistenceError>) in
            try transaction { tx throws(PersistenceError) in
                for (name, place) in runs {
                    let extent = try tx.allocateExtent(byteCount: place.byteCount)
                    guard extent.range == place.range else {
                        throw PersistenceError(
                            .noSpace, "The place of the run \(name) was taken meanwhile. Begin the run again.")
                    }
                    try tx.setRoot(Self.prefix + name, extent)
                }
            }
        }
    }

    private var namesOfRuns: String {
        get throws(PersistenceError) {
            let names = try runs.map(\.name)
            return names.isEmpty ? "It holds no run." : "It holds: \(names.joined(separator: ", "))."
        }
    }
}

/// Drops the difference between a closure's error and the pool's where both are the same type.
private func flattening<R>(_ body: () throws(TransactionError<PersistenceError>) -> R) throws(PersistenceError) -> R {
    do throws(TransactionError<PersistenceError>) { return try body() } catch {
        switch error {
        case .cancelled(let error), .failed(let error): throw error
        case .innerCancelled: preconditionFailure("nothing is nested in it")
        }
    }
}
