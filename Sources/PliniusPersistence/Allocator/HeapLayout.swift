/// Where everything lies in a heap.
///
/// Page 0 is the header, the page map follows, the other pages hold objects. A heap of zeros becomes an empty one by ``Heap/format()``.
/// Numbers are little-endian words of 64 bits; the offset 0, where nothing but the header is, ends a list.
///
/// | offset | header word |
/// |---|---|
/// | 0 | magic, with the version |
/// | 8 | size of the heap in bytes |
/// | 16 | free hint: no page below this one is free |
/// | 24 | offset of the first root's node |
/// | 32 | offset of the first extent's node |
/// | 64 + 8 × class | offset of the first slab of that size class that has room |
///
/// All of it is changed by stores of the running transaction and by nothing else; there is no other state, so a transaction that is taken
/// back or lost leaves no trace in the allocator.
enum HeapLayout {
    static let pageBytes = Heap.pageBytes
    /// `PLINHEP1`.
    static let magic = 0x3150_4548_4E49_4C50

    static let magicAt = 0
    static let byteCountAt = 8
    static let freeHintAt = 16
    static let rootsAt = 24
    static let extentsAt = 32

    /// The word that names the first slab of a class.
    static func slabsAt(_ sizeClass: SizeClass) -> Int { 64 + 8 * sizeClass.index }

    /// The word of the page map that tells the use of a page.
    static func useAt(_ page: Int) -> Int { pageBytes + 8 * page }

    /// The header and the page map of a heap of so many pages, in pages.
    static func metadataPages(of pages: Int) -> Int { 1 + pages.dividedUp(by: pageBytes / 8) }
}

extension Int {
    /// How many pieces of `size` hold this number, which is positive.
    func dividedUp(by size: Int) -> Int { (self - 1) / size + 1 }
}
