public import CPliniusPM
import Glibc

/// The bytes of a pool, mapped, with bounds-checked access by offset: what they mean is decided above.
///
/// The file is preallocated without holes: a store through a mapping that finds no block to land on would be a SIGBUS in the middle of
/// a commit. A file that somebody shortens while it is mapped still ends the process by SIGBUS: denial of service,
/// which no mapping can prevent; the last finished commit is not harmed by it.
///
/// Whoever calls from several threads keeps their ranges apart.
public final class Region: Sendable {
    /// The unit of every size and offset here, in bytes.
    public static let pageBytes = 4096

    @usableFromInline package let media: any PersistentMedia
    @usableFromInline let persistsByFence: Bool

    /// A pool on a medium of another kind, for tests.
    public init(on media: any PersistentMedia) {
        self.media = media
        persistsByFence = media.persistsByFence
        isWritable = media.isWritable
    }

    /// What a commit to this pool survives.
    public var tier: Tier { media.tier }
    /// Whether it may be stored to.
    public let isWritable: Bool
    /// Under which start of the kernel it is open.
    public var bootID: BootID { media.bootID }
    /// The size of the pool, in bytes.
    public var byteCount: Int { unsafe media.bytes.count }

    /// The whole of it as one extent, for what is no pool of its own.
    public var whole: Extent { Extent(self, 0..<byteCount) }

    /// The mapped bytes, for the commit protocols that change them in place.
    @unsafe package var start: UnsafeMutableRawPointer {
        guard let start = unsafe media.bytes.baseAddress else { preconditionFailure("a region is not empty") }
        return unsafe start
    }

    // MARK: Access

    /// Copies bytes out of the pool; parse the copy, never the pool, whose bytes may change at any time.
    public func read(_ range: Range<Int>) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            unsafe read(range, into: UnsafeMutableRawBufferPointer(buffer))
            count = range.count
        }
    }

    /// Copies bytes out of the pool into memory of the caller, which is as long as the range.
    @unsafe public func read(_ range: Range<Int>, into destination: UnsafeMutableRawBufferPointer) {
        check(range)
        precondition(destination.count == range.count, "the destination is as long as the range")
        unsafe destination.copyMemory(from: UnsafeRawBufferPointer(rebasing: media.bytes[range]))
    }

    /// Reads the word at `offset`, a multiple of 8, before everything that is read later.
    public func load(at offset: Int) -> UInt64 {
        check(word: offset)
        guard let base = unsafe media.bytes.baseAddress else { return 0 }
        return unsafe cplinius_load_acquire((base + offset).assumingMemoryBound(to: UInt64.self))
    }

    /// Stores `source` from `offset` on and starts its write-back; durable after ``persist()``.
    @unsafe public func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
        check(offset..<offset + source.count, forWriting: true)
        unsafe media.copy(source, to: offset)
    }

    /// Stores one word at `offset`, a multiple of 8, after all earlier stores; durable after ``persist()``.
    public func store(_ word: UInt64, at offset: Int) {
        check(word: offset)
        check(offset..<offset + 8, forWriting: true)
        media.store(word, at: offset)
    }

    /// Starts the write-back of bytes that an earlier process may have left in the caches.
    public func writeBack(_ range: Range<Int>) {
        check(range, forWriting: true)
        media.writeBack(range)
    }

    /// Ends the part of a thread that has stored or written back what another thread will ``persist()``.
    public func settle() { media.settle() }

    /// Waits until everything stored so far is as durable as the tier promises.
    ///
    /// - Throws: `.notDurable` or `.system`; the pool is then not to be stored to again by this process.
    @inlinable public func persist() throws(PersistenceError) {
        if persistsByFence { return cplinius_fence() }
        try media.persist()
    }

    // MARK: Bounds

    private func check(_ range: Range<Int>, forWriting: Bool = false) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= byteCount,
            "bytes \(range) are outside a pool of \(byteCount) bytes")
        precondition(!forWriting || isWritable, "the pool was opened for reading only")
    }

    private func check(word offset: Int) {
        precondition(offset % 8 == 0, "a word's offset is a multiple of 8")
        check(offset..<offset + 8)
    }
}
