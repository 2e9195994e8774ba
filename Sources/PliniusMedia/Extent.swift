/// A window of whole pages of a pool, outside its heap: raw bytes for bulk data.
///
/// Which extents there are is decided in transactions; what is stored in one is up to its owner, who also calls ``persist()``. Offsets
/// are bytes from the start of the extent.
public struct Extent: Sendable {
    let region: Region
    /// Where the extent lies in the pool, in bytes.
    public let range: Range<Int>

    /// Makes a window; traps unless it lies inside the region.
    package init(_ region: Region, _ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= region.byteCount, "an extent lies inside its pool")
        self.region = region
        self.range = range
    }

    /// The size of the extent, in bytes.
    public var byteCount: Int { range.count }
    /// What a commit to its pool survives.
    public var tier: Tier { region.tier }
    /// Whether it may be stored to.
    public var isWritable: Bool { region.isWritable }
    /// Under which start of the kernel the pool is open.
    public var bootID: BootID { region.bootID }

    /// Copies bytes out of the extent; parse the copy, never the pool, whose bytes may change at any time.
    public func read(_ range: Range<Int>) -> [UInt8] { region.read(absolute(range)) }

    /// Copies bytes out of the extent into memory of the caller, which is as long as the range.
    @unsafe public func read(_ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer) {
        unsafe region.read(absolute(range), into: destination)
    }

    /// Reads the word at `offset`, a multiple of 8, before everything that is read later.
    public func load(at offset: Int) -> UInt64 { region.load(at: absolute(offset..<offset + 8).lowerBound) }

    /// Stores `source` from `offset` on and starts its write-back; durable after ``persist()``.
    @unsafe public func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
        unsafe region.copy(source, to: absolute(offset..<offset + source.count).lowerBound)
    }

    /// Stores one word at `offset`, a multiple of 8, after all earlier stores; durable after ``persist()``.
    public func store(_ word: UInt64, at offset: Int) {
        region.store(word, at: absolute(offset..<offset + 8).lowerBound)
    }

    /// Starts the write-back of bytes that an earlier process may have left in the caches.
    public func writeBack(_ range: Range<Int>) { region.writeBack(absolute(range)) }

    /// Ends the part of a thread that has stored or written back what another thread will ``persist()``.
    public func settle() { region.settle() }

    /// Waits until everything stored so far is as durable as the tier promises.
    ///
    /// - Throws: `.notDurable` or `.system`; the pool is then not to be stored to again by this process.
    public func persist() throws(PersistenceError) { try region.persist() }

    /// Whether ``persist()`` is a fence of the processor and nothing else, so that it takes no time worth another thread.
    public var persistsByFence: Bool { region.persistsByFence }

    private func absolute(_ part: Range<Int>) -> Range<Int> {
        precondition(
            part.lowerBound >= 0 && part.upperBound <= range.count,
            "bytes \(part) are outside an extent of \(range.count) bytes")
        return range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound
    }
}
