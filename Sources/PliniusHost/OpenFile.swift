import Glibc

/// An open file; closed when the last holder lets go of it.
///
/// What is secret is handed over as a descriptor: this process opens such files and never reads them.
public final class OpenFile: Sendable {
    let descriptor: CInt
    let path: String

    /// Takes over an open descriptor.
    init(descriptor: CInt, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        close(descriptor)
    }

    /// Opens a file that the enclave is to read.
    /// - Parameters:
    ///   - path: Where it lies.
    ///   - role: What it is to the operator: `data set`, `key file`.
    /// - Throws: `HostError.Code.usage` if there is no such regular file or it may not be read.
    public static func forReading(_ path: String, as role: String) throws(HostError) -> OpenFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw HostError(.usage, Errno.current.explain("the \(role) \(path)")) }
        let file = OpenFile(descriptor: descriptor, path: path)
        guard try file.status().isRegular else {
            throw HostError(.usage, "the \(role) \(path) is not a regular file; name a file")
        }
        return file
    }

    /// Reads a text whole.
    /// - Throws: `HostError.Code.usage` if it is longer than `limit` bytes, or no UTF-8.
    func text(atMost limit: Int, as role: String) throws(HostError) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw HostError(.usage, Errno.current.explain("the \(role) \(path)")) }
            if count == 0 { break }
            bytes += buffer.prefix(count)
            guard bytes.count <= limit else {
                throw HostError(.usage, "the \(role) \(path) is longer than \(limit) bytes; is it the right file?")
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw HostError(.usage, "the \(role) \(path) is not UTF-8 text; is it the right file?")
        }
        return text
    }

    /// Asks the kernel about the file, not for its content.
    func status() throws(HostError) -> (isRegular: Bool, permissions: mode_t, byteCount: Int) {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else {
            throw HostError(.failed, Errno.current.explain(path))
        }
        return (
            information.st_mode & S_IFMT == S_IFREG, information.st_mode & 0o777, Int(information.st_size)
        )
    }
}

/// An error number of the C library, taken before anything else can change it.
struct Errno: Equatable {
    let number: CInt

    static var current: Errno { Errno(number: errno) }

    /// Says what went wrong with `subject`, and what to do where that is plain.
    func explain(_ subject: String) -> String {
        switch number {
        case ENOENT: "\(subject) does not exist; check the path"
        case ENOTDIR: "\(subject): a part of the path is not a directory"
        case EISDIR: "\(subject) is a directory; name a file"
        case EACCES, EPERM: "\(subject) may not be opened: check its permissions"
        case EROFS: "\(subject) lies on a read-only file system"
        case ENOSPC, EDQUOT: "\(subject): no space is left on the disk"
        case EMFILE, ENFILE: "\(subject): too many files are open"
        default: "\(subject): \(String(cString: strerror(number)))"
        }
    }
}
