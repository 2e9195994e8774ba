import Glibc
import Synchronization

/// A medium whose size is not fixed: whoever keeps the pool's file makes room, and an enclave never does.
public protocol GrowableMedia: PersistentMedia {
    /// Makes the medium at least so large, durably, by zeros behind its end; what is there does not move.
    ///
    /// A crash may leave any number of them.
    /// - Throws: `.cannotGrow`, `.noSpace`, `.tooLarge` or `.system`; the size is then as before.
    func grow(toByteCount byteCount: Int) throws(PersistenceError)
}

extension Region {
    /// Appends bytes, which never move those that are there; see ``GrowableMedia/grow(toByteCount:)``.
    func grow(toByteCount byteCount: Int) throws(PersistenceError) {
        if let media = media as? any GrowableMedia { return try media.grow(toByteCount: byteCount) }
        if byteCount <= self.byteCount { return try persist() }
        throw PersistenceError(.cannotGrow, "A medium of this kind keeps its size of \(self.byteCount) bytes.")
    }
}

extension MappedMedia: GrowableMedia {
    package func grow(toByteCount byteCount: Int) throws(PersistenceError) {
        let old = unsafe bytes.count
        guard unsafe byteCount <= mapping.count else {
            throw PersistenceError(
                .cannotGrow,
                "The pool was opened with addresses for \(unsafe mapping.count) bytes, and \(byteCount) were asked for. "
                    + "Open it again, and grow it then.")
        }
        do throws(PersistenceError) {
            try Region.reserve(descriptor, byteCount)
            // The size of the file is durable before anything says that the pool reaches that far.
            while fsync(descriptor) != 0 {
                guard errno == EINTR else {
                    throw PersistenceError("The pool's new size cannot be made durable (fsync)", errno: errno)
                }
            }
        } catch {
            if byteCount > old { _ = ftruncate(descriptor, off_t(old)) }
            throw error
        }
        guard byteCount > old else { return }
        // The first store to a page then meets no fault; a kernel before 5.14 does not know this advice.
        _ = unsafe madvise(mapping.baseAddress.unsafelyUnwrapped + old, byteCount - old, CInt(23))
        self.byteCount.store(byteCount, ordering: .releasing)
    }
}
