import Glibc

extension Region {
    /// Makes a pool of `byteCount` zero bytes, a multiple of the page, in an empty regular file.
    ///
    /// The descriptor stays the caller's; the pool keeps a duplicate. The file holds its blocks when this returns, and is empty again
    /// if it throws.
    ///
    /// - Throws: `.notARegularFile`, `.readOnly`, `.notEmpty`, `.noSpace`, `.tooLarge`, `.mappingFailed`, `.noInstruction`, `.system`.
    /// - Complexity: O(`byteCount`) on file systems that cannot reserve blocks without writing them.
    public static func create(
        descriptor: CInt, byteCount: Int, writeBack: WriteBack = .automatic
    ) throws(PersistenceError) -> Region {
        precondition(byteCount > 0 && byteCount % pageBytes == 0, "a pool is made of whole pages")
        let file = try inspect(descriptor, .readWrite)
        guard file.st_size == 0 else {
            throw PersistenceError(
                .notEmpty,
                "The file for a new pool holds \(file.st_size) bytes already. It was left alone; choose another name.")
        }
        do {
            try reserve(descriptor, byteCount)
            return Region(
                on: try MappedMedia(
                    descriptor: descriptor, byteCount: byteCount, isWritable: true, writeBack: writeBack))
        } catch {
            _ = ftruncate(descriptor, 0)
            throw error
        }
    }
}
