import Glibc
import Synchronization

/// Keeps a second process away from a store: a lock that ends with the process that has it, however that ends.
final class StoreLock: Sendable {
    /// Its file's name in the folder.
    static let fileName = "lock"

    private let descriptor: Mutex<CInt?>

    /// Takes the lock.
    /// - Throws: ``ManagerError/Code/unavailable`` if another process has it.
    init(folder: String) throws(ManagerError) {
        let path = "\(folder)/\(Self.fileName)"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ManagerError(.unavailable, "\(path) cannot be opened: \(errorText(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            throw ManagerError(
                .unavailable,
                number == EWOULDBLOCK
                    ? "another process is at work on the store \(folder): stop it first"
                    : "\(path) cannot be locked: \(errorText(number))")
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Lets other processes in.
    func release() {
        let descriptor = descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
        guard let descriptor else { return }
        // A process that is being started at this moment may have a copy of the descriptor yet: closing alone would not end the lock.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
