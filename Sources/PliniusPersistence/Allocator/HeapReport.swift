/// What an examination of a pool's heap and extents found.
///
/// In a sound heap every byte is counted once: `usedBytes + freeBytes + metadataBytes == byteCount`, and
/// `extentBytes + freeExtentBytes` are all bytes that extents may use.
public struct HeapReport: Hashable, Sendable {
    /// The pages of one size class.
    public struct Slots: Hashable, Sendable {
        /// The size of a slot, in bytes.
        public let slotBytes: Int
        /// Pages of such slots.
        public package(set) var pages = 0
        /// Slots in use, those of the allocator's own lists among them.
        public package(set) var used = 0
        /// Slots with nothing in them.
        public package(set) var free = 0
    }

    /// The size of the heap, in bytes.
    public let byteCount: Int
    /// Bytes of objects, rounded up to their slots and pages.
    public package(set) var usedBytes = 0
    /// Bytes of free pages and free slots.
    public package(set) var freeBytes = 0
    /// Bytes of the header, the page map, the heads and tails of slabs, and the lists of roots and extents.
    public package(set) var metadataBytes = 0
    /// The most bytes of free pages in a row: the largest object that there is room for.
    public package(set) var largestFreeRun = 0
    /// Objects that were allocated and not freed.
    public package(set) var objects = 0
    /// The size classes, smallest first.
    public package(set) var slots: [Slots] = SizeClass.all.map { Slots(slotBytes: $0.slotBytes) }
    /// Named roots.
    public package(set) var roots = 0
    /// Extents that were allocated and not freed.
    public package(set) var extents = 0
    /// Their bytes.
    public package(set) var extentBytes = 0
    /// Bytes of the pool that extents may still be made of.
    public package(set) var freeExtentBytes = 0
    /// The most of these in a row.
    public package(set) var largestFreeExtent = 0
    /// What is wrong, each with its place; at most 100.
    public package(set) var findings: [String] = []

    /// Whether every byte is owned exactly once and everything that is said is true.
    public var isSound: Bool { findings.isEmpty }
    /// The share of the heap's free bytes, 0...1, that the largest object there is room for could not use.
    public var fragmentation: Double { freeBytes == 0 ? 0 : 1 - Double(largestFreeRun) / Double(freeBytes) }

    init(byteCount: Int) { self.byteCount = byteCount }
}
