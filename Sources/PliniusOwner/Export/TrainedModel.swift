import PliniusMirror
import PliniusNN
import PliniusPersistence
import PliniusSealing
import _PliniusSupport

/// A model as its owner reads it from a pool: the network, its parameters, and how long they were trained.
struct TrainedModel {
    let network: NetworkDescription
    let arena: ParameterArena
    let progress: Progress

    /// Opens the newest mirror of a pool; the pool is not changed.
    ///
    /// The network is the one that the pool's run began with; its text lies in the pool, authenticated.
    /// - Throws: `PersistenceError`, `MirrorError`, `ConfigError`, `OwnerError`.
    init(pool descriptor: CInt, keys: KeyHierarchy) throws {
        let pool = try Region.open(descriptor: descriptor, access: .readOnly)
        let mirror = try Mirror.open(on: pool, keys: keys)
        network = try NetworkDescription(
            parsing: String(decoding: mirror.description, as: UTF8.self), file: "the pool's configuration")
        // The pool and the description in it are authentic; a program that lays networks out differently may still have made them.
        guard network.layout.byteCount == mirror.arenaBytes else {
            throw OwnerError(
                .failed,
                "the pool's arena has \(mirror.arenaBytes) bytes, and this program lays its network out in "
                    + "\(network.layout.byteCount): export with the version that trained it")
        }
        arena = ParameterArena(layout: network.layout)
        progress = try mirror.mirrorIn(to: arena.memory).progress
    }

    /// Makes a model of parts that are there already.
    init(network: NetworkDescription, arena: ParameterArena, progress: Progress) {
        self.network = network
        self.arena = arena
        self.progress = progress
    }

    /// Images that the model has been trained on: what Darknet calls `seen`.
    var imagesSeen: UInt64 { progress.iteration * UInt64(network.options.batch) }

    /// Appends a tensor's values, little-endian.
    func append(_ tensor: ArenaTensor, to bytes: inout [UInt8]) {
        // Swift runs on little-endian machines only, as does everything else here; the arena's bytes are the file's.
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(arena.floats(of: tensor)))
    }
}
