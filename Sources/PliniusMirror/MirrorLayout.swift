/// Where everything lies in a run's extent, in bytes from its start; a pure function of three sizes.
///
/// ```
/// 0      superblock          8192 bytes
/// 8192   network description  to whole pages
/// …      slot A   header     4096 bytes, of which 512 are used
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
    /// The size of the text that describes the network.
    let descriptionBytes: Int

    /// The longest text that describes a network.
    static let maximumDescriptionBytes = 1 << 20

    /// Traps on sizes that no run has.
    init(arenaBytes: Int, chunkBytes: Int, descriptionBytes: Int) {
        precondition(
            0...Self.maximumDescriptionBytes ~= descriptionBytes,
            "a description has at most \(Self.maximumDescriptionBytes) bytes")
        precondition(arenaBytes > 0, "an arena is not empty")
        precondition(chunkBytes >= 64 && chunkBytes % 64 == 0, "a chunk is made of whole cache lines")
        self.arenaBytes = arenaBytes
        self.chunkBytes = chunkBytes
        self.descriptionBytes = descriptionBytes
    }

    /// Takes sizes that nobody vouches for; `nil` if an extent of `extentBytes` bytes cannot hold them twice.
    init?(arenaBytes: UInt64, chunkBytes: UInt32, descriptionBytes: UInt32, extentBytes: Int) {
        guard arenaBytes > 0, arenaBytes <= UInt64(extentBytes), chunkBytes >= 64, chunkBytes % 64 == 0,
            descriptionBytes <= UInt32(Self.maximumDescriptionBytes)
        else { return nil }
        self.init(
            arenaBytes: Int(arenaBytes), chunkBytes: Int(chunkBytes), descriptionBytes: Int(descriptionBytes))
        guard chunkCount <= UInt32.max else { return nil }
    }

    var chunkCount: Int { (arenaBytes + chunkBytes - 1) / chunkBytes }
    private var tagPages: Int { wholePages(chunkCount * Self.tagBytes) }
    var slotBytes: Int { Self.pageBytes + tagPages + wholePages(arenaBytes) }
    /// The size of the whole extent.
    var byteCount: Int { slotsStart + 2 * slotBytes }
    private var slotsStart: Int { Self.superblockBytes + wholePages(descriptionBytes) }

    /// The text that describes the network.
    var description: Range<Int> { Self.superblockBytes..<Self.superblockBytes + descriptionBytes }

    /// The bytes of a slot.
    func range(of slot: Slot) -> Range<Int> {
        let start = slotsStart + Int(slot.rawValue) * slotBytes
        return start..<start + slotBytes
    }

    /// The tags of a slot's chunks, one after the other.
    func tags(of slot: Slot) -> Range<Int> {
        let start = range(of: slot).lowerBound + Self.pageBytes
        return start..<start + chunkCount * Self.tagBytes
    }

    /// The ciphertext of one chunk in the extent.
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
