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
/// 24  for each changed line: line << 8 | mask of its changed words, then these words
/// …   zeros
/// ```
final class RedoLog: CommitProtocol {
    private static let prefixBytes = 24

    private let store: PoolStore
    private let heap: Heap
    /// Where the next record goes, from the start of the log.
    private var position = 0
    /// The number of the next record.
    private var sequence: UInt64
    /// One bit for each line that differs from the image.
    private var dirty: [UInt64]
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
        position = tail?.position ?? 0
        sequence = tail?.sequence ?? store.header.sequence
        dirty = tail?.dirty ?? [UInt64](repeating: 0, count: (heap.byteCount / Heap.lineBytes + 63) / 64)
        mayHoldOthers = tail != nil
    }

    /// The size of the longest record of a transaction that changes so many lines.
    static func recordBytes(lines: Int) -> Int {
        (prefixBytes + lines * (8 + Heap.lineBytes) + Heap.lineBytes - 1) / Heap.lineBytes * Heap.lineBytes
    }

    func begin() throws(PersistenceError) {
        guard mayHoldOthers else { return }
        try checkpoint()
        mayHoldOthers = false
    }

    func record(committed: Bool) throws(PersistenceError) {
        guard committed else { return }
        let changes = unsafe heap.changes.pointee
        let limit = Self.recordBytes(lines: changes.count)
        if staging.byteCount < limit { staging = PrivateMemory(byteCount: 2 * limit) }
        guard let start = unsafe staging.bytes.baseAddress else { return }

        var out = unsafe (start + Self.prefixBytes).assumingMemoryBound(to: UInt64.self)
        for index in 0..<changes.count {
            let line = unsafe Int(changes.lines[index])
            let now = unsafe (heap.base + line << 6).assumingMemoryBound(to: UInt64.self)
            let before = unsafe (changes.before + index << 6).assumingMemoryBound(to: UInt64.self)
            // Every word is stored, and the place moves on only behind one that changed: no branch to guess wrong.
            var mask: UInt64 = 0
            var next = 1
            for word in 0..<8 {
                unsafe out[next] = now[word]
                let differs = unsafe now[word] != before[word]
                mask |= (differs ? 1 : 0) << UInt64(truncatingIfNeeded: word)
                next += differs ? 1 : 0
            }
            unsafe out[0] = UInt64(truncatingIfNeeded: line) << 8 | mask
            unsafe out += mask == 0 ? 0 : next
            dirty[line >> 6] |= mask == 0 ? 0 : 1 << UInt64(truncatingIfNeeded: line & 63)
        }
        let used = unsafe UnsafeMutableRawPointer(out) - start
        guard used > Self.prefixBytes else { return }
        let size = (used + Heap.lineBytes - 1) & -Heap.lineBytes
        if position + size > store.header.log.count { try checkpoint() }

        unsafe (start + used).initializeMemory(as: UInt8.self, repeating: 0, count: size - used)
        unsafe start.storeBytes(of: sequence, toByteOffset: 8, as: UInt64.self)
        unsafe start.storeBytes(of: UInt64(size), toByteOffset: 16, as: UInt64.self)
        let checked = unsafe UnsafeRawBufferPointer(start: start + 8, count: size - 8)
        unsafe start.storeBytes(of: checksum(of: checked, seed: store.header.epoch), as: UInt64.self)
        unsafe store.copy(
            UnsafeRawBufferPointer(start: start, count: size), to: store.header.log.lowerBound + position)
        position += size
        sequence += 1
        isPending = true
    }

    func commit() throws(PersistenceError) {
        guard isPending else { return }
        try store.persist()
        isPending = false
    }

    // MARK: Checkpoint

    /// Brings the image up to the last record, and begins the log anew.
    ///
    /// A transaction that runs meanwhile has no record yet: of its lines the image gets what they held before it.
    func checkpoint() throws(PersistenceError) {
        // No byte of the image may be newer than the durable records, which are what repairs a torn image.
        try commit()
        let changes = unsafe heap.changes.pointee
        var run = 0..<0
        for word in dirty.indices {
            var bits = unsafe dirty[word] & ~changes.noted[word]
            while bits != 0 {
                let line = word << 6 + bits.trailingZeroBitCount
                bits &= bits - 1
                if line != run.upperBound {
                    copyToImage(run)
                    run = line..<line
                }
                run = run.lowerBound..<line + 1
            }
        }
        copyToImage(run)
        for index in 0..<changes.count {
            let line = unsafe Int(changes.lines[index])
            guard dirty[line >> 6] & 1 << UInt64(truncatingIfNeeded: line & 63) != 0 else { continue }
            let before = unsafe UnsafeRawBufferPointer(start: changes.before + index << 6, count: Heap.lineBytes)
            unsafe store.copy(before, to: store.header.image(0).lowerBound + line << 6)
        }
        try store.persist()
        store.header.epoch += 1
        store.header.sequence = sequence
        try store.writeHeader()
        store.statistics.checkpoints += 1
        for word in dirty.indices { unsafe dirty[word] &= changes.noted[word] }
        position = 0
    }

    private func copyToImage(_ lines: Range<Int>) {
        if lines.isEmpty { return }
        let source = unsafe UnsafeRawBufferPointer(start: heap.base + lines.lowerBound << 6, count: lines.count << 6)
        unsafe store.copy(source, to: store.header.image(0).lowerBound + lines.lowerBound << 6)
    }

    // MARK: Recovery

    /// Where the log ends, and what the image lacks.
    struct Tail {
        var position = 0
        var sequence: UInt64
        var dirty: [UInt64]
        /// How many records were applied.
        var records = 0
    }

    /// Fills a heap with the image and the records after it; stores nothing to the pool.
    static func load(from store: PoolStore, into heap: Heap) -> Tail {
        let header = store.header
        unsafe store.region.read(
            header.image(0), into: UnsafeMutableRawBufferPointer(start: heap.base, count: heap.byteCount))
        var tail = Tail(
            sequence: header.sequence,
            dirty: [UInt64](repeating: 0, count: (heap.byteCount / Heap.lineBytes + 63) / 64))
        while let record = read(at: tail.position, number: tail.sequence, store) {
            guard apply(record, to: heap, &tail.dirty) else { break }
            tail.position += record.count
            tail.sequence += 1
            tail.records += 1
        }
        return tail
    }

    /// Copies the record at a place of the log; `nil` if there is none with this number and the header's epoch.
    private static func read(at position: Int, number: UInt64, _ store: PoolStore) -> [UInt8]? {
        let log = store.header.log
        guard position + Heap.lineBytes <= log.count else { return nil }
        let start = log.lowerBound + position
        let size = store.region.load(at: start + 16)
        guard store.region.load(at: start + 8) == number, size >= UInt64(Heap.lineBytes),
            size % UInt64(Heap.lineBytes) == 0, size <= UInt64(log.count - position)
        else { return nil }
        // One copy, then the verdict on the copy: the pool may change under our hands.
        let record = store.region.read(start..<start + Int(size))
        return unsafe record.withUnsafeBytes { bytes in
            let words = unsafe bytes.bindMemory(to: UInt64.self)
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[8...])
            return unsafe words[0] == checksum(of: rest, seed: store.header.epoch) && words[1] == number
                && words[2] == size
        } ? record : nil
    }

    /// Stores the words of a record; false, and nothing more than a part of it, if it names what is not there.
    private static func apply(_ record: [UInt8], to heap: Heap, _ dirty: inout [UInt64]) -> Bool {
        unsafe record.withUnsafeBytes { bytes in
            let words = unsafe bytes.bindMemory(to: UInt64.self)
            var index = prefixBytes / 8
            while index < words.count, unsafe words[index] != 0 {
                let (line, mask) = unsafe (words[index] >> 8, words[index] & 0xFF)
                index += 1
                guard line < UInt64(heap.byteCount / Heap.lineBytes), index + mask.nonzeroBitCount <= words.count
                else { return false }
                for word in 0..<8 where mask & 1 << UInt64(word) != 0 {
                    unsafe heap.base.storeBytes(
                        of: words[index], toByteOffset: Int(line) << 6 + word * 8, as: UInt64.self)
                    index += 1
                }
                dirty[Int(line) >> 6] |= 1 << (line & 63)
            }
            return true
        }
    }
}
