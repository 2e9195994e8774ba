import Synchronization
import _PliniusSupport

/// One fence a commit: each transaction appends one record of the words that it changed.
///
/// The working copy is private memory, so nothing that is not committed can reach the pool, and nobody else can change what was once
/// examined. Before the log is full, a checkpoint copies the lines that changed since the last one to the image, and begins the log
/// anew under the next epoch. A record counts if its checksum, its number and its epoch are right: a torn one, and whatever was in the
/// log before, does not. Recovery applies the records to the image, in order; doing so twice changes nothing.
///
/// ```
/// 0   checksum of the rest, seeded with the epoch
/// 8   number of the record, one more than that of the record before
/// 16  size of the record, in bytes, a multiple of 64
/// 24  runs of changed words: index of the first word << 32 | number of words, then the words
/// …   zeros
/// ```
@safe
package final class RedoLog: CommitProtocol {
    private static let prefixBytes = 24

    private let store: PoolStore
    private let heap: Heap
    private let log: Range<Int>
    /// Where the next record goes, from the start of the log.
    private var position = 0
    /// The number of the next record.
    private var sequence: UInt64
    /// Under which epoch records count: the header's.
    private var epoch: UInt64
    /// One bit for each line that differs from the image.
    @unsafe private let dirty: UnsafeMutableBufferPointer<UInt64>
    /// Where a record is put together.
    private var staging = PrivateMemory(byteCount: 64 << 10)
    /// Whether records were stored that no fence covers yet.
    private var isPending = false
    /// Whether the log may hold records that this process did not write; they must not follow ours.
    private var mayHoldOthers: Bool

    /// Takes over a heap that ``load(from:into:)`` filled, or an empty one of a new pool.
    init(_ store: PoolStore, _ heap: Heap, after tail: Tail?) {
        self.store = store
        self.heap = heap
        log = store.header.log
        position = tail?.position ?? 0
        sequence = tail?.sequence ?? store.header.sequence
        epoch = store.header.epoch
        mayHoldOthers = tail != nil
        unsafe dirty = .allocate(capacity: heap.byteCount / Heap.lineBytes / 64 + 1)
        unsafe dirty.initialize(repeating: 0)
        for range in tail?.changed ?? [] { markDirty(range) }
    }

    deinit { unsafe dirty.deallocate() }

    /// The size of a record whose runs take so many bytes.
    static func recordBytes(runs: Int) -> Int { (prefixBytes + runs + Heap.lineBytes - 1) & -Heap.lineBytes }

    func begin() throws(PersistenceError) {
        guard mayHoldOthers else { return }
        try checkpoint()
        mayHoldOthers = false
    }

    func record(committed: Bool) throws(PersistenceError) {
        guard committed, unsafe heap.changes.pointee.count > 0 else { return }
        // Each entry may be a run of its own, unless they are in order.
        var limit = unsafe Self.recordBytes(runs: 16 * heap.changes.pointee.count)
        if limit > log.count {
            unsafe heap.changes.pointee.sort()
            limit = log.count
        }
        if staging.byteCount < limit { staging = PrivateMemory(byteCount: 2 * limit) }
        guard let start = unsafe staging.bytes.baseAddress else { return }

        var size = unsafe fill(start)
        if position + size > log.count {
            // The image must not get what no record holds yet. Afterwards the record marks its lines anew.
            unsafe heap.changes.pointee.undo(in: heap.base)
            do throws(PersistenceError) {
                try checkpoint()
                unsafe heap.changes.pointee.redo(in: heap.base)
            } catch {
                unsafe heap.changes.pointee.redo(in: heap.base)
                throw error
            }
            size = unsafe fill(start)
        }
        unsafe start.storeBytes(of: sequence, toByteOffset: 8, as: UInt64.self)
        unsafe start.storeBytes(of: UInt64(size), toByteOffset: 16, as: UInt64.self)
        let checked = unsafe UnsafeRawBufferPointer(start: start + 8, count: size - 8)
        unsafe start.storeBytes(of: checksum(of: checked, seed: epoch), as: UInt64.self)
        unsafe store.copy(
            UnsafeRawBufferPointer(start: start, count: size), to: log.lowerBound + position)
        position += size
        sequence += 1
        isPending = true
    }

    /// Writes the runs of a record and the zeros behind them, and marks the lines.
    /// - Returns: The size of the record.
    @unsafe private func fill(_ start: UnsafeMutableRawPointer) -> Int {
        let (base, dirty) = unsafe (heap.base, dirty.baseAddress.unsafelyUnwrapped)
        let (entries, count) = unsafe (heap.changes.pointee.entries, heap.changes.pointee.count)
        var out = unsafe (start + Self.prefixBytes).assumingMemoryBound(to: UInt64.self)
        var head = unsafe out
        var next = -1
        for index in 0..<count {
            let offset = unsafe entries[index].offset
            if offset != next {
                unsafe head = out
                unsafe head.pointee = UInt64(truncatingIfNeeded: offset >> 3) << 32
                unsafe out += 1
            }
            unsafe head.pointee += 1
            unsafe out.pointee = base.load(fromByteOffset: offset, as: UInt64.self)
            unsafe out += 1
            next = offset + 8
            unsafe dirty[offset >> 12] |= 1 << UInt64(truncatingIfNeeded: offset >> 6 & 63)
        }
        let used = unsafe UnsafeMutableRawPointer(out) - start
        let size = Self.recordBytes(runs: used - Self.prefixBytes)
        for word in stride(from: used, to: size, by: 8) {
            unsafe start.storeBytes(of: 0, toByteOffset: word, as: UInt64.self)
        }
        return size
    }

    func commit() throws(PersistenceError) {
        guard isPending else { return }
        isPending = false
        try store.persist()
    }

    // MARK: Checkpoint

    /// Brings the image up to the last record, and begins the log anew; the heap holds what the records say, and nothing more.
    func checkpoint() throws(PersistenceError) {
        // No byte of the image may be newer than the durable records, which are what repairs a torn image.
        try commit()
        var run = 0..<0
        for index in unsafe dirty.indices {
            var bits = unsafe dirty[index]
            while bits != 0 {
                let line = index << 6 + bits.trailingZeroBitCount
                bits &= bits - 1
                // A few lines more cost less than another copy.
                if line > run.upperBound + 4 {
                    copyToImage(run)
                    run = line..<line
                }
                run = run.lowerBound..<line + 1
            }
        }
        copyToImage(run)
        try store.persist()
        epoch += 1
        store.header.epoch = epoch
        store.header.sequence = sequence
        try store.writeHeader()
        store.countCheckpoint()
        position = 0
        unsafe dirty.update(repeating: 0)
    }

    private func copyToImage(_ lines: Range<Int>) {
        if lines.isEmpty { return }
        let source = unsafe UnsafeRawBufferPointer(start: heap.base + lines.lowerBound << 6, count: lines.count << 6)
        unsafe store.copy(source, to: store.header.image(0).lowerBound + lines.lowerBound << 6)
    }

    private func markDirty(_ bytes: Range<Int>) {
        for line in bytes.lowerBound >> 6...(bytes.upperBound - 1) >> 6 { unsafe dirty[line >> 6] |= 1 << (line & 63) }
    }

    // MARK: Recovery

    /// Where the log ends, and what the image lacks.
    package struct Tail {
        package var position = 0
        package var sequence: UInt64
        /// The bytes of the heap that records changed.
        var changed: [Range<Int>] = []
    }

    /// Fills a heap with the image and the records after it; stores nothing to the pool.
    package static func load(from store: PoolStore, into heap: Heap) -> Tail {
        let header = store.header
        unsafe store.region.read(
            header.image(0), into: UnsafeMutableRawBufferPointer(start: heap.base, count: heap.byteCount))
        // Beside a writer: the log that repairs the image is not read before it.
        atomicMemoryFence(ordering: .acquiring)
        var tail = Tail(sequence: header.sequence)
        while let record = read(at: tail.position, in: store.region, header), record.number == tail.sequence {
            guard apply(record.bytes, to: heap, &tail.changed) else { break }
            tail.position += record.bytes.count
            tail.sequence += 1
        }
        return tail
    }

    /// The header that was lost after this one, told from the log, which holds records of the epoch after it.
    ///
    /// Records are written when their header is durable, so no crash leaves them without it: the header was damaged later.
    static func lostHeader(after header: PoolHeader, in region: Region) -> PoolHeader? {
        var next = header
        next.epoch += 1
        guard header.kind == .redoLog, let record = read(at: 0, in: region, next) else { return nil }
        next.sequence = record.number
        return next
    }

    /// Copies the record at a place of the log; `nil` if there is none of the header's epoch.
    private static func read(
        at position: Int, in region: Region, _ header: PoolHeader
    ) -> (number: UInt64, bytes: [UInt8])? {
        let log = header.log
        guard position + Heap.lineBytes <= log.count else { return nil }
        let start = log.lowerBound + position
        let (number, size) = (region.load(at: start + 8), region.load(at: start + 16))
        guard number >= header.sequence, number < UInt64.max >> 1, size >= UInt64(Heap.lineBytes),
            size % UInt64(Heap.lineBytes) == 0, size <= UInt64(log.count - position)
        else { return nil }
        // One copy, then the verdict on the copy: the pool may change under our hands.
        let record = region.read(start..<start + Int(size))
        return unsafe record.withUnsafeBytes { bytes in
            let words = unsafe bytes.bindMemory(to: UInt64.self)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[8...])
            return unsafe words[0] == checksum(of: rest, seed: header.epoch) && words[1] == number
                && words[2] == size
        } ? (number, record) : nil
    }

    /// Stores the words of a record; false, and nothing more than a part of it, if it names what is not there.
    private static func apply(_ record: [UInt8], to heap: Heap, _ changed: inout [Range<Int>]) -> Bool {
        unsafe record.withUnsafeBytes { bytes in
            var index = prefixBytes
            while index < bytes.count {
                let head = unsafe bytes.load(fromByteOffset: index, as: UInt64.self)
                if head == 0 { break }
                let (start, count) = (Int(head >> 32) * 8, Int(head & 0xFFFF_FFFF) * 8)
                index += 8
                guard count > 0, start + count <= heap.byteCount, index + count <= bytes.count else { return false }
                unsafe (heap.base + start).copyMemory(
                    from: bytes.baseAddress.unsafelyUnwrapped + index, byteCount: count)
                changed.append(start..<start + count)
                index += count
            }
            return true
        }
    }
}
