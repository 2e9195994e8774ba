package import Glibc

extension Region {
    /// How a pool is opened.
    public enum Access: Sendable {
        /// Mirrors are read, none is written.
        case readOnly
        /// The whole life of a run.
        case readWrite
    }

    /// Opens the pool in a regular file, whole.
    ///
    /// The descriptor stays the caller's; the pool keeps a duplicate. What the bytes mean is for the owner of their format to check.
    ///
    /// - Throws: `.notARegularFile`, `.readOnly`, `.tooSmall` (less than a page), `.noSpace` (the file has holes, as a sparse copy
    ///   has, and there is no room to fill them), `.mappingFailed`, `.noInstruction`, `.system`.
    public static func open(
        descriptor: CInt, access: Access = .readWrite, writeBack: WriteBack = .automatic
    ) throws(PersistenceError) -> Region {
        let file = try inspect(descriptor, access)
        let byteCount = Int(file.st_size)
        guard byteCount >= pageBytes else {
            throw PersistenceError(
                .tooSmall,
                "The file holds \(byteCount) bytes, and the first page of a pool alone takes \(pageBytes): "
                    + "it was cut off, or is no pool.")
        }
        if access == .readWrite, Int(file.st_blocks) * 512 < byteCount {
            try reserve(descriptor, byteCount)
        }
        let media = try MappedMedia(
            descriptor: descriptor, byteCount: byteCount, isWritable: access == .readWrite, writeBack: writeBack)
        return Region(on: media)
    }

    package static func inspect(_ descriptor: CInt, _ access: Access) throws(PersistenceError) -> stat {
        var file = stat()
        guard unsafe fstat(descriptor, &file) == 0 else {
            throw PersistenceError("The pool's descriptor \(descriptor) cannot be inspected", errno: errno)
        }
        guard file.st_mode & S_IFMT == S_IFREG else {
            throw PersistenceError(
                .notARegularFile,
                "A pool is a regular file, and this is not one. For persistent memory, use a file on a file system "
                    + "mounted with DAX.")
        }
        let mode = fcntl(descriptor, F_GETFL) & O_ACCMODE
        guard mode == O_RDWR || (access == .readOnly && mode == O_RDONLY) else {
            throw PersistenceError(
                .readOnly, "The pool must be open for reading and writing, and the file is not: check its permissions.")
        }
        return file
    }

    /// Gives every byte up to `byteCount` a block.
    package static func reserve(_ descriptor: CInt, _ byteCount: Int) throws(PersistenceError) {
        var number: CInt
        repeat {
            // Falls back to touching every block where the file system cannot reserve. It returns the number, not errno.
            number = posix_fallocate(descriptor, 0, off_t(byteCount))
        } while number == EINTR
        guard number == 0 else {
            throw PersistenceError("No room for the \(byteCount) bytes of the pool", errno: number)
        }
    }
}
