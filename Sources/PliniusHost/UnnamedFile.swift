import Glibc

/// A new file that has no name until it is complete, so that a program that is killed leaves nothing behind.
///
/// Where the file system knows no unnamed files, it has a temporary name in the same directory, which goes away with this object.
final class UnnamedFile {
    let file: OpenFile
    /// What it is to the operator: `pool`, `file of results`.
    private let role: String
    /// The name that it has meanwhile.
    private var temporaryPath: String?

    private init(_ file: OpenFile, role: String, temporaryPath: String? = nil) {
        self.file = file
        self.role = role
        self.temporaryPath = temporaryPath
    }

    deinit {
        if let temporaryPath { unlink(temporaryPath) }
    }

    /// Makes the file that will be called `path`, for this user's eyes only.
    /// - Throws: `HostError.Code.usage` if the directory does not take it.
    static func create(for path: String, as role: String) throws(HostError) -> UnnamedFile {
        let directory = directory(of: path)
        // <fcntl.h> hides O_TMPFILE behind _GNU_SOURCE: __O_TMPFILE | O_DIRECTORY on every architecture of Linux that Swift knows.
        let unnamed = open(directory, 0o20_000_000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600)
        if unnamed >= 0 { return UnnamedFile(OpenFile(descriptor: unnamed, path: path), role: role) }
        let error = Errno.current
        guard [EOPNOTSUPP, EISDIR, EINVAL].contains(error.number) else {
            throw HostError(.usage, error.explain("the directory \(directory) of the new \(role)"))
        }
        let name = path.split(separator: "/").last ?? "new"
        let temporaryPath = "\(directory)/.\(name).\(getpid())-\(UInt32.random(in: 0 ... .max)).new"
        let named = open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard named >= 0 else { throw HostError(.usage, Errno.current.explain("the new \(role) \(temporaryPath)")) }
        return UnnamedFile(OpenFile(descriptor: named, path: path), role: role, temporaryPath: temporaryPath)
    }

    /// Gives the file its name, durably, as far as its content is durable; an existing file is never replaced.
    /// - Throws: `HostError.Code.failed`; the file then still has no name.
    func publish() throws(HostError) {
        let path = file.path
        // The descriptor's entry in /proc needs no privilege, unlike AT_EMPTY_PATH.
        let source = temporaryPath ?? "/proc/self/fd/\(file.descriptor)"
        guard linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 else {
            let error = Errno.current
            throw HostError(
                .failed,
                error.number == EEXIST
                    ? "\(path) came into being meanwhile and was left alone; the same command will look at it"
                    : error.explain("the new \(role) \(path)"))
        }
        if let temporaryPath { unlink(temporaryPath) }
        temporaryPath = nil
        try Self.synchronise(directoryOf: path)
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Makes a new name in a directory survive a loss of power.
    static func synchronise(directoryOf path: String) throws(HostError) {
        let directory = Self.directory(of: path)
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HostError(.failed, Errno.current.explain("the directory \(directory)")) }
        defer { close(descriptor) }
        // EINVAL: a file system that has nothing to synchronise there.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw HostError(.failed, Errno.current.explain("the directory \(directory)"))
        }
    }
}
