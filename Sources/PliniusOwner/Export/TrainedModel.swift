import PliniusMirror
import PliniusModels
import PliniusNN
import PliniusPersistence
import PliniusRuns
import PliniusSealing
import _PliniusSupport

/// A model as its owner reads it from a pool, and the run that it is of.
struct TrainedModel {
    /// What its pool calls the run.
    let run: String
    let model: Model

    /// Opens the newest mirror of a run; the pool is not changed.
    ///
    /// The network is the one that the run began with; its text lies in the pool, authenticated.
    /// - Parameter run: The name of the run; the only one of the pool if there is none.
    /// - Throws: `PersistenceError`, `MirrorError`, `ConfigError`, `OwnerError`.
    init(pool descriptor: CInt, run: String?, keys: KeyHierarchy) throws {
        let pool = try Pool.open(descriptor: descriptor, access: .readOnly)
        let (name, extent) = try pool.run(run)
        self.run = name
        var expected = ExpectedRun()
        expected.name = try RunName(name)
        let mirror = try Mirror.open(on: extent, expecting: expected, keys: keys)
        let network = try NetworkDescription(
            parsing: String(decoding: mirror.description, as: UTF8.self), file: "the run's configuration")
        // The pool and the description in it are authentic; a program that lays networks out differently may still have made them.
        guard network.layout.byteCount == mirror.arenaBytes else {
            throw OwnerError(
                .failed,
                "the run's arena has \(mirror.arenaBytes) bytes, and this program lays its network out in "
                    + "\(network.layout.byteCount): export with the version that trained it")
        }
        let arena = ParameterArena(layout: network.layout)
        let progress = try mirror.mirrorIn(to: arena.memory).progress
        model = Model(
            network: network, arena: arena, iteration: progress.iteration,
            imagesSeen: progress.iteration * UInt64(network.options.batch))
    }
}
