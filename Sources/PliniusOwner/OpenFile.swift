import Glibc
import PliniusSealing

/// A file open for reading, closed when the value dies.
struct OpenFile: ~Copyable {
    let descriptor: CInt

    /// Opens `path`.
    /// - Throws: `OwnerError` with the path and what `role` the file was to play.
    static func open(_ path: String, as role: String) throws(OwnerError) -> OpenFile {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw OwnerError(.usage, "the \(role) \(path) cannot be opened", errno: errno) }
        return OpenFile(descriptor: descriptor)
    }

    private init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

extension KeyHierarchy {
    /// Reads an owner's key file.
    /// - Throws: `OwnerError` that names the file.
    init(keyFile path: String) throws(OwnerError) {
        let file = try OpenFile.open(path, as: "key file")
        do { self.init(ownerKey: try SecretBytes(keyFile: file.descriptor)) } catch {
            throw OwnerError(.usage, "\(path): \(error.description)")
        }
    }
}
