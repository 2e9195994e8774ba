import PliniusPersistence
import Testing

/// Roots and extents: what the allocator keeps in lists.
@Suite struct AllocatorListTests {
    // MARK: Roots

    @Test func `Roots are found by name, listed by name, replaced and removed`() throws {
        var random = AllocatorRandom(state: 6)
        let heap = Heap.empty(pages: 40)
        let object = UInt64(try heap.allocate(byteCount: 4000))
        let names = ["b", "a", "aa", "B", "ä", "a\u{308}", "日本", "z z", String(repeating: "n", count: 64), "🦊"]
        var expected: [[UInt8]: Root] = [:]
        for step in 0..<3000 {
            guard let name = names.randomElement(using: &random) else { return }
            let root = Root.object(offset: object, byteCount: UInt64(step % 4000), elementBytes: UInt64(step % 7 + 1))
            if Int.random(in: 0..<3, using: &random) == 0 {
                #expect(heap.removeRoot(name) == (expected.removeValue(forKey: Array(name.utf8)) != nil))
            } else {
                try heap.setRoot(name, root)
                expected[Array(name.utf8)] = root
            }
            for name in names { #expect(heap.root(name) == expected[Array(name.utf8)]) }
            let sorted = expected.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            let found = heap.roots
            #expect(found.map { Array($0.name.utf8) } == sorted.map(\.key))
            #expect(found.map(\.root) == sorted.map(\.value))
            if step % 100 == 0 {
                let report = heap.examine()
                #expect(report.findings == [] && report.roots == expected.count && report.objects == 1)
            }
        }
        for name in names { _ = heap.removeRoot(name) }
        #expect(heap.examine().largestFreeRun == 37 * 4096)
    }

    @Test func `A name that is none is refused`() throws {
        let heap = Heap.empty(pages: 10)
        let object = UInt64(try heap.allocate(byteCount: 8))
        let before = heap.bytes
        let tooLong = [String(repeating: "n", count: 65), String(repeating: "é", count: 33)]
        for name in ["", "a\n", "\u{1B}[2J", "\u{9B}", "\0"] + tooLong {
            let error = try #require(throws: PersistenceError.self) {
                try heap.setRoot(name, .object(offset: object, byteCount: 8))
            }
            #expect(error.code == .invalidName)
            #expect(heap.root(name) == nil)
            #expect(!heap.removeRoot(name))
        }
        #expect(heap.bytes == before)
    }

    @Test func `A root that finds no room changes nothing, and a known name needs none`() throws {
        let heap = Heap.empty(pages: 4)
        let object = UInt64(try heap.allocate(byteCount: 4096))
        try heap.setRoot("name", .object(offset: object, byteCount: 1))
        while (try? heap.setRoot("\(heap.roots.count)", .object(offset: object, byteCount: 2))) != nil {}
        let before = heap.bytes
        let error = try #require(throws: PersistenceError.self) {
            try heap.setRoot("another", .object(offset: object, byteCount: 1))
        }
        #expect(error.code == .noSpace)
        #expect(heap.bytes == before)
        try heap.setRoot("name", .object(offset: object, byteCount: 3))
        #expect(heap.root("name") == .object(offset: object, byteCount: 3))
        #expect(heap.examine().isSound)
    }

    @Test func `What a root stands for is freed after the root is gone`() throws {
        let heap = Heap.empty(pages: 10, extentArea: 0..<1 << 20)
        let object = try heap.allocate(byteCount: 8)
        let extent = try heap.allocateExtent(byteCount: 1)
        try heap.setRoot("object", .object(offset: UInt64(object), byteCount: 8, elementBytes: 8))
        try heap.setRoot("extent", .extent(start: UInt64(extent.lowerBound), byteCount: UInt64(extent.count)))
        #expect(heap.root("extent") == .extent(start: 0, byteCount: 4096))
        #expect(heap.removeRoot("object") && heap.removeRoot("extent"))
        heap.free(object)
        heap.freeExtent(extent)
        #expect(heap.examine().largestFreeRun == 8 * 4096)
    }

    // MARK: Extents

    @Test(arguments: [7, 8] as [UInt64])
    func `Extents come and go, and none is given out again before a commit`(seed: UInt64) throws {
        var random = AllocatorRandom(state: seed)
        let first = 5
        var owners = [Int](repeating: -1, count: 200)
        var live: [Range<Int>] = []
        let heap = Heap.empty(pages: 20, extentArea: first * 4096..<(first + 200) * 4096)
        var refusals = 0
        func longest(of condition: (Int) -> Bool) -> Int {
            owners.split(whereSeparator: { !condition($0) }).map(\.count).max() ?? 0
        }
        for step in 0..<20_000 {
            if Int.random(in: 0..<100, using: &random) < (step % 4000 < 2000 ? 60 : 40) {
                let pages = Int.random(in: 1...Int.random(in: 1...30, using: &random), using: &random)
                let byteCount = pages * 4096 - Int.random(in: 0..<4096, using: &random)
                do {
                    let extent = try heap.allocateExtent(byteCount: byteCount)
                    let taken = extent.lowerBound / 4096 - first..<extent.upperBound / 4096 - first
                    #expect(extent.lowerBound % 4096 == 0 && taken.count == pages)
                    #expect(owners[taken].allSatisfy { $0 == -1 })
                    let lowest = owners.indices.dropLast(pages - 1).first { start in
                        owners[start..<start + pages].allSatisfy { $0 == -1 }
                    }
                    #expect(taken.lowerBound == lowest)
                    for page in taken { owners[page] = extent.lowerBound }
                    live.append(extent)
                } catch {
                    #expect(error.code == .noSpace)
                    #expect(longest { $0 == -1 } < pages, "\(error)")
                    refusals += 1
                }
            } else if let index = live.indices.randomElement(using: &random) {
                let extent = live.remove(at: index)
                heap.freeExtent(extent)
                for page in extent.lowerBound / 4096 - first..<extent.upperBound / 4096 - first { owners[page] = -2 }
            }
            if step % 7 == 0 {
                heap.keep()
                heap.freedExtents = []
                owners = owners.map { $0 == -2 ? -1 : $0 }
            }
            if step % 50 == 0 {
                let report = heap.examine()
                #expect(report.findings == [])
                #expect(report.extents == live.count)
                #expect(report.extentBytes == live.reduce(0) { $0 + $1.count })
                #expect(report.freeExtentBytes == 200 * 4096 - report.extentBytes)
                #expect(report.largestFreeExtent == longest { $0 < 0 } * 4096)
                #expect(report.objects == 0)
            }
        }
        #expect(refusals > 0)
        for extent in live { heap.freeExtent(extent) }
        heap.freedExtents = []
        #expect(heap.examine().largestFreeExtent == 200 * 4096)
        #expect(heap.examine().largestFreeRun == 18 * 4096)
    }

    @Test func `A pool that grew has room at its end`() throws {
        let heap = Heap.empty(pages: 10, extentArea: 8192..<16_384)
        #expect(try heap.allocateExtent(byteCount: 4096) == 8192..<12_288)
        let error = try #require(throws: PersistenceError.self) { try heap.allocateExtent(byteCount: 4097) }
        #expect(error.message.contains("4097 bytes") && error.message.contains("at most 4096 of them in a row"))
        heap.extentsGrew(to: 8192..<20_480)
        #expect(try heap.allocateExtent(byteCount: 4097) == 12_288..<20_480)
        #expect(throws: PersistenceError.self) { try heap.allocateExtent(byteCount: .max) }
        #expect(heap.examine().isSound)
        heap.extentArea = 8192..<16_384
        #expect(!heap.examine().isSound)
    }

    @Test func `An extent whose node finds no room changes nothing`() throws {
        let heap = Heap.empty(pages: 3, extentArea: 0..<1 << 20)
        let object = try heap.allocate(byteCount: 4096)
        let before = heap.bytes
        let error = try #require(throws: PersistenceError.self) { try heap.allocateExtent(byteCount: 1) }
        #expect(error.code == .noSpace)
        #expect(heap.bytes == before)
        heap.free(object)
        #expect(try heap.allocateExtent(byteCount: 1) == 0..<4096)
    }
}
