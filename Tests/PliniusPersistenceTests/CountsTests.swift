import CAllocationCount
import PliniusPersistence
import Testing
import _PliniusTestSupport

/// What transactions cost, counted: waits, lines written back, bytes stored, allocations.
@Suite struct CountsTests {
    /// A pool on a medium that counts, with an array of words that begins with a line.
    private final class World {
        let media: RecordingMedia
        let pool: Pool
        let words: PersistentArray<UInt64>
        static let heapBytes = 16 * 4096

        init(_ kind: CommitKind) throws {
            let byteCount = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096, commit: kind)
            media = RecordingMedia(image: [UInt8](repeating: 0, count: byteCount), tier: .t0)
            pool = try Pool.create(on: media, heapBytes: Self.heapBytes, commit: kind)
            words = try pool.transaction { tx throws(PersistenceError) in
                let words = try tx.allocateArray(of: UInt64.self, count: 4096)
                try tx.setRoot("words", words)
                return words
            }
            // Two to come to the steady state: the first ones bring the other copy up to date.
            for round in UInt64(1)...2 { try store([0, 8], round) }
        }

        func store(_ indices: some Sequence<Int>, _ value: UInt64) throws {
            try pool.transaction { tx in
                for index in indices { tx[words, index] = value }
            }
        }
    }

    /// What a body costs.
    private struct Cost: Equatable {
        var waits: Int
        var stored: Int
        var writtenBack: Int

        init(waits: Int, stored: Int, writtenBack: Int) {
            (self.waits, self.stored, self.writtenBack) = (waits, stored, writtenBack)
        }

        init(of media: RecordingMedia, _ body: () throws -> Void) rethrows {
            let before = (media.fences, media.storedBytes, media.writtenBackBytes)
            try body()
            waits = media.fences - before.0
            stored = media.storedBytes - before.1
            writtenBack = media.writtenBackBytes - before.2
        }
    }

    /// The size of a record of so many runs and words: 24 bytes before them, whole lines.
    private static func record(runs: Int, words: Int) -> Int { (24 + 8 * runs + 8 * words + 63) / 64 * 64 }

    @Test(arguments: [1, 2, 8, 100])
    func `A commit of the log waits once and stores one word more than each run of changed words`(count: Int) throws {
        let world = try World(.redoLog)
        for round in UInt64(10)..<14 {
            let alone = try Cost(of: world.media) { try world.store((0..<count).map { 3 * $0 }, round) }
            let size = Self.record(runs: count, words: count)
            #expect(alone == Cost(waits: 1, stored: size, writtenBack: size))
            let row = try Cost(of: world.media) { try world.store(0..<count, round) }
            let rowSize = Self.record(runs: 1, words: count)
            #expect(row == Cost(waits: 1, stored: rowSize, writtenBack: rowSize))
        }
        #expect(world.pool.statistics.checkpoints == 0)
    }

    @Test(arguments: [1, 2, 8, 100])
    func `A commit by flip waits twice, and writes each changed line back in both copies`(count: Int) throws {
        let world = try World(.flip)
        for round in UInt64(10)..<14 {
            // Two words in each line: the line counts once.
            let indices = (0..<count).flatMap { [8 * $0, 8 * $0 + 5] }
            try world.store(indices, round)
            let before = world.pool.statistics
            // The lines of this transaction, and those that the last one left to be brought over.
            let cost = try Cost(of: world.media) { try world.store(indices, round + 100) }
            #expect(cost == Cost(waits: 2, stored: 8, writtenBack: 2 * 64 * count + 8))
            #expect(world.pool.statistics.linesWrittenBack - before.linesWrittenBack == UInt64(2 * count))
            #expect(world.pool.statistics.fences - before.fences == 2)
        }
    }

    @Test(arguments: [1, 2, 8, 100])
    func `A commit by twin copies waits four times, and stores each changed line in both`(count: Int) throws {
        let world = try World(.twinCopies)
        for round in UInt64(10)..<14 {
            let before = world.pool.statistics
            let cost = try Cost(of: world.media) {
                try world.store((0..<count).flatMap { [8 * $0, 8 * $0 + 5] }, round)
            }
            // Three state words.
            #expect(cost == Cost(waits: 4, stored: 64 * count + 24, writtenBack: 2 * 64 * count + 24))
            #expect(world.pool.statistics.linesWrittenBack - before.linesWrittenBack == UInt64(count))
            #expect(world.pool.statistics.bytesStored - before.bytesStored == UInt64(64 * count))
        }
    }

    @Test(arguments: [CommitKind.redoLog, .flip])
    func `A transaction that is taken back, or changes nothing, costs the medium nothing`(kind: CommitKind) throws {
        struct ChangedMind: Error {}
        let world = try World(kind)
        let cost = try Cost(of: world.media) {
            for _ in 0..<3 {
                _ = try? world.pool.transaction { tx in
                    for index in 0..<50 { tx[world.words, index] = 99 }
                    throw ChangedMind()
                }
            }
            if kind == .redoLog { try world.store([], 0) }
        }
        #expect(cost == Cost(waits: 0, stored: 0, writtenBack: 0))
        #expect(try world.pool.read { $0[world.words, 8] } == 2)
    }

    @Test func `A checkpoint waits twice more and stores each changed line once, with a header`() throws {
        let world = try World(.redoLog)
        // Lines far apart, so that no line between is copied along; always the same 20.
        let indices = (0..<20).map { 160 * $0 }
        var costs: [Cost] = []
        var round: UInt64 = 100
        while costs.count < 2 {
            round += 1
            let before = world.pool.statistics.checkpoints
            let cost = try Cost(of: world.media) { try world.store(indices, round) }
            if world.pool.statistics.checkpoints > before { costs.append(cost) }
        }
        let size = Self.record(runs: 20, words: 20)
        // The first one also copies what the allocator and the first transactions changed.
        let expected = size + 20 * 64 + 512
        #expect(costs[1] == Cost(waits: 3, stored: expected, writtenBack: expected))
        #expect(costs[0].waits == 3 && costs[0].stored > expected)
    }

    @Test(arguments: CommitKind.allCases)
    func `Opening waits once, and the first transaction no more than a checkpoint besides`(kind: CommitKind) throws {
        let world = try World(kind)
        let media = RecordingMedia(continuing: world.media)
        let pool = try Pool.open(on: media)
        #expect(media.fences == 1)
        let cost = try Cost(of: media) { try pool.transaction { tx in tx[world.words, 0] = 77 } }
        #expect(cost.waits == [.redoLog: 3, .flip: 2, .twinCopies: 4][kind])
    }

    @Test(arguments: CommitKind.allCases)
    func `A small transaction allocates nothing once the pool is warm`(kind: CommitKind) throws {
        guard callocation_counts() else { return }
        let media = PlainMedia(byteCount: Pool.byteCount(heapBytes: World.heapBytes, extentBytes: 4096, commit: kind))
        let pool = try Pool.create(on: media, heapBytes: World.heapBytes, commit: kind)
        let words = try pool.transaction { tx throws(PersistenceError) in
            try tx.allocateArray(of: UInt64.self, count: 512)
        }
        func swap(_ round: Int) throws {
            try pool.transaction { tx in
                for pair in 0..<4 {
                    let (left, right) = ((round * 37 + pair * 101) % 512, (round * 11 + pair * 53) % 512)
                    (tx[words, left], tx[words, right]) = (tx[words, right] &+ 1, tx[words, left])
                }
            }
        }
        for round in 0..<200 { try swap(round) }
        let before = callocation_count()
        for round in 0..<100 { try swap(round) }
        #expect(callocation_count() == before)
        // The measure itself sees one object, and one that comes and goes inside the C library.
        let seen = callocation_count()
        withExtendedLifetime([UInt8](repeating: UInt8(words.count & 1), count: 100)) {}
        #expect(callocation_count() > seen)
    }
}
