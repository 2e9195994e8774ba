import Glibc
import PliniusMirror
import PliniusNN
import PliniusPersistence
import PliniusRuns
import PliniusSealing
import _PliniusSupport

/// A run that an owner begins: what the enclave does for one of its own, before the pool goes to the training host.
struct NewRun {
    let identity: RunIdentity
    /// The state of iteration 0.
    let arena: ParameterArena
    /// The text of the configuration.
    let description: [UInt8]
    let keys: KeyHierarchy

    /// Begins the run in a pool, which is made if it is not there; the run is durable and has its name when this returns, or is not there.
    /// - Throws: `OwnerError` if the pool holds a run of that name, or if somebody trains on it; `PersistenceError`, `MirrorError`.
    func begin(in path: String) throws {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor < 0 else {
            defer { close(descriptor) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw OwnerError(.failed, "the pool \(path) is locked; wait for who is at work on it", errno: errno)
            }
            return try begin(in: try Pool.open(descriptor: descriptor), path: path)
        }
        guard errno == ENOENT else { throw OwnerError(.usage, "the pool \(path) cannot be opened", errno: errno) }
        let file = try AtomicFile.create(path)
        let pool = try Pool.create(descriptor: file.descriptor, byteCount: Pool.byteCount(extentBytes: byteCount))
        try begin(in: pool, path: path)
        try file.publish()
    }

    private func begin(in pool: borrowing Pool, path: String) throws {
        let name = identity.name.description
        guard try !pool.runs.contains(where: { $0.name == name }) else {
            throw OwnerError(
                .usage, "\(path) holds a run \(name) already: choose another name with --run, or another pool")
        }
        let place = try pool.placeForRun(name, byteCount: byteCount)
        _ = try Mirror.create(
            on: place, identity: identity, keys: keys, arena: arena.memory,
            progress: Progress(iteration: 0, loss: 0, averageLoss: 0), description: description)
        try pool.publishRun(name, in: place)
    }

    private var byteCount: Int {
        Mirror.byteCount(arenaBytes: arena.layout.byteCount, descriptionBytes: description.count)
    }
}
