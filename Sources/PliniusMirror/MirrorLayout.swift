/// Where everything lies in a pool, in bytes from its start; a pure function of two sizes.
///
/// ```
/// 0      superblock          8192 bytes
/// 8192   slot A   header     4096 bytes, of which 512 are used
///                 tags       16 bytes a chunk, to whole pages
///                 chunks     as many bytes as the arena, to whole pages
/// …      slot B   the same
/// ```
///
/// Bytes that only fill a page are never read.
struct MirrorLayout: Hashable, Sendable {
    static let superblockBytes = 8192
    static let pageBytes = 4096
    static let tagBytes = 16

    /// The size of the arena.
    let arenaBytes: Int
    /// The size of every chunk but the last, which may be shorter.
    let chunkBytes: Int

    /// Traps on sizes that no pool has.
    init(arenaBytes: Int, chunkBytes: Int) {
        precondition(arenaBytes > 0, "an arena is not empty")
        precondition(chunkBytes >= 64 && chunkBytes % 64 == 0, "a chunk is made of whole cache lines")
        self.arenaBytes = arenaBytes
        self.chunkBytes = chunkBytes
    }

    /// Takes sizes that nobody vouches for; `nil` if a pool of `poolBytes` bytes cannot hold them twice.
    init?(arenaBytes: UInt64, chunkBytes: UInt32, poolBytes: Int) {
        guard arenaBytes > 0, arenaBytes <= UInt64(poolBytes), chunkBytes >= 64, chunkBytes % 64 == 0 else {
            return nil
        }
        self.init(arenaBytes: Int(arenaBytes), chunkBytes: Int(chunkBytes))
        guard chunkCount <= UInt32.max else { return nil }
    }

    var chunkCount: Int { (arenaBytes + chunkBytes - 1) / chunkBytes }
    private var tagPages: Int { wholePages(chunkCount * Self.tagBytes) }
    var slotBytes: Int { Self.pageBytes + tagPages + wholePages(arenaBytes) }
    /// The size of the whole pool.
    var byteCount: Int { Self.superblockBytes + 2 * slotBytes }

    /// The bytes of a slot.
    func range(of slot: Slot) -> Range<Int> {
        let start = Self.superblockBytes + Int(slot.rawValue) * slotBytes
        return start..<start + slotBytes
    }

    /// The tags of a slot's chunks, one after the other.
    func tags(of slot: Slot) -> Range<Int> {
        let start = range(of: slot).lowerBound + Self.pageBytes
        return start..<start + chunkCount * Self.tagBytes
    }

    /// The ciphertext of one chunk in the pool.
    func ciphertext(of chunk: Int, in slot: Slot) -> Range<Int> {
        let start = range(of: slot).lowerBound + Self.pageBytes + tagPages
        let plaintext = plaintext(of: chunk)
        return start + plaintext.lowerBound..<start + plaintext.upperBound
    }

    /// The same chunk in the arena.
    func plaintext(of chunk: Int) -> Range<Int> {
        chunk * chunkBytes..<min(arenaBytes, (chunk + 1) * chunkBytes)
    }

    private func wholePages(_ count: Int) -> Int {
        (count + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
    }
}
