import Glibc

extension SecretBytes {
    /// Reads an owner's key from an open file, without a copy that would need wiping.
    /// - Throws: ``KeyFileError`` if it is not a regular file of 32 bytes that its owner alone may read.
    public convenience init(keyFile descriptor: CInt) throws(KeyFileError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw KeyFileError("key file cannot be examined: \(errorText(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw KeyFileError("key file is not a regular file: give the file that 'plinius-owner keygen' made")
        }
        let open = status.st_mode & 0o077
        guard open == 0 else {
            throw KeyFileError(
                "key file has mode 0\(String(status.st_mode & 0o777, radix: 8)): others may use it; run chmod 600 on it"
            )
        }
        let expected = KeyHierarchy.ownerKeyByteCount
        guard status.st_size == expected else {
            throw KeyFileError(
                "key file has \(status.st_size) bytes, a key has exactly \(expected): is it the right file?")
        }
        unsafe try self.init(count: expected) { bytes throws(KeyFileError) in
            let count = unsafe pread(descriptor, bytes.baseAddress, bytes.count, 0)
            guard count == expected else {
                throw KeyFileError("key file cannot be read: \(count < 0 ? errorText(errno) : "it shrank")")
            }
        }
    }
}

/// Why a key file was refused.
public struct KeyFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was checked, expected and found, and what to do; names no path.
    public let message: String

    public var description: String { message }

    init(_ message: String) { self.message = message }
}

private func errorText(_ number: CInt) -> String {
    unsafe String(cString: strerror(number))
}
