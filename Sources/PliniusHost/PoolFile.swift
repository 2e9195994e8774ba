import Glibc
import PliniusPersistence
import PliniusRuns
import PliniusWire

/// The file that holds runs, locked for as long as this object lives.
///
/// The host keeps the catalogue of the runs: which parts of the file they have. A new pool has no name until the enclave has written
/// iteration 0 of its first run to it.
public final class PoolFile {
    let file: OpenFile
    let path: String
    /// A new file, which has no name before its first run has one.
    private let unnamed: UnnamedFile?
    /// Whether the file was made by this process.
    var isNew: Bool { unnamed != nil }
    /// The catalogue; none while a new file is empty.
    private var pool: Pool?
    /// The places of runs that have begun and have no names yet.
    private var places: [(name: String, place: Extent)] = []

    private init(_ file: OpenFile, path: String, unnamed: UnnamedFile? = nil) {
        self.file = file
        self.path = path
        self.unnamed = unnamed
    }

    /// Opens the pool to train on it, or makes one without a name if there is none.
    /// - Throws: `HostError`: `failed` if another trainer holds it; `usage` if the path cannot be used.
    public static func forTraining(_ path: String) throws(HostError) -> PoolFile {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor < 0 else {
            let file = OpenFile(descriptor: descriptor, path: path)
            try refuseUnlessRegular(file)
            try lock(file, LOCK_EX, holder: "another trainer")
            let pool = PoolFile(file, path: path)
            try pool.read(.readWrite)
            return pool
        }
        let error = Errno.current
        guard error.number == ENOENT, !path.isEmpty else { throw HostError(.usage, error.explain("the pool \(path)")) }
        return try unnamed(for: path)
    }

    /// Opens an existing pool to read it, with no trainer at work on it.
    /// - Throws: `HostError`: `failed` if a trainer holds it; `usage` if there is none.
    public static func forReading(_ path: String) throws(HostError) -> PoolFile {
        let pool = PoolFile(try OpenFile.forReading(path, as: "pool"), path: path)
        try lock(pool.file, LOCK_SH, holder: "a trainer")
        try pool.read(.readOnly)
        return pool
    }

    /// Opens an existing pool to look at what it shows to everybody, whoever works on it.
    /// - Throws: `HostError.Code.usage` if there is none.
    public static func forInspection(_ path: String) throws(HostError) -> PoolFile {
        let pool = PoolFile(try OpenFile.forReading(path, as: "pool"), path: path)
        try pool.read(.readOnly)
        return pool
    }

    private func read(_ access: Pool.Access) throws(HostError) {
        do throws(PersistenceError) {
            pool = try Pool.open(descriptor: file.descriptor, access: access)
        } catch { throw HostError(error, path) }
    }

    // MARK: Runs

    /// Where the run of a name is; `nil` if there is none.
    func place(of name: String) throws(HostError) -> PoolExtent? {
        try runs.first { $0.name == name }?.extent
    }

    /// The run of a name, or the only one.
    /// - Throws: `HostError.Code.usage` with the names that there are.
    func run(_ name: String?) throws(HostError) -> RunPlace {
        do throws(PersistenceError) {
            guard let found = try pool?.run(name) else { preconditionFailure("a new pool is not read") }
            return RunPlace(name: found.name, extent: PoolExtent(found.extent))
        } catch { throw HostError(error, path) }
    }

    /// All runs, sorted by name.
    var runs: [RunPlace] {
        get throws(HostError) {
            do throws(PersistenceError) {
                let runs = try pool?.runs ?? []
                return runs.map { RunPlace(name: $0.name, extent: PoolExtent($0.extent)) }
            } catch { throw HostError(error, path) }
        }
    }

    /// What the pool says of itself.
    var summary: (tier: Tier, byteCount: Int, freeBytes: Int, largestFreeBytes: Int) {
        guard let report = pool?.check(), let tier = pool?.tier, let byteCount = pool?.byteCount else {
            preconditionFailure("a new pool is not read")
        }
        return (tier, byteCount, report.freeExtentBytes, report.largestFreeExtent)
    }

    /// Finds places for new runs that begin together, and makes the pool in a new file.
    /// - Parameter poolBytes: The size of a new pool; as much as the runs take if nothing is said.
    func allocate(_ runs: [(name: String, byteCount: UInt64)], poolBytes: UInt64?) -> Allocation {
        do throws(PersistenceError) {
            guard runs.allSatisfy({ $0.byteCount < 1 << 46 }) else {
                return refusal(.failed, "a run of \(runs.map(\.byteCount)) bytes is more than any pool holds")
            }
            let runs = runs.map { (name: $0.name, byteCount: Int($0.byteCount)) }
            let least = Pool.byteCount(extentBytes: runs.reduce(0) { $0 + $1.byteCount })
            if isNew && pool == nil {
                guard let total = Int(exactly: poolBytes ?? UInt64(least)), (least...1 << 47).contains(total) else {
                    return refusal(
                        .usage,
                        "--pool-size is \(poolBytes ?? 0) bytes: the pool of this run takes at least \(least), and at most 2^47"
                    )
                }
                pool = try Pool.create(descriptor: file.descriptor, byteCount: total)
            }
            guard let found = try pool?.placesForRuns(runs) else { preconditionFailure("there is a pool by now") }
            places = Array(zip(runs.map(\.name), found))
            return Allocation(extents: found.map { PoolExtent($0) })
        } catch { return refusal(.failed, error.message) }
    }

    private func refusal(_ category: Failure.Category, _ message: String) -> Allocation {
        Allocation(refusal: Failure(category: category, message: message))
    }

    // MARK: Publishing

    /// Gives the runs that were last allocated their names, and then a new pool its own, durably.
    /// - Returns: Why not; `nil` if they have them.
    func publish() -> String? {
        guard !places.isEmpty else { return "no run was allocated" }
        do {
            try pool?.publishRuns(places)
            places = []
            try unnamed?.publish()
            return nil
        } catch { return "\(error)" }
    }

    private static func unnamed(for path: String) throws(HostError) -> PoolFile {
        let unnamed = try UnnamedFile.create(for: path, as: "pool")
        try lock(unnamed.file, LOCK_EX, holder: "another trainer")
        return PoolFile(unnamed.file, path: path, unnamed: unnamed)
    }

    // MARK: Locking

    private static func refuseUnlessRegular(_ file: OpenFile) throws(HostError) {
        guard try file.status().isRegular else {
            throw HostError(.usage, "the pool \(file.path) is not a regular file; name a file")
        }
    }

    /// Locks the open file; the enclave, which inherits it, holds the lock as well.
    private static func lock(_ file: OpenFile, _ kind: CInt, holder: String) throws(HostError) {
        // When a trainer is killed, its enclave lives for a moment longer; that is no reason to refuse who resumes.
        for attempt in 0..<20 {
            if attempt > 0 { usleep(50_000) }
            if flock(file.descriptor, kind | LOCK_NB) == 0 { return }
            let error = Errno.current
            guard error.number == EWOULDBLOCK || error.number == EINTR else {
                throw HostError(.failed, error.explain("the lock of the pool \(file.path)"))
            }
        }
        throw HostError(
            .failed,
            "\(holder) is at work on the pool \(file.path) and holds its lock; wait for it or stop it"
        )
    }
}

extension PoolExtent {
    /// An extent, in the words of the wire.
    init(_ extent: Extent) {
        self.init(start: UInt64(extent.range.lowerBound), byteCount: UInt64(extent.byteCount))
    }
}

extension HostError {
    /// Says which pool it is that cannot be used, and why.
    init(_ error: PersistenceError, _ path: String) {
        let code: Code = error.code == .noSuchRoot ? .usage : error.code.isRefusal ? .integrity : .failed
        self.init(code, "\(path): \(error.message)")
    }
}
