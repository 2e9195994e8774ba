import CPliniusPM
import Glibc
package import Synchronization

/// A mapped file: the real medium.
///
/// What is to be stored to is mapped with address space to grow into, so that the bytes never move: beyond the end of the file there is
/// nothing but addresses. Large pages are not asked for: ext4 uses them by itself where the page cache has them, and tmpfs only where the
/// administrator of the machine allows it; random stores to 256 MiB took the same time with the advice and without.
@safe
package final class MappedMedia: PersistentMedia {
    package let tier: Tier
    package let isWritable: Bool
    package let bootID = BootID.current
    @unsafe package let mapping: UnsafeMutableRawBufferPointer
    /// How much of the mapping has a file under it; it only grows.
    package let byteCount: Atomic<Int>
    /// A duplicate of the caller's descriptor: the same open file description, so that a lock on it holds as long as the mapping.
    package let descriptor: CInt
    /// `nil` if nothing is to be written back, which is for measurements.
    private let instruction: cplinius_line_instruction?
    /// Whether stores must be sent to the medium line by line.
    ///
    /// False where the caches themselves are in the persistence domain (eADR) and where the medium is below the page cache.
    private let writesBack: Bool
    /// Whether a commit ends with a system call.
    private let synchronises: Bool

    /// Maps the first `byteCount` bytes of a regular file and finds out what its medium promises.
    /// - Throws: `.mappingFailed`, `.noInstruction` or `.system`.
    package init(
        descriptor: CInt, byteCount: Int, isWritable: Bool, writeBack: WriteBack = .automatic
    ) throws(PersistenceError) {
        guard writeBack.isAvailable else {
            throw PersistenceError(
                .noInstruction,
                "This processor has no instruction \(writeBack) to write cache lines back with. Choose another.")
        }
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw PersistenceError("The pool's descriptor cannot be duplicated", errno: errno) }
        var reserved = isWritable ? max(64 << 30, 16 * byteCount) : byteCount
        var (start, tier) = unsafe Self.map(descriptor, reserved, isWritable)
        if unsafe start == nil {
            reserved = byteCount
            unsafe (start, tier) = Self.map(descriptor, byteCount, isWritable)
        }
        guard let start = unsafe start else {
            let number = errno
            close(copy)
            throw PersistenceError(
                .mappingFailed,
                "The kernel does not map the pool's \(byteCount) bytes: \(unsafe String(cString: strerror(number))).")
        }
        self.descriptor = copy
        self.tier = tier
        self.isWritable = isWritable
        unsafe mapping = UnsafeMutableRawBufferPointer(start: start, count: reserved)
        self.byteCount = Atomic(byteCount)
        instruction = writeBack.instruction
        writesBack = writeBack == .automatic ? tier == .t0 && !cachesArePersistent() : writeBack != .none
        synchronises = writeBack == .automatic && tier.needsSynchronisation
    }

    deinit {
        _ = unsafe munmap(mapping.baseAddress, mapping.count)
        close(descriptor)
    }

    /// Maps with the strongest promise that the kernel gives, and names it.
    @unsafe private static func map(_ descriptor: CInt, _ byteCount: Int, _ isWritable: Bool) -> (
        UnsafeMutableRawPointer?, Tier
    ) {
        let magic = cplinius_file_system_magic(descriptor)
        let forgets = [cplinius_tmpfs_magic, cplinius_ramfs_magic, cplinius_hugetlbfs_magic].contains(magic)
        // The kernel takes MAP_SYNC only where stores reach persistent memory and the file's block map is durable first.
        if !forgets, let start = unsafe cplinius_map(descriptor, byteCount, isWritable, true) {
            return unsafe (start, .t0)
        }
        let start = unsafe cplinius_map(descriptor, byteCount, isWritable, false)
        return unsafe (start, forgets ? .t1 : cplinius_is_dax(descriptor) == 1 ? .t2 : .t3)
    }

    @unsafe package var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: mapping.baseAddress, count: byteCount.load(ordering: .relaxed))
    }

    /// What is worth a system call, in bytes.
    private static let largeByteCount = 64 << 10

    @unsafe package func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
        guard let from = source.baseAddress, let to = unsafe bytes.baseAddress else { return }
        if !synchronises, let instruction {
            return unsafe cplinius_copy_non_temporal(to + offset, from, source.count, instruction)
        }
        // A page that the device has is protected again, and costs a fault at the next store through the mapping, dearer the larger
        // the folio that it lies in; a call has no faults. One that appends would write elsewhere.
        let calls = synchronises && tier == .t3 && source.count >= Self.largeByteCount
        let isFit = calls && fcntl(descriptor, F_GETFL) & O_APPEND == 0
        let done = unsafe isFit ? max(0, pwrite(descriptor, from, source.count, off_t(offset))) : 0
        // What a call refuses is the mapping's to take, and the next wait's to report.
        unsafe memcpy(to + offset + done, from + done, source.count - done)
    }

    package func store(_ word: UInt64, at offset: Int) {
        guard let base = unsafe bytes.baseAddress else { return }
        unsafe cplinius_store_release((base + offset).assumingMemoryBound(to: UInt64.self), word)
        writeBack(offset..<offset + 8)
    }

    package func writeBack(_ range: Range<Int>) {
        guard writesBack, let instruction, let base = unsafe bytes.baseAddress else { return }
        unsafe cplinius_write_back(base + range.lowerBound, range.count, instruction)
    }

    package var persistsByFence: Bool { !synchronises }

    package func settle() { if !synchronises { cplinius_fence() } }

    package func persist() throws(PersistenceError) {
        guard synchronises else { return cplinius_fence() }
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else {
                throw PersistenceError("The pool's data cannot be made durable (fdatasync)", errno: errno)
            }
        }
    }
}

// The pointer never changes; who stores where is ordered by the callers, as for any memory.
extension MappedMedia: @unchecked Sendable {}

/// Whether a loss of power drains the caches of all persistent memory of this machine (eADR).
///
/// The kernel tells for each region; one region that says otherwise, or none at all, means no.
package func cachesArePersistent(devices: String = "/sys/bus/nd/devices") -> Bool {
    guard let folder = unsafe opendir(devices) else { return false }
    defer { unsafe closedir(folder) }
    var answers: [Bool] = []
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        guard name.hasPrefix("region") else { continue }
        answers.append(firstLine(of: "\(devices)/\(name)/persistence_domain") == "cpu_cache")
    }
    return !answers.isEmpty && answers.allSatisfy(\.self)
}
