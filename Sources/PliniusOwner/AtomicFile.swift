import Glibc

/// A new file that appears under its name complete and durable, or not at all.
///
/// It is written under a temporary name in the same folder, which goes away with the value unless ``publish(overwriting:)`` was called.
struct AtomicFile: ~Copyable {
    private let path: String
    private let temporaryPath: String
    private let descriptor: CInt

    private init(path: String, temporaryPath: String, descriptor: CInt) {
        self.path = path
        self.temporaryPath = temporaryPath
        self.descriptor = descriptor
    }

    /// Begins a file that will be called `path`, for its owner's eyes only.
    /// - Throws: `OwnerError` if the folder does not take it, or if the name is taken and may not be overwritten.
    static func create(_ path: String, overwriting: Bool = false) throws(OwnerError) -> AtomicFile {
        guard unsafe overwriting || access(path, F_OK) != 0 else {
            throw OwnerError(.usage, "\(path) is there already: choose another name, or remove it")
        }
        let temporaryPath = "\(path).\(getpid()).part"
        let descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw OwnerError(.usage, "\(temporaryPath) cannot be created", errno: errno) }
        return AtomicFile(path: path, temporaryPath: temporaryPath, descriptor: descriptor)
    }

    deinit {
        close(descriptor)
        unsafe unlink(temporaryPath)
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
            guard unsafe rename(temporaryPath, path) == 0 else {
                throw OwnerError(.failed, "\(path) cannot be named", errno: errno)
            }
        } else {
            // Unlike rename, link never replaces what came into being meanwhile; the temporary name goes with this value.
            guard unsafe link(temporaryPath, path) == 0 else {
                throw OwnerError(errno == EEXIST ? .usage : .failed, "\(path) cannot be named", errno: errno)
            }
        }
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw OwnerError(.failed, "the folder \(folder) cannot be opened", errno: errno) }
        defer { close(directory) }
        // EINVAL: a file system that has nothing to do there.
        guard fsync(directory) == 0 || errno == EINVAL else {
            throw OwnerError(.failed, "the folder \(folder) cannot be made durable", errno: errno)
        }
    }
}
