import Glibc
import PliniusWire

/// The owner's key as an enclave sealed it for the next start of one run; nobody else can open it, this program included.
///
/// It lies beside the pool as `POOL@RUN.kept-key`. A run's name has no `@`, so that no two runs share a file.
struct KeptKeyFile {
    let path: String

    init(pool: String, run: String) { path = "\(pool)@\(run).kept-key" }

    /// What was kept; nothing if there is no such file, or none that could be one.
    /// - Parameter warn: Takes a sentence for the operator.
    func read(warn: (String) -> Void) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else {
            let error = Errno.current
            if error.number != ENOENT { warn("\(error.explain("the kept key \(path)")); the owner is waited for") }
            return []
        }
        let file = OpenFile(descriptor: descriptor, path: path)
        let limit = OwnerWait.maximumKeptByteCount
        guard let status = try? file.status(), status.isRegular, (1...limit).contains(status.byteCount) else {
            warn("the kept key \(path) is no file of 1 to \(limit) bytes; the owner is waited for")
            return []
        }
        if status.permissions & 0o077 != 0 {
            warn("the kept key \(path) is open to other users of this machine; chmod 600 it")
        }
        return file.prefix(limit)
    }

    /// Replaces what was kept; durable when this returns, and never half a file.
    /// - Throws: `HostError.Code.failed`; what was kept before is still there then.
    func write(_ bytes: [UInt8]) throws(HostError) {
        let part = "\(path).\(getpid()).part"
        unlink(part)
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw HostError(.failed, Errno.current.explain(part)) }
        defer { close(descriptor) }
        guard OutputFile.write(bytes, to: descriptor), fsync(descriptor) == 0, rename(part, path) == 0 else {
            let error = Errno.current
            unlink(part)
            throw HostError(.failed, error.explain("the kept key \(path)"))
        }
        try UnnamedFile.synchronise(directoryOf: path)
    }
}

extension OpenFile {
    /// The first bytes, at most `limit`; fewer if it cannot be read.
    func prefix(_ limit: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let more = bytes[count...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if more < 0, errno == EINTR { continue }
            guard more > 0 else { break }
            count += more
        }
        return Array(bytes.prefix(count))
    }
}
