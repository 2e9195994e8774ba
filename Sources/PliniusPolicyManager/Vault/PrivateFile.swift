// Where X509 is beside, Swift finds stat in CoreFoundation.
internal import CoreFoundation
import Glibc

/// A small file that its owner alone may read: written whole and durably, or not at all.
struct PrivateFile: Sendable {
    let path: String

    /// Whether there is a file of that name.
    var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Reads it.
    /// - Throws: ``ManagerError`` if it cannot be read, is no regular file, others may read it, or it is longer than `limit`.
    func read(atMost limit: Int) throws(ManagerError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw ManagerError(
                errno == ENOENT ? .notFound : .unavailable, "\(path) cannot be opened: \(errorText(errno))")
        }
        defer { close(descriptor) }
        let size = try Self.privateSize(descriptor, path)
        guard size <= limit else {
            throw ManagerError(
                .malformed, "\(path) has \(size) bytes, it should have \(limit) at most: is it the right file?")
        }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == size else {
            throw ManagerError(.unavailable, "\(path) cannot be read: \(count < 0 ? errorText(errno) : "it shrank")")
        }
        return bytes
    }

    /// The size of an open file, if it is a regular one that nobody else may read or write.
    static func privateSize(_ descriptor: CInt, _ path: String) throws(ManagerError) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw ManagerError(.unavailable, "\(path) cannot be examined: \(errorText(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ManagerError(.malformed, "\(path) is no regular file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw ManagerError(
                .forbidden,
                "\(path) has mode 0\(String(status.st_mode & 0o777, radix: 8)): others may use it; run chmod 600 on it")
        }
        return Int(status.st_size)
    }

    /// Makes it anew; durable when this returns.
    /// - Throws: ``ManagerError/Code/conflict`` if the name is taken; ``ManagerError/Code/unavailable`` if the disk does not take it.
    func create(_ bytes: [UInt8]) throws(ManagerError) {
        let part = path + ".part"
        unsafe unlink(part)
        let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ManagerError(.unavailable, "\(part) cannot be created: \(errorText(errno))")
        }
        defer {
            close(descriptor)
            unsafe unlink(part)
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw ManagerError(.unavailable, "\(part) cannot be written: \(errorText(errno)); make room")
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else {
            throw ManagerError(.unavailable, "\(part) cannot be made durable: \(errorText(errno))")
        }
        // Unlike rename, link never replaces what came into being meanwhile.
        guard unsafe link(part, path) == 0 else {
            throw ManagerError(
                errno == EEXIST ? .conflict : .unavailable, "\(path) cannot be named: \(errorText(errno))")
        }
        try Self.sync(folder: Self.folder(of: path))
    }

    /// Removes it, if it is there.
    func remove() { unsafe unlink(path) }

    /// Makes what others wrote to the file, and its name, durable.
    func sync() throws(ManagerError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ManagerError(.unavailable, "\(path) cannot be opened: \(errorText(errno))")
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw ManagerError(.unavailable, "\(path) cannot be made durable: \(errorText(errno))")
        }
        try Self.sync(folder: Self.folder(of: path))
    }

    /// Makes the names in a folder durable.
    static func sync(folder: String) throws(ManagerError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ManagerError(.unavailable, "the folder \(folder) cannot be opened: \(errorText(errno))")
        }
        defer { close(descriptor) }
        // EINVAL: a file system that has nothing to do there.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw ManagerError(.unavailable, "the folder \(folder) cannot be made durable: \(errorText(errno))")
        }
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}

/// What the system says of an error number.
func errorText(_ number: CInt) -> String { unsafe String(cString: strerror(number)) }
