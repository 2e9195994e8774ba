import Glibc

extension Pool {
    /// Makes a pool with a name, which no crash shows before the pool is whole; a file that has the name already is left alone.
    ///
    /// - Parameter lock: Whether to keep other processes away for as long as the pool is open: with `false`, the caller sees to it.
    /// - Throws: `.notEmpty` if there is a file of that name, and what ``create(descriptor:byteCount:heapBytes:commit:writeBack:)`` throws.
    public static func create(
        path: String, byteCount: Int, heapBytes: Int = defaultHeapBytes, commit kind: CommitKind = .redoLog,
        lock: Bool = true
    ) throws(PersistenceError) -> Pool {
        let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "."
        guard unsafe access(path, F_OK) != 0 else { throw .exists(path) }
        // <fcntl.h> hides O_TMPFILE behind _GNU_SOURCE: __O_TMPFILE | O_DIRECTORY on every architecture of Linux that Swift knows.
        var descriptor = unsafe Glibc.open(String(directory), 0o20_000_000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600)
        var temporary: String?
        if descriptor < 0, [EOPNOTSUPP, EISDIR, EINVAL].contains(errno) {
            let name = "\(path).\(getpid())-\(UInt32.random(in: 0 ... .max)).new"
            temporary = name
            descriptor = unsafe Glibc.open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        }
        guard descriptor >= 0 else { throw PersistenceError("The folder \(directory) of the new pool", errno: errno) }
        defer {
            close(descriptor)
            if let temporary { _ = unsafe unlink(temporary) }
        }
        if lock { try Self.lock(descriptor, LOCK_EX, path) }
        let pool = try create(descriptor: descriptor, byteCount: byteCount, heapBytes: heapBytes, commit: kind)
        let source = temporary ?? "/proc/self/fd/\(descriptor)"
        guard unsafe linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 else {
            if errno == EEXIST { throw .exists(path) }
            throw PersistenceError("The new pool \(path) gets no name", errno: errno)
        }
        let folder = unsafe Glibc.open(String(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(folder) }
        // EINVAL: a file system that has nothing to synchronise there.
        guard fsync(folder) == 0 || errno == EINVAL else {
            throw PersistenceError("The name of the new pool \(path) cannot be made durable", errno: errno)
        }
        return pool
    }

    /// Opens the pool of that name.
    ///
    /// - Parameter lock: Whether to keep other processes away for as long as the pool is open, other readers of a pool that is only read
    ///   apart: with `false`, the caller sees to it.
    /// - Throws: `.inUse` if another process keeps this one away for a second, and what ``open(descriptor:access:writeBack:)``
    ///   throws.
    public static func open(path: String, access: Access = .readWrite, lock: Bool = true) throws(PersistenceError)
        -> Pool
    {
        let isReading = access == .readOnly
        let descriptor = try openFile(path, for: access, lock: lock)
        defer { close(descriptor) }
        return try open(descriptor: descriptor, access: isReading ? .readOnly : .readWrite)
    }

    /// Opens a file, locked if wanted.
    package static func openFile(_ path: String, for access: Access, lock: Bool) throws(PersistenceError) -> CInt {
        let isReading = access == .readOnly
        let descriptor = unsafe Glibc.open(path, (isReading ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw PersistenceError("The pool \(path)", errno: errno) }
        do throws(PersistenceError) {
            if lock { try Self.lock(descriptor, isReading ? LOCK_SH : LOCK_EX, path) }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Locks the open file: every duplicate of the descriptor, the pool's among them, holds the lock as well.
    private static func lock(_ descriptor: CInt, _ kind: CInt, _ path: String) throws(PersistenceError) {
        // A process that was killed holds its lock for a moment longer; that is no reason to refuse who comes next.
        for attempt in 0..<20 {
            if attempt > 0 { usleep(50_000) }
            if flock(descriptor, kind | LOCK_NB) == 0 { return }
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw PersistenceError("The lock of the pool \(path)", errno: errno)
            }
        }
        throw PersistenceError(
            .inUse, "Another process has the pool \(path) open and holds its lock. Wait for it, or stop it.")
    }
}

extension PersistenceError {
    fileprivate static func exists(_ path: String) -> PersistenceError {
        PersistenceError(.notEmpty, "There is a file \(path) already. It was left alone; choose another name.")
    }
}
