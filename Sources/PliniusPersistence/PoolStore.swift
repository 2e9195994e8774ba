import _PliniusSupport

/// The bytes of an open pool with its geometry, and the count of what commits cost: what all commit protocols write through.
package final class PoolStore {
    package let region: Region
    package var header: PoolHeader
    // The combiner's lock orders every access; that the language looks for overlaps costs as much as a tenth of a transaction.
    @exclusivity(unchecked) private var counts = PoolStatistics()
    var statistics: PoolStatistics { unsafe counts }

    package init(region: Region, header: PoolHeader) {
        self.region = region
        self.header = header
    }

    func countTransaction() { unsafe counts.transactions += 1 }
    func countCommit() { unsafe counts.commits += 1 }
    func countCheckpoint() { unsafe counts.checkpoints += 1 }

    /// Stores bytes and starts their write-back.
    @unsafe func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
        unsafe counts.bytesStored += UInt64(source.count)
        unsafe region.copy(source, to: offset)
    }

    /// Starts the write-back of one line that was stored to in place.
    func writeBack(line: Int, of image: Range<Int>) {
        let start = image.lowerBound + line * Heap.lineBytes
        unsafe counts.linesWrittenBack += 1
        region.writeBack(start..<start + Heap.lineBytes)
    }

    /// One fence, or one fdatasync.
    func persist() throws(PersistenceError) {
        unsafe counts.fences += 1
        try region.persist()
    }

    /// Stores the state word and makes it durable, with everything before it.
    func setState(_ word: UInt64) throws(PersistenceError) {
        region.store(word, at: PoolHeader.stateOffset)
        try persist()
    }

    /// Makes this header durable, in the place of the older copy.
    func writeHeader() throws(PersistenceError) {
        let bytes = header.encoded()
        unsafe bytes.withUnsafeBytes { unsafe copy($0, to: header.copyOffset) }
        try persist()
    }
}

/// What the commits of a pool have cost since it was opened.
public struct PoolStatistics: Hashable, Sendable {
    /// Transactions that were committed.
    public internal(set) var transactions: UInt64 = 0
    /// Commits: several transactions that wait at the same time share one.
    public internal(set) var commits: UInt64 = 0
    /// Fences, or calls of fdatasync.
    public internal(set) var fences: UInt64 = 0
    /// Times that the log was emptied into the image of the heap.
    public internal(set) var checkpoints: UInt64 = 0
    /// Bytes that were copied to the pool for log, images and headers.
    public internal(set) var bytesStored: UInt64 = 0
    /// Cache lines of images that were stored to in place and written back.
    public internal(set) var linesWrittenBack: UInt64 = 0
}
