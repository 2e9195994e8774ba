import PliniusPersistence
import Testing

/// Heaps whose bytes somebody chose.
@Suite struct AllocatorHostileTests {
    static let area = 1 << 20..<1 << 20 + 40 * 4096

    /// A heap with something of everything: full and half-full slabs, objects of several pages, gaps, roots, extents.
    private func populated() throws -> Heap {
        let heap = Heap.empty(pages: 24, extentArea: Self.area)
        var objects: [Int] = []
        for byteCount in [16, 100, 640, 1344, 1984, 1984, 1984, 640, 640, 640, 640, 640, 640, 4096, 9000, 4097] {
            objects.append(try heap.allocate(byteCount: byteCount))
        }
        var extents: [Range<Int>] = []
        for pages in [1, 3, 2, 4, 1] { extents.append(try heap.allocateExtent(byteCount: pages * 4096)) }
        try heap.setRoot("one", .object(offset: UInt64(objects[1]), byteCount: 100, elementBytes: 4))
        try heap.setRoot("two", .extent(start: UInt64(extents[1].lowerBound), byteCount: UInt64(extents[1].count)))
        try heap.setRoot("a third", .object(offset: UInt64(objects[14]), byteCount: 9000))
        heap.free(objects[13])
        heap.free(objects[3])
        heap.freeExtent(extents[2])
        heap.freedExtents = []
        heap.keep()
        #expect(heap.examine().findings == [])
        return heap
    }

    /// The words that the allocator lives by: header, page map, heads of slabs, nodes; read off the documented format.
    private func metadata(of heap: Heap) -> [Int] {
        var words = Array(stride(from: 0, to: 256, by: 8)) + (0..<24).map { 4096 + 8 * $0 }
        for page in 2..<24 where heap.load(UInt64.self, at: 4096 + 8 * page) & 0xFF == 2 {
            words += stride(from: page * 4096, to: page * 4096 + 64, by: 8)
        }
        for (list, byteCount) in [(24, 48), (32, 24)] {
            var node = heap.load(Int.self, at: list)
            while node != 0 {
                words += stride(from: node, to: node + byteCount, by: 8)
                node = heap.load(at: node)
            }
        }
        return words
    }

    /// Uses a heap that was found sound in every way, then frees all that is in it; a single byte owned twice would trap or show.
    ///
    /// What there is to be freed is read off the documented format, by code of its own.
    private func exhaust(_ heap: Heap, _ what: @autoclosure () -> String) throws {
        let report = heap.examine()
        #expect(report.usedBytes + report.freeBytes + report.metadataBytes == report.byteCount, "\(what())")
        #expect(report.extentBytes + report.freeExtentBytes == Self.area.count, "\(what())")
        let extent = try heap.allocateExtent(byteCount: 4096)
        try heap.setRoot("new", .extent(start: UInt64(extent.lowerBound), byteCount: UInt64(extent.count)))
        for byteCount in slotSizes { _ = try? heap.allocate(byteCount: byteCount) }
        #expect(heap.examine().findings == [], "\(what())")
        for (name, _) in heap.roots { #expect(heap.removeRoot(name), "\(what())") }
        var node = heap.load(Int.self, at: 32)
        while node != 0 {
            let (start, byteCount) = (heap.load(Int.self, at: node + 8), heap.load(Int.self, at: node + 16))
            node = heap.load(at: node)
            heap.freeExtent(start..<start + byteCount)
        }
        for page in 2..<24 {
            let use = heap.load(Int.self, at: 4096 + 8 * page)
            if use & 0xFF == 3 { heap.free(page * 4096) }
            if use & 0xFF != 2 { continue }
            let size = slotSizes[use >> 8]
            for slot in 0..<4032 / size {
                let bits = heap.load(UInt8.self, at: page * 4096 + 16 + slot / 8)
                if bits >> (slot % 8) & 1 == 1 { heap.free(page * 4096 + 64 + slot * size) }
            }
        }
        heap.freedExtents = []
        let empty = heap.examine()
        #expect(empty.findings == [] && empty.objects == 0 && empty.largestFreeExtent == Self.area.count, "\(what())")
        #expect(try heap.allocateExtent(byteCount: Self.area.count) == Self.area, "\(what())")
        heap.freeExtent(Self.area)
        #expect(try heap.allocate(byteCount: 22 * 4096) == 8192, "\(what())")
        heap.freedExtents = []
    }

    @Test func `Every changed byte of the allocator's own is found, or does no harm`() throws {
        let heap = try populated()
        let before = heap.bytes
        var (found, harmless) = (0, 0)
        for word in metadata(of: heap) {
            for offset in word..<word + 8 {
                let byte = heap.load(UInt8.self, at: offset)
                for other in Set((0..<8).map { byte ^ 1 << $0 } + [0, 0xFF, byte &+ 1, byte &- 1]) where other != byte {
                    heap.store(other, at: offset)
                    if heap.examine().isSound {
                        try exhaust(heap, "byte \(offset) is \(other), was \(byte)")
                        harmless += 1
                    } else {
                        found += 1
                    }
                    heap.rollBack()
                }
            }
        }
        #expect(heap.bytes == before)
        #expect(found > 5000 && harmless > 1000, "\(found) found, \(harmless) harmless")
    }

    @Test func `Every word in every other's place is found, or does no harm`() throws {
        let heap = try populated()
        let words = metadata(of: heap)
        var values = Set(words.map { heap.load(Int.self, at: $0) })
        values.formUnion(words.filter { $0 >= 8192 })
        values.formUnion([-1, .min, .max, .max - 4095, 4096, heap.byteCount, heap.byteCount - 8, 24, 32])
        var harmless = 0
        for word in words {
            for value in values where value != heap.load(Int.self, at: word) {
                heap.store(value, at: word)
                if heap.examine().isSound {
                    try exhaust(heap, "the word at \(word) is \(value)")
                    harmless += 1
                }
                heap.rollBack()
            }
        }
        #expect(harmless > 100)
    }

    @Test func `Two or three changed words are found, or do no harm`() throws {
        var random = AllocatorRandom(state: 9)
        let heap = try populated()
        let words = metadata(of: heap)
        let values = words.map { heap.load(Int.self, at: $0) } + words
        for _ in 0..<20_000 {
            var changes: [(Int, Int)] = []
            for _ in 0..<Int.random(in: 2...3, using: &random) {
                guard let word = words.randomElement(using: &random), let value = values.randomElement(using: &random)
                else { return }
                heap.store(value, at: word)
                changes.append((word, value))
            }
            if heap.examine().isSound { try exhaust(heap, "\(changes)") }
            heap.rollBack()
        }
    }

    @Test func `Noise is no heap, and noise under a good header neither`() {
        var random = AllocatorRandom(state: 10)
        for _ in 0..<200 {
            let heap = Heap.empty(pages: Int.random(in: 3...20, using: &random), extentArea: Self.area)
            for word in stride(from: Int.random(in: 0...1, using: &random) * 24, to: heap.byteCount, by: 8) {
                heap.store(random.next() >> UInt64.random(in: 0...63, using: &random), at: word)
            }
            #expect(!heap.examine().isSound)
        }
    }

    @Test func `A heap that is too small, empty or of another size is none`() {
        for pages in 1...4 {
            #expect(!Heap(byteCount: pages * 4096, extentArea: 0..<0).examine().isSound)
        }
        let heap = Heap.empty(pages: 5)
        let longer = Heap(byteCount: 6 * 4096, extentArea: 0..<0)
        let shorter = Heap(byteCount: 4 * 4096, extentArea: 0..<0)
        for offset in stride(from: 0, to: 5 * 4096, by: 8) {
            longer.store(heap.load(UInt64.self, at: offset), at: offset)
            if offset < 4 * 4096 { shorter.store(heap.load(UInt64.self, at: offset), at: offset) }
        }
        #expect(!longer.examine().isSound && !shorter.examine().isSound)
    }

    @Test func `Findings name their place and are limited in number`() throws {
        let heap = try populated()
        heap.store(7, at: 4096 + 8 * 20)
        #expect(heap.examine().findings == ["page 20 is said to be of an unknown kind, which it cannot be"])
        heap.rollBack()
        let large = Heap.empty(pages: 1000)
        for page in 3..<1000 { large.store(4, at: 4096 + 8 * page) }
        #expect(large.examine().findings.count == 100)
    }
}
