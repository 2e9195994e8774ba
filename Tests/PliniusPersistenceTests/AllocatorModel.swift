import PliniusPersistence
import Testing

/// SplitMix64 (Steele, Lea and Flood, 2014): the same draws at every run.
struct AllocatorRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// What a heap should hold, in the simplest form: which bytes are whose, and with what in them.
struct HeapModel {
    struct Object {
        /// What the allocator says that may be used.
        var byteCount: Int
        var fill: UInt64
    }

    var objects: [Int: Object] = [:]
    /// Which object every 16 bytes belong to; −1 for none.
    private var owners: [Int]
    private let firstPage: Int

    /// The model of an empty heap.
    init(of heap: Heap) {
        owners = Array(repeating: -1, count: heap.byteCount / 16)
        let pages = heap.byteCount / 4096
        firstPage = 1 + (pages * 8 + 4095) / 4096
    }

    /// Allocates, checks the place (room enough, aligned, zeroed, nobody else's), and leaves a pattern there.
    mutating func allocate(_ byteCount: Int, in heap: Heap, fill: UInt64) throws {
        let offset = try heap.allocate(byteCount: byteCount)
        let size = heap.size(of: offset)
        #expect(size >= byteCount && size % 16 == 0)
        #expect(offset >= firstPage * 4096 && offset + size <= heap.byteCount)
        #expect(offset % (byteCount > 1984 ? 4096 : byteCount > 224 ? 64 : 16) == 0)
        for granule in offset / 16..<(offset + size) / 16 {
            #expect(owners[granule] == -1, "byte \(granule * 16) belongs to the object at \(owners[granule])")
            owners[granule] = offset
        }
        #expect(stride(from: offset, to: offset + size, by: 8).allSatisfy { heap.load(UInt64.self, at: $0) == 0 })
        for word in stride(from: offset, to: offset + size, by: 8) { heap.store(fill &+ UInt64(word), at: word) }
        objects[offset] = Object(byteCount: size, fill: fill)
    }

    /// Frees an object whose bytes are still what was left there.
    mutating func free(_ offset: Int, in heap: Heap) throws {
        let object = try #require(objects[offset])
        objects[offset] = nil
        #expect(heap.size(of: offset) == object.byteCount)
        expectContent(of: object, at: offset, in: heap)
        heap.free(offset)
        for granule in offset / 16..<(offset + object.byteCount) / 16 { owners[granule] = -1 }
    }

    func expectContents(in heap: Heap) {
        for (offset, object) in objects { expectContent(of: object, at: offset, in: heap) }
    }

    private func expectContent(of object: Object, at offset: Int, in heap: Heap) {
        #expect(
            stride(from: offset, to: offset + object.byteCount, by: 8).allSatisfy {
                heap.load(UInt64.self, at: $0) == object.fill &+ UInt64($0)
            }, "the object at \(offset)")
    }

    // MARK: Space

    /// The lengths of the rows of pages in which there is no object.
    var freeRuns: [Int] {
        var runs: [Int] = []
        var run = 0
        for page in firstPage..<owners.count / 256 {
            if owners[page * 256..<(page + 1) * 256].allSatisfy({ $0 == -1 }) {
                run += 1
            } else {
                runs.append(run)
                run = 0
            }
        }
        return runs + [run]
    }

    /// Free slots by their size: pages that hold a small object hold slots of that size only.
    var freeSlots: [Int: Int] {
        var pages: [Int: Set<Int>] = [:]
        var used: [Int: Int] = [:]
        for (offset, object) in objects where object.byteCount < 4096 {
            pages[object.byteCount, default: []].insert(offset / 4096)
            used[object.byteCount, default: 0] += 1
        }
        return pages.reduce(into: [:]) { $0[$1.key] = $1.value.count * (4032 / $1.key) - used[$1.key, default: 0] }
    }

    /// Whether an object of that size has a place.
    func hasRoom(for byteCount: Int) -> Bool {
        let longest = freeRuns.max() ?? 0
        if byteCount > 1984 { return longest * 4096 >= byteCount }
        guard let slot = slotSizes.first(where: { $0 >= byteCount }) else { return false }
        return longest > 0 || freeSlots[slot, default: 0] > 0
    }

    /// Expects a sound heap that holds just these objects.
    func expectCounts(_ report: HeapReport) {
        #expect(report.findings == [])
        #expect(report.objects == objects.count)
        #expect(report.usedBytes == objects.values.reduce(0) { $0 + $1.byteCount })
        let freePages = freeRuns.reduce(0, +) * 4096
        #expect(report.freeBytes == freePages + freeSlots.reduce(0) { $0 + $1.key * $1.value })
        #expect(report.largestFreeRun == (freeRuns.max() ?? 0) * 4096)
        #expect(report.usedBytes + report.freeBytes + report.metadataBytes == report.byteCount)
    }
}

/// The sizes of small objects, as the format has them.
let slotSizes = [
    16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640, 768, 960, 1344, 1984,
]

extension Heap {
    /// An empty heap of so many pages.
    static func empty(pages: Int, extentArea: Range<Int> = 0..<0) -> Heap {
        let heap = Heap(byteCount: pages * 4096, extentArea: extentArea)
        heap.format()
        heap.keep()
        return heap
    }

    /// All bytes.
    var bytes: [UInt64] { stride(from: 0, to: byteCount, by: 8).map { load(at: $0) } }
}
