import Glibc
import _PliniusSupport

/// The working copy of a pool's heap, and what the running transaction changed in it.
///
/// Stores go to memory in place. Each one keeps first what the words held that it changes, so that a transaction can be taken back, and a
/// commit knows what to make durable: no store can be missing from that log, because there is no other way to store.
@safe @usableFromInline
package final class Heap {
    static let lineBytes = 64
    static let pageBytes = 4096

    /// The size of the heap, in bytes: whole pages.
    package let byteCount: Int
    /// The bytes that transactions see now.
    @unsafe private(set) var base: UnsafeMutableRawPointer
    /// What the running transaction changed.
    @usableFromInline @unsafe let changes: UnsafeMutablePointer<ChangeLog>

    /// Bytes of extents that were freed since the last durable commit, in the pool.
    ///
    /// A crash may bring their owners back, so nobody may store to them yet.
    package var freedExtents: [Range<Int>] {
        get { unsafe freed }
        set { unsafe freed = newValue }
    }
    // The combiner's lock orders every access; that the language looks for overlaps costs as much as half a transaction.
    @exclusivity(unchecked) private var freed: [Range<Int>] = []
    /// The bytes of the pool that extents are made of.
    package var extentArea: Range<Int>

    /// The working copy, if it is not in the pool itself.
    private let privateMemory: PrivateMemory?

    /// A heap of zeros in private memory.
    package init(byteCount: Int, extentArea: Range<Int>) {
        let memory = PrivateMemory(byteCount: byteCount)
        guard let base = unsafe memory.bytes.baseAddress else { preconditionFailure("a heap is not empty") }
        // Random accesses to megabytes cost fewer walks of the page tables with large pages; a refusal costs nothing.
        if byteCount >= 2 << 20 { _ = unsafe madvise(base, byteCount, MADV_HUGEPAGE) }
        self.byteCount = byteCount
        self.extentArea = extentArea
        privateMemory = memory
        unsafe self.base = base
        unsafe changes = .allocate(capacity: 1)
        unsafe changes.initialize(to: ChangeLog(heapBytes: byteCount))
    }

    /// A heap whose working copy is a part of the pool.
    @unsafe init(in memory: UnsafeMutableRawBufferPointer, extentArea: Range<Int>) {
        guard let base = memory.baseAddress else { preconditionFailure("a heap is not empty") }
        byteCount = memory.count
        self.extentArea = extentArea
        privateMemory = nil
        unsafe self.base = base
        unsafe changes = .allocate(capacity: 1)
        unsafe changes.initialize(to: ChangeLog(heapBytes: byteCount))
    }

    deinit {
        unsafe changes.pointee.deallocate()
        unsafe changes.deallocate()
    }

    /// Lets transactions see another copy, of the same size.
    @unsafe func move(to memory: UnsafeMutableRawPointer) { unsafe base = memory }

    // MARK: Access

    /// Reads a value; traps outside the heap.
    package func load<T: PersistentValue>(_: T.Type = T.self, at offset: Int) -> T {
        check(offset, MemoryLayout<T>.size)
        return unsafe base.loadUnaligned(fromByteOffset: offset, as: T.self)
    }

    /// Stores a value, for the running transaction; traps outside the heap.
    package func store<T: PersistentValue>(_ value: T, at offset: Int) {
        check(offset, MemoryLayout<T>.size)
        unsafe changes.pointee.note(offset, MemoryLayout<T>.size, in: base)
        unsafe base.storeBytes(of: value, toByteOffset: offset, as: T.self)
    }

    /// Stores zeros, for the running transaction; traps outside the heap.
    package func zero(_ range: Range<Int>) {
        if range.isEmpty { return }
        check(range.lowerBound, range.count)
        unsafe changes.pointee.note(range.lowerBound, range.count, in: base)
        unsafe memset(base + range.lowerBound, 0, range.count)
    }

    /// Traps unless the bytes are inside the heap.
    @inline(__always)
    func check(_ offset: Int, _ count: Int) {
        precondition(
            offset >= 0 && count <= byteCount && offset <= byteCount - count, "the bytes are outside the heap")
    }

    /// Takes back everything that the running transaction stored.
    package func rollBack() {
        unsafe changes.pointee.undo(in: base)
        unsafe changes.pointee.count = 0
    }

    /// Ends the running transaction; what it stored stays.
    package func keep() { unsafe changes.pointee.count = 0 }
}

// The combiner's lock orders every access: one writer, or readers.
extension Heap: @unchecked Sendable {}
