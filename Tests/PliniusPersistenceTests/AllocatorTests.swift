import Glibc
import PliniusPersistence
import Testing

@Suite struct AllocatorTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `Objects of all sizes come and go without touching each other`(seed: UInt64) throws {
        var random = AllocatorRandom(state: seed)
        let heap = Heap.empty(pages: 300)
        var model = HeapModel(of: heap)
        var refusals = 0
        for step in 0..<20_000 {
            // Fills up and empties again, three times.
            let isFilling = step % 6667 < 3500
            if model.objects.isEmpty || UInt64.random(in: 0..<10, using: &random) < (isFilling ? 7 : 3) {
                let byteCount = Int.random(in: 1...sizeLimit(&random), using: &random)
                do {
                    try model.allocate(byteCount, in: heap, fill: random.next())
                } catch let error as PersistenceError {
                    #expect(error.code == .noSpace)
                    #expect(!model.hasRoom(for: byteCount), "\(byteCount): \(error)")
                    refusals += 1
                }
            } else {
                // The nearest to a place that wanders: neighbours are freed in all orders.
                let place = step * 977 % heap.byteCount
                let offset = try #require(model.objects.keys.min { abs($0 - place) < abs($1 - place) })
                try model.free(offset, in: heap)
            }
            heap.keep()
            if step % 500 == 0 {
                model.expectCounts(heap.examine())
                model.expectContents(in: heap)
            }
        }
        #expect(refusals > 0)
        for offset in model.objects.keys.shuffled(using: &random) { try model.free(offset, in: heap) }
        model.expectCounts(heap.examine())
        #expect(heap.examine().largestFreeRun == 298 * 4096)
    }

    private func sizeLimit(_ random: inout AllocatorRandom) -> Int {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: 100_000
        case 1...3: 10_000
        case 4...9: 2100
        default: 200
        }
    }

    @Test func `A transaction that is taken back leaves every byte as it was`() throws {
        var random = AllocatorRandom(state: 4)
        let heap = Heap.empty(pages: 60, extentArea: 1 << 20..<2 << 20)
        var model = HeapModel(of: heap)
        for round in 0..<300 {
            let (before, modelBefore) = (heap.bytes, model)
            for _ in 0..<20 {
                let byteCount = Int.random(in: 1...sizeLimit(&random), using: &random)
                if Bool.random(using: &random), let offset = model.objects.keys.sorted().randomElement(using: &random) {
                    try model.free(offset, in: heap)
                } else if model.hasRoom(for: byteCount) {
                    try model.allocate(byteCount, in: heap, fill: random.next())
                }
            }
            if round.isMultiple(of: 3) {
                heap.keep()
            } else {
                // Two pages in a row are room for the extent's record and the root's, whatever they lie in.
                if model.hasRoom(for: 8_000) {
                    let extent = try heap.allocateExtent(byteCount: 5000)
                    try heap.setRoot("x", .extent(start: UInt64(extent.lowerBound), byteCount: UInt64(extent.count)))
                }
                heap.rollBack()
                model = modelBefore
                #expect(heap.bytes == before)
            }
            model.expectCounts(heap.examine())
        }
    }

    @Test func `Little of what is asked for is wasted`() throws {
        let heap = Heap.empty(pages: 10)
        for byteCount in 1...4096 {
            let offset = try heap.allocate(byteCount: byteCount)
            let size = heap.size(of: offset)
            heap.free(offset)
            #expect(size == slotSizes.first { $0 >= byteCount } ?? 4096)
            if byteCount > 32, byteCount <= 1984 { #expect(size * 2 <= byteCount * 3, "\(byteCount) in \(size)") }
        }
    }

    // MARK: Room

    @Test func `A full heap says so, is not changed by it, and serves again after a free`() throws {
        let heap = Heap.empty(pages: 40)
        var model = HeapModel(of: heap)
        while model.hasRoom(for: 1984) { try model.allocate(1984, in: heap, fill: 7) }
        #expect(model.objects.count == 38 * 2)
        let before = heap.bytes
        for byteCount in [1, 16, 1984, 1985, 4096, 1 << 20, .max] {
            let error = try #require(throws: PersistenceError.self) { try heap.allocate(byteCount: byteCount) }
            #expect(error.code == .noSpace)
            #expect(error.message.contains("0 are free"))
        }
        #expect(heap.bytes == before)
        let offset = try #require(model.objects.keys.max())
        try model.free(offset, in: heap)
        #expect(throws: PersistenceError.self) { try heap.allocate(byteCount: 1985) }
        #expect(throws: PersistenceError.self) { try heap.allocate(byteCount: 16) }
        try model.allocate(1984, in: heap, fill: 8)
        model.expectCounts(heap.examine())
    }

    @Test func `An error for want of room tells what there is`() throws {
        let heap = Heap.empty(pages: 12)
        let objects = try (0..<10).map { _ in try heap.allocate(byteCount: 4096) }
        for index in [1, 2, 3, 7, 8] { heap.free(objects[index]) }
        let error = try #require(throws: PersistenceError.self) { try heap.allocate(byteCount: 12_289) }
        #expect(error.message.contains("12289 bytes"))
        #expect(error.message.contains("20480 are free, at most 12288 in whole pages in a row"))
        #expect(try heap.allocate(byteCount: 12_288) == objects[1])
    }

    @Test func `Neighbours that are free are one again`() throws {
        let heap = Heap.empty(pages: 102)
        var random = AllocatorRandom(state: 5)
        for round in 0..<20 {
            var objects: [Int] = []
            while let offset = try? heap.allocate(byteCount: 4096 * Int.random(in: 1...9, using: &random)) {
                objects.append(offset)
            }
            for offset in objects.shuffled(using: &random) { heap.free(offset) }
            #expect(heap.examine().largestFreeRun == 100 * 4096, "round \(round)")
        }
        #expect(try heap.allocate(byteCount: 100 * 4096) == 2 * 4096)
    }

    @Test func `The smallest heap serves one page`() throws {
        let heap = Heap.empty(pages: 3)
        #expect(try heap.allocate(byteCount: 4096) == 8192)
        #expect(throws: PersistenceError.self) { try heap.allocate(byteCount: 1) }
        heap.free(8192)
        #expect(try heap.allocate(byteCount: 16) == 8192 + 64)
        #expect(heap.examine().isSound)
    }

    @Test func `Slots of one class are counted`() throws {
        let heap = Heap.empty(pages: 10)
        let objects = try (0..<80).map { _ in try heap.allocate(byteCount: 100) }
        for offset in objects.prefix(5) { heap.free(offset) }
        let slots = try #require(heap.examine().slots.first { $0.slotBytes == 112 })
        #expect([slots.pages, slots.used, slots.free] == [3, 75, 3 * 36 - 75])
        #expect(heap.examine().fragmentation == 1 - Double(5 * 4096) / Double(5 * 4096 + 33 * 112))
    }

    // MARK: Misuse

    enum Misuse: String, Codable, CaseIterable {
        case allocateNothing, allocateLess, freeTwice, freeInside, freeNothing, freeHeader, freeOutside, freeBelow
        case freeMiddlePage, freeSlabHead, freeTail, freeNode, freeExtentNode, freeRooted, sizeOfFreed, formatTiny
        case rootOfFreed, rootTooLarge, rootOfNoExtent, extentOfNothing, extentTwice, extentPart, extentRooted, shrink

        func commit() throws {
            let heap = Heap.empty(pages: 20, extentArea: 1 << 20..<2 << 20)
            let small = try heap.allocate(byteCount: 100)
            let large = try heap.allocate(byteCount: 10_000)
            let rooted = try heap.allocate(byteCount: 100)
            let extent = try heap.allocateExtent(byteCount: 10_000)
            let start = UInt64(extent.lowerBound)
            try heap.setRoot("it", .object(offset: UInt64(rooted), byteCount: 100))
            precondition(heap.examine().isSound)
            write(STDOUT_FILENO, "armed", 5)
            switch self {
            case .allocateNothing: _ = try heap.allocate(byteCount: 0)
            case .allocateLess: _ = try heap.allocate(byteCount: -1)
            case .freeTwice:
                heap.free(small)
                heap.free(small)
            case .freeInside: heap.free(small + 16)
            case .freeNothing: heap.free(small + 5 * 112)
            case .freeHeader: heap.free(0)
            case .freeOutside: heap.free(20 * 4096)
            case .freeBelow: heap.free(-4096)
            case .freeMiddlePage: heap.free(large + 4096)
            case .freeSlabHead: heap.free(small - 64)
            case .freeTail: heap.free(small - 64 + 4096 - 112)
            case .freeNode: heap.free(heap.load(at: 24))
            case .freeExtentNode: heap.free(heap.load(at: 32))
            case .freeRooted: heap.free(rooted)
            case .sizeOfFreed:
                heap.free(large)
                _ = heap.size(of: large)
            case .formatTiny: Heap(byteCount: 8192, extentArea: 0..<0).format()
            case .rootOfFreed:
                heap.free(small)
                try heap.setRoot("that", .object(offset: UInt64(small), byteCount: 1))
            case .rootTooLarge: try heap.setRoot("that", .object(offset: UInt64(small), byteCount: 113))
            case .rootOfNoExtent: try heap.setRoot("that", .extent(start: start, byteCount: 4096))
            case .extentOfNothing: _ = try heap.allocateExtent(byteCount: 0)
            case .extentTwice:
                heap.freeExtent(extent)
                heap.freeExtent(extent)
            case .extentPart: heap.freeExtent(extent.lowerBound..<extent.lowerBound + 4096)
            case .extentRooted:
                try heap.setRoot("that", .extent(start: start, byteCount: UInt64(extent.count)))
                heap.freeExtent(extent)
            case .shrink: heap.extentsGrew(to: 1 << 20..<(2 << 20) - 4096)
            }
            write(STDOUT_FILENO, "survived", 8)
        }
    }

    @Test(arguments: Misuse.allCases) func `Misuse ends the process`(misuse: Misuse) async throws {
        let outcome = await #expect(processExitsWith: .failure, observing: [\.standardOutputContent]) { [misuse] in
            try misuse.commit()
        }
        let output = String(decoding: try #require(outcome).standardOutputContent, as: UTF8.self)
        #expect(output.contains("armed") && !output.contains("survived"), "\(output)")
    }
}
