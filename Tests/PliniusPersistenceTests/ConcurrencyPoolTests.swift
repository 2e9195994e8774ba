import Glibc
import PliniusPersistence
import Synchronization
import Testing

/// Many threads on one pool.
@Suite struct ConcurrencyPoolTests {
    private final class Shared: Sendable {
        let pool: Pool
        let accounts: PersistentArray<Int>

        init(_ kind: CommitKind, file: CInt, accounts count: Int) throws {
            pool = try Pool.create(
                descriptor: file, byteCount: Pool.byteCount(heapBytes: 128 << 10, extentBytes: 0, commit: kind),
                heapBytes: 128 << 10, commit: kind)
            accounts = try pool.transaction { tx throws(PersistenceError) in
                let accounts = try tx.allocateArray(of: Int.self, count: count)
                for index in 0..<count { tx[accounts, index] = 1000 }
                try tx.setRoot("accounts", accounts)
                return accounts
            }
        }

        var total: Int? {
            try? pool.read { view in (0..<accounts.count).reduce(0) { $0 + view[accounts, $1] } }
        }
    }
    private struct Refusal: Error {}

    /// Money moves between accounts, some transactions are cancelled half-way, and every reader finds all of it.
    @Test(arguments: CommitKind.allCases) func readersSeeWholeTransactionsOnly(_ kind: CommitKind) throws {
        let file = ScratchFile.unnamed()
        let shared = try Shared(kind, file: file, accounts: 16)
        let crew = Crew()
        let committed = Atomic(0)
        let wrongTotals = Atomic(0)
        for writer in 0..<4 {
            crew.start {
                for round in 0..<300 {
                    let (from, to) = ((writer * 7 + round) % 16, (writer * 5 + round * 3 + 1) % 16)
                    let isKept = round % 5 != 0
                    do {
                        try shared.pool.transaction { tx throws(Refusal) in
                            tx[shared.accounts, from] -= 10
                            if !isKept { throw Refusal() }
                            tx[shared.accounts, to] += 10
                        }
                        committed.add(1, ordering: .relaxed)
                    } catch {}
                }
            }
        }
        for _ in 0..<2 {
            crew.start {
                for _ in 0..<300 where shared.total != 16_000 { wrongTotals.add(1, ordering: .relaxed) }
            }
        }
        #expect(crew.ends())
        #expect(committed.load(ordering: .relaxed) == 4 * 240 && wrongTotals.load(ordering: .relaxed) == 0)
        let statistics = shared.pool.statistics
        #expect(statistics.transactions == 4 * 240 + 1 && statistics.commits <= 4 * 300 + 1)

        let again = try Pool.open(descriptor: file)
        let accounts = shared.accounts
        #expect(try again.read { view in (0..<16).reduce(0) { $0 + view[accounts, $1] } } == 16_000)
    }

    /// Tasks of Swift's concurrency use a pool like threads do.
    @Test func tasksShareAPool() async throws {
        let shared = try Shared(.redoLog, file: ScratchFile.unnamed(), accounts: 8)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    for _ in 0..<50 {
                        try shared.pool.transaction { tx in
                            tx[shared.accounts, task % 8] -= 1
                            tx[shared.accounts, (task + 1) % 8] += 1
                        }
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(shared.total == 8000 && shared.pool.statistics.transactions == 801)
    }
}
