/// One of the sizes in which small objects are kept.
///
/// The sizes grow by a quarter or less where a page of slots allows it, and end where a page holds two. All are multiples of 16, and
/// from 256 bytes on multiples of 64, so that such an object begins with a cache line.
struct SizeClass: Hashable {
    private static let slotBytes = [
        16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640, 768, 960, 1344, 1984,
    ]
    static let all = slotBytes.indices.map { SizeClass(index: $0) }

    let index: Int

    private init(index: Int) { self.index = index }

    /// The class of that number; `nil` if there is none.
    init?(exactly index: Int) {
        guard Self.slotBytes.indices.contains(index) else { return nil }
        self.index = index
    }

    /// The smallest class that so many bytes fit in; `nil` if they need pages of their own.
    init?(fitting byteCount: Int) {
        guard let index = Self.slotBytes.firstIndex(where: { $0 >= byteCount }) else { return nil }
        self.index = index
    }

    /// The size of a slot, in bytes.
    var slotBytes: Int { Self.slotBytes[index] }
    /// The number of slots in a page.
    var capacity: Int { (HeapLayout.pageBytes - Slab.headerBytes) / slotBytes }
}
