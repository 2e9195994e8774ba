import Glibc
import PliniusPersistence
import Synchronization
import Testing
import _PliniusTestSupport

/// Transactions of several threads that share one commit, and every state that a crash inside it may leave.
@Suite struct CrashBatchTests {
    /// The finished transactions in their order, and a row of equal words for each.
    private struct Ledger: PersistentValue {
        static let (places, words) = (8, 14)
        var order: PersistentArray<Int>
        var rows: PersistentArray<Int>
        var count: PersistentRef<Int>
    }

    private struct ChangedMind: Error {}

    /// What several threads use.
    private final class World: Sendable {
        static let heapBytes = 8 * 4096
        let media: RecordingMedia
        let pool: Pool
        let arrived = Atomic(0)

        /// A pool that is opened again or not, and in which so many transactions have filled the log a little.
        init(_ kind: CommitKind, isOpenedAgain: Bool, fillers: Int = 0) throws {
            let byteCount = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096, commit: kind)
            let first = RecordingMedia(image: [UInt8](repeating: 0, count: byteCount), tier: .t0)
            let made = try Pool.create(on: first, heapBytes: Self.heapBytes, commit: kind)
            let filler = try made.transaction { tx throws(PersistenceError) in
                let ledger = Ledger(
                    order: try tx.allocateArray(count: Ledger.places),
                    rows: try tx.allocateArray(count: Ledger.places * Ledger.words), count: try tx.allocate(0))
                try tx.setRoot("ledger", try tx.allocate(ledger))
                return try tx.allocateArray(of: Int.self, count: 40)
            }
            if isOpenedAgain {
                media = RecordingMedia(continuing: first)
                pool = try Pool.open(on: media)
            } else {
                media = first
                pool = made
            }
            for number in 0..<fillers {
                try pool.transaction { tx in
                    for index in 0..<10 { tx[filler, 4 * index] = number }
                }
            }
        }

        func write(_ number: Int, _ tx: inout Transaction, observed: Bool = true) throws(PersistenceError) {
            guard let root = try tx.root("ledger", as: Ledger.self) else { return }
            let ledger = tx[root]
            for word in 0..<Ledger.words { tx[ledger.rows, number * Ledger.words + word] = number + 1 }
            tx[ledger.order, tx[ledger.count]] = number
            tx[ledger.count] += 1
            if observed { media.observe() }
        }

        /// Runs transaction 0, which waits until 1, 2 and 3 stand behind it on threads of their own; 2 is taken back.
        func runBatch() throws {
            let crew = Crew()
            try pool.transaction { tx throws(PersistenceError) in
                try write(0, &tx)
                for number in 1...3 {
                    crew.start { [self] in
                        arrived.add(1, ordering: .relaxed)
                        _ = try? pool.transaction { tx in
                            try write(number, &tx)
                            if number == 2 { throw ChangedMind() }
                        }
                    }
                }
                _ = Crew.comes { arrived.load(ordering: .relaxed) == 3 }
                // From there to the queue it is a few instructions; whether it was enough, the statistics tell.
                usleep(20_000)
            }
            guard crew.ends() else { throw BrokenInvariant("a transaction never returned") }
        }
    }

    /// The finished transactions.
    private func order(_ view: borrowing Snapshot) throws -> [Int] {
        guard let root = try view.root("ledger", as: Ledger.self) else { throw BrokenInvariant("no root") }
        let ledger = view[root]
        let order = (0..<view[ledger.count]).map { view[ledger.order, $0] }
        for number in 0..<Ledger.places {
            let row = Set((0..<Ledger.words).map { view[ledger.rows, number * Ledger.words + $0] })
            guard row == [order.contains(number) ? number + 1 : 0] else {
                throw BrokenInvariant("the row of transaction \(number) holds \(row), and finished are \(order)")
            }
        }
        return order
    }

    private func order(in media: PlainMedia) throws -> [Int] {
        let pool = try Pool.open(on: media)
        return try pool.read { try order($0) }
    }

    @Test(arguments: CommitKind.allCases)
    func `Of transactions that share a commit, each is found whole or not at all, in their order`(kind: CommitKind)
        throws
    {
        for isOpenedAgain in [false, true] {
            try untilTheyMeet { try explore(World(kind, isOpenedAgain: isOpenedAgain)) }
        }
    }

    @Test func `A checkpoint among transactions that share a commit waits for those before it`() throws {
        var fillers = 0
        while try World(.redoLog, isOpenedAgain: false, fillers: fillers).pool.statistics.checkpoints == 0 {
            fillers += 1
        }
        var checkpoints: UInt64 = 0
        for missing in 1...5 {
            try untilTheyMeet {
                let world = try World(.redoLog, isOpenedAgain: false, fillers: fillers - missing)
                let haveMet = try explore(world)
                if haveMet { checkpoints += world.pool.statistics.checkpoints }
                return haveMet
            }
        }
        #expect(checkpoints > 1)
    }

    private func untilTheyMeet(_ body: () throws -> Bool) throws {
        for _ in 0..<50 {
            if try body() { return }
        }
        Issue.record("four threads never shared a commit")
    }

    /// False if the threads did not meet.
    private func explore(_ world: World) throws -> Bool {
        let (media, before, kind) = (world.media, world.pool.statistics, world.pool.commitKind)
        let plain = PlainMedia(byteCount: media.bytes.count)
        var (states, orders, known) = (0, Set<[Int]>(), [UInt64: [Int]]())
        var problem: (any Error)?
        func crash(changing line: Int?) {
            var fingerprint: UInt64 = 0
            media.forEachImageAfterPowerLoss(
                limit: 1 << 12, samples: line == nil ? 10_000 : 40, seed: UInt64(states), changing: line, tears: true,
                unless: { print in
                    states += 1
                    fingerprint = print
                    guard let order = known[print] else { return false }
                    orders.insert(order)
                    return true
                }
            ) { image in
                plain.reset(to: image)
                do {
                    let order = try order(in: plain)
                    orders.insert(order)
                    known[fingerprint] = order
                    if states % 8 != 0 { return }
                    // What the next process commits follows what was found: no record behind a torn one comes back.
                    let pool = try Pool.open(on: plain)
                    try pool.transaction { tx throws(PersistenceError) in try world.write(5, &tx, observed: false) }
                    let next = try self.order(in: plain)
                    if next != order + [5] { throw BrokenInvariant("after \(order) and 5 comes \(next)") }
                } catch { problem = problem ?? error }
            }
        }
        media.onStep = { if media.lastStep == .store { crash(changing: media.lastLine) } }
        media.onWait = { crash(changing: nil) }
        try world.runBatch()
        (media.onStep, media.onWait) = (nil, nil)
        let after = world.pool.statistics
        guard after.commits - before.commits == 1, after.transactions - before.transactions == 3 else { return false }

        if let problem { throw problem }
        let end = try world.pool.read { try order($0) }
        #expect(Set(end) == [0, 1, 3] && end.first == 0)
        // The log holds a record of each transaction; the twins know the batch only.
        let allowed: Set<[Int]> = kind == .redoLog ? [[], [end[0]], Array(end[..<2]), end] : [[], end]
        #expect(orders == allowed)
        #expect(states > (kind == .redoLog ? 400 : 3000), "\(states)")
        orders = []
        crash(changing: nil)
        #expect(orders == [end], "all threads were told that it is durable")
        return true
    }
}
