import Foundation
import Synchronization
import Testing
import _PliniusSupport

@Suite(.serialized) struct WorkerPoolTests {
    @Test(arguments: [1, 2, 3, 8])
    func `Each worker runs the body exactly once a run`(count: Int) {
        let pool = WorkerPool(count: count)
        let calls = Counters(count)
        let body: (Int) -> Void = { calls.increment($0) }
        for run in 1...200 {
            pool.run(body)
            for worker in 0..<count { #expect(calls[worker] == run) }
        }
    }

    @Test func `A run ends after the work of all, and sees what all have written`() {
        let pool = WorkerPool(count: 4)
        let values = UnsafeMutableBufferPointer<Int>.allocate(capacity: 4)
        defer { values.deallocate() }
        for run in 0..<100 {
            values.update(repeating: -1)
            pool.run { worker in
                if worker == run % 4 { usleep(200) }
                values[worker] = run + worker
            }
            #expect(Array(values) == (0..<4).map { run + $0 })
        }
    }

    @Test func `Nobody passes a barrier before all have come`() {
        let pool = WorkerPool(count: 3)
        let arrived = Counters(1)
        let tooEarly = Counters(1)
        pool.run { worker in
            for round in 1...100 {
                if worker == round % 3 { usleep(50) }
                arrived.increment(0)
                pool.barrier()
                if arrived[0] < 3 * round { tooEarly.increment(0) }
                pool.barrier()
            }
        }
        #expect(tooEarly[0] == 0)
        #expect(arrived[0] == 300)
    }

    @Test func `Shares are contiguous, cover everything and differ by one at most`() {
        for count in [1, 2, 3, 7] {
            let pool = WorkerPool(count: count)
            for total in [0, 1, 2, 5, 16, 1001] {
                let shares = (0..<count).map { pool.share(of: total, for: $0) }
                #expect(shares.flatMap { Array($0) } == Array(0..<total))
                let sizes = shares.map(\.count)
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            }
        }
    }

    @Test func `Threads sleep between runs, and are gone when the pool is`() throws {
        let before = try threads()
        var pool: WorkerPool? = WorkerPool(count: 5)
        pool?.run { _ in }
        var own = Set<String>()
        #expect(
            try eventually {
                own = try threads().subtracting(before); return own.count >= 4
            }
        )
        // Four of the new threads are the pool's; others of the process may come and go meanwhile.
        #expect(eventually { own.count { state(ofThread: $0) == "S" } >= 4 })
        pool = nil
        #expect(try eventually { try threads().intersection(own).count <= own.count - 4 })
    }

    private func threads() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task"))
    }

    /// What the kernel says that a thread does: `S` sleeps, `R` runs.
    private func state(ofThread thread: String) -> Character? {
        let line = try? String(contentsOfFile: "/proc/self/task/\(thread)/stat", encoding: .utf8)
        return line?.split(separator: ")").last?.first { $0 != " " }
    }

    private func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<10_000 {
            if try condition() { return true }
            usleep(1000)
        }
        return false
    }
}

/// Counters that several threads may touch.
private final class Counters: Sendable {
    private final class Cell: Sendable {
        let value = Atomic(0)
    }

    private let cells: [Cell]

    init(_ count: Int) { cells = (0..<count).map { _ in Cell() } }

    func increment(_ index: Int) { cells[index].value.add(1, ordering: .sequentiallyConsistent) }

    subscript(index: Int) -> Int { cells[index].value.load(ordering: .sequentiallyConsistent) }
}
