import Glibc

/// A new file that appears under its name complete and durable, or not at all.
///
/// Until ``publish(overwriting:)`` it has no name, so that a program that is killed leaves nothing behind; where the file system knows no
/// unnamed files, it has a temporary one in the same folder, which goes away with the value.
struct AtomicFile: ~Copyable {
    private let path: String
    /// For what has to read what it writes; the value closes it.
    let descriptor: CInt
    private let temporaryPath: String?

    private init(path: String, descriptor: CInt, temporaryPath: String?) {
        self.path = path
        self.descriptor = descriptor
        self.temporaryPath = temporaryPath
    }

    /// Begins a file that will be called `path`, for its owner's eyes only.
    /// - Throws: `OwnerError` if the folder does not take it, or if the name is taken and may not be overwritten.
    static func create(_ path: String, overwriting: Bool = false) throws(OwnerError) -> AtomicFile {
        guard unsafe overwriting || access(path, F_OK) != 0 else {
            throw OwnerError(.usage, "\(path) is there already: choose another name, or remove it")
        }
        // <fcntl.h> hides O_TMPFILE behind _GNU_SOURCE: __O_TMPFILE | O_DIRECTORY on every Linux that Swift knows.
        let unnamed = unsafe open(folder(of: path), 0o20_000_000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600)
        if unnamed >= 0 { return AtomicFile(path: path, descriptor: unnamed, temporaryPath: nil) }
        let number = errno
        guard [EOPNOTSUPP, EISDIR, EINVAL].contains(number) else {
            throw OwnerError(.usage, "\(path) cannot be created", errno: number)
        }
        let temporaryPath = partPath(of: path)
        let descriptor = unsafe open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw OwnerError(.usage, "\(temporaryPath) cannot be created", errno: errno) }
        return AtomicFile(path: path, descriptor: descriptor, temporaryPath: temporaryPath)
    }

    deinit {
        close(descriptor)
        if let temporaryPath { unsafe unlink(temporaryPath) }
    }

    /// Appends bytes.
    /// - Throws: `OwnerError`, when the disk is full for one.
    @unsafe func write(_ bytes: UnsafeRawBufferPointer) throws(OwnerError) {
        var rest = unsafe bytes
        while let start = rest.baseAddress, unsafe !rest.isEmpty {
            let count = unsafe Glibc.write(descriptor, start, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw OwnerError(.failed, "\(path) cannot be written", errno: errno)
            }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// Appends bytes.
    /// - Throws: `OwnerError`, when the disk is full for one.
    func write(_ bytes: [UInt8]) throws(OwnerError) {
        // The closure of an array's bytes rethrows without saying what, so the error is carried out by hand.
        let result = unsafe bytes.withUnsafeBytes { buffer in
            Result { () throws(OwnerError) in try unsafe write(buffer) }
        }
        try result.get()
    }

    /// Gives the file its name; durable when this returns.
    /// - Throws: `OwnerError`; there is no file of that name then, or still the old one.
    func publish(overwriting: Bool = false) throws(OwnerError) {
        guard fsync(descriptor) == 0 else { throw OwnerError(.failed, "\(path) cannot be made durable", errno: errno) }
        if overwriting {
            let part = temporaryPath ?? Self.partPath(of: path)
            if temporaryPath == nil { try link(to: part) }
            guard unsafe rename(part, path) == 0 else {
                let number = errno
                unsafe unlink(part)
                throw OwnerError(.failed, "\(path) cannot be named", errno: number)
            }
        } else {
            // Unlike rename, link never replaces what came into being meanwhile.
            try link(to: path)
        }
        let folder = Self.folder(of: path)
        let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw OwnerError(.failed, "the folder \(folder) cannot be opened", errno: errno) }
        defer { close(directory) }
        // EINVAL: a file system that has nothing to do there.
        guard fsync(directory) == 0 || errno == EINVAL else {
            throw OwnerError(.failed, "the folder \(folder) cannot be made durable", errno: errno)
        }
    }

    private func link(to name: String) throws(OwnerError) {
        // The descriptor's entry in /proc needs no privilege, unlike AT_EMPTY_PATH.
        let source = temporaryPath ?? "/proc/self/fd/\(descriptor)"
        guard unsafe linkat(AT_FDCWD, source, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 else {
            let number = errno
            throw OwnerError(number == EEXIST ? .usage : .failed, "\(name) cannot be named", errno: number)
        }
    }

    private static func partPath(of path: String) -> String { "\(path).\(getpid()).part" }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}
