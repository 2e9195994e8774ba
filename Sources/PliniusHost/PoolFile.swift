import Glibc
public import PliniusWire

/// The file that holds runs, locked for as long as this object lives.
///
/// A new pool has no name until the enclave has written iteration 0 of its first run to it.
public final class PoolFile {
    let file: OpenFile
    let path: String
    /// Whether there is something in it.
    public let state: PoolState
    /// The name that a new pool has until it is published, where the file system knows no unnamed files.
    private var temporaryPath: String?

    private init(_ file: OpenFile, path: String, state: PoolState, temporaryPath: String? = nil) {
        self.file = file
        self.path = path
        self.state = state
        self.temporaryPath = temporaryPath
    }

    deinit {
        if let temporaryPath { unlink(temporaryPath) }
    }

    /// Opens the pool to train on it, or makes one without a name if there is none.
    /// - Throws: `HostError`: `failed` if another trainer holds it; `usage` if the path cannot be used.
    public static func forTraining(_ path: String) throws(HostError) -> PoolFile {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor < 0 else {
            let file = OpenFile(descriptor: descriptor, path: path)
            try refuseUnlessRegular(file)
            try lock(file, LOCK_EX, holder: "another trainer")
            return PoolFile(file, path: path, state: .existing)
        }
        let error = Errno.current
        guard error.number == ENOENT, !path.isEmpty else { throw HostError(.usage, error.explain("the pool \(path)")) }
        return try unnamed(for: path)
    }

    /// Opens an existing pool to read it, with no trainer at work on it.
    /// - Throws: `HostError`: `failed` if a trainer holds it; `usage` if there is none.
    public static func forReading(_ path: String) throws(HostError) -> PoolFile {
        let pool = try forInspection(path)
        try lock(pool.file, LOCK_SH, holder: "a trainer")
        return pool
    }

    /// Opens an existing pool to look at what it shows to everybody, whoever works on it.
    /// - Throws: `HostError.Code.usage` if there is none.
    public static func forInspection(_ path: String) throws(HostError) -> PoolFile {
        PoolFile(try OpenFile.forReading(path, as: "pool"), path: path, state: .existing)
    }

    // MARK: Publishing

    /// Gives a new pool its name, durably; an existing file is never replaced.
    /// - Throws: `HostError.Code.failed`; the pool then still has no name.
    func publish() throws(HostError) {
        precondition(state == .fresh, "only a new pool is published")
        // The descriptor's entry in /proc needs no privilege, unlike AT_EMPTY_PATH.
        let source = temporaryPath ?? "/proc/self/fd/\(file.descriptor)"
        guard linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 else {
            let error = Errno.current
            throw HostError(
                .failed,
                error.number == EEXIST
                    ? "\(path) came into being meanwhile and was left alone; the same command will look at it"
                    : error.explain("the new pool \(path)")
            )
        }
        if let temporaryPath { unlink(temporaryPath) }
        temporaryPath = nil
        try Self.synchronise(directoryOf: path)
    }

    private static func unnamed(for path: String) throws(HostError) -> PoolFile {
        let directory = Self.directory(of: path)
        // <fcntl.h> hides O_TMPFILE behind _GNU_SOURCE: __O_TMPFILE | O_DIRECTORY on every architecture of Linux that Swift knows.
        let unnamed = open(directory, 0o20_000_000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600)
        if unnamed >= 0 {
            let file = OpenFile(descriptor: unnamed, path: path)
            try lock(file, LOCK_EX, holder: "another trainer")
            return PoolFile(file, path: path, state: .fresh)
        }
        let error = Errno.current
        guard [EOPNOTSUPP, EISDIR, EINVAL].contains(error.number) else {
            throw HostError(.usage, error.explain("the directory \(directory) of the new pool"))
        }
        let name = path.split(separator: "/").last ?? "pool"
        let temporaryPath = "\(directory)/.\(name).\(getpid())-\(UInt32.random(in: 0 ... .max)).new"
        let named = open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard named >= 0 else { throw HostError(.usage, Errno.current.explain("the new pool \(temporaryPath)")) }
        let pool = PoolFile(
            OpenFile(descriptor: named, path: path),
            path: path,
            state: .fresh,
            temporaryPath: temporaryPath
        )
        try lock(pool.file, LOCK_EX, holder: "another trainer")
        return pool
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes a new name in a directory survive a loss of power.
    private static func synchronise(directoryOf path: String) throws(HostError) {
        let directory = Self.directory(of: path)
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HostError(.failed, Errno.current.explain("the directory \(directory)")) }
        defer { close(descriptor) }
        // EINVAL: a file system that has nothing to synchronise there.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw HostError(.failed, Errno.current.explain("the directory \(directory)"))
        }
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
