import Glibc

/// Bytes that are read at any place: a file's, or some in memory.
@safe
public final class ByteFile {
    /// The name that errors give.
    public let path: String
    /// How many bytes there are.
    public let count: Int

    private let memory: [UInt8]
    /// -1 if the bytes are in memory.
    private let descriptor: CInt

    /// Opens a regular file.
    /// - Parameter followingLinks: Whether `path` may be a symbolic link.
    /// - Throws: ``SourceError``, `.unreadable`.
    public init(_ path: String, followingLinks: Bool = true) throws(SourceError) {
        self.path = path
        memory = []
        // A pipe under the name of a file may not keep the program waiting.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else {
            let reason = errno == ELOOP ? "it is a symbolic link" : unsafe String(cString: strerror(errno))
            throw SourceError(.unreadable, path, reason)
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw SourceError(.unreadable, path, "it is not a regular file")
        }
        self.descriptor = descriptor
        count = Int(status.st_size)
    }

    /// Takes bytes in memory for a file of that name.
    public init(name: String, bytes: [UInt8]) {
        path = name
        memory = bytes
        count = bytes.count
        descriptor = -1
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Reads `count` bytes.
    /// - Parameter what: Names the bytes in an error.
    /// - Throws: ``SourceError``: `.truncated`, `.unreadable`.
    func bytes(at offset: Int, count: Int, _ what: @autoclosure () -> String) throws(SourceError) -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
            throw SourceError(
                .truncated, path, at: offset,
                "\(what()) would take \(count) bytes, and the file has \(self.count). Get the file again.")
        }
        guard descriptor >= 0 else { return Array(memory[offset..<offset + count]) }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let part = unsafe bytes.withUnsafeMutableBytes {
                unsafe pread(descriptor, $0.baseAddress.map { unsafe $0 + done }, count - done, off_t(offset + done))
            }
            guard part != 0 else {
                throw SourceError(.truncated, path, at: offset + done, "the file became shorter while it was read")
            }
            guard part > 0 || errno == EINTR else {
                throw SourceError(.unreadable, path, at: offset + done, unsafe String(cString: strerror(errno)))
            }
            done += max(0, part)
        }
        return bytes
    }
}
