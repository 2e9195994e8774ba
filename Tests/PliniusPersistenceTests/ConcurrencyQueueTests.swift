import Glibc
import PliniusPersistence
import Synchronization
import Testing

@Suite struct ConcurrencyQueueTests {
    /// What ran, in which order, on which thread; guarded by the queue.
    private struct Account {
        var isOpen = false
        var order: [Int] = []
        var batches: [[Int]] = []
        var threads: [pthread_t] = []
        var failures: [PersistenceError?] = []
        var overlaps = 0
    }

    private static let failure = PersistenceError("this batch", errno: EIO)

    /// A queue with batches that are written down and may be made to fail.
    private final class Desk: Sendable {
        let queue: WriterQueue
        let account = Guarded(Account())

        /// `failures` are what the first commits end with.
        init(bound: Int = 64, failures: [PersistenceError?] = []) {
            queue = WriterQueue(bound: bound)
            account.value.failures = failures.reversed()
        }

        func perform(_ body: () -> Void, beginning: () -> PersistenceError? = { nil }) -> PersistenceError? {
            do throws(PersistenceError) {
                try queue.perform(body) { () throws(PersistenceError) in
                    if account.value.isOpen { account.value.overlaps += 1 }
                    if let failure = beginning() { throw failure }
                    account.value.isOpen = true
                    account.value.order = []
                } commit: { () throws(PersistenceError) in
                    account.value.isOpen = false
                    account.value.batches.append(account.value.order)
                    account.value.threads.append(pthread_self())
                    if let failure = account.value.failures.popLast() ?? nil { throw failure }
                }
                return nil
            } catch {
                return error
            }
        }

        /// Lets writer 0 combine until writers 1...count stand behind it, in this order; gives what each call returned.
        func rendezvous(_ count: Int, onBegin: PersistenceError? = nil) -> [PersistenceError?]? {
            let crew = Crew()
            let results = (0...count).map { _ in Guarded<PersistenceError?>(nil) }
            let combines = Atomic(false)
            crew.start {
                let all = {
                    combines.store(true, ordering: .relaxed)
                    return Crew.comes { self.queue.waits == count }
                }
                results[0].value = self.perform {
                    self.account.value.order.append(all() ? 0 : -1)
                } beginning: {
                    onBegin != nil && all() ? onBegin : nil
                }
            }
            guard Crew.comes({ combines.load(ordering: .relaxed) }) else { return nil }
            for writer in 1...count {
                crew.start { results[writer].value = self.perform { self.account.value.order.append(writer) } }
                guard Crew.comes({ self.queue.waits == writer }) else { return nil }
            }
            return crew.ends() ? results.map(\.value) : nil
        }
    }

    @Test func `All who wait are served by one commit, on one thread, in the order of their coming`() {
        let desk = Desk()
        #expect(desk.rendezvous(20) == Array(repeating: nil, count: 21))
        #expect(desk.account.value.batches == [Array(0...20)])
    }

    @Test func `A batch is bounded, and who stands behind it combines next`() {
        let desk = Desk(bound: 3)
        #expect(desk.rendezvous(7) == Array(repeating: nil, count: 8))
        #expect(desk.account.value.batches == [[0, 1, 2], [3, 4, 5], [6, 7]])
        #expect(Set(desk.account.value.threads).count == 3)
        #expect(desk.account.value.overlaps == 0)
    }

    @Test func `A bound of one serves each alone`() {
        let desk = Desk(bound: 1)
        #expect(desk.rendezvous(3) == Array(repeating: nil, count: 4))
        #expect(desk.account.value.batches == [[0], [1], [2], [3]])
    }

    @Test func `A commit that fails, fails for all of its batch and for nobody else`() {
        let failure = Self.failure
        let desk = Desk(bound: 3, failures: [nil, failure, nil])
        #expect(desk.rendezvous(7) == [nil, nil, nil, failure, failure, failure, nil, nil])
        #expect(desk.account.value.batches == [[0, 1, 2], [3, 4, 5], [6, 7]])
        #expect(desk.perform {} == nil)
    }

    @Test func `A batch that cannot begin runs nothing, and the next in the list tries for itself`() {
        let desk = Desk()
        #expect(desk.rendezvous(3, onBegin: Self.failure) == [Self.failure, nil, nil, nil])
        #expect(desk.account.value.batches == [[1, 2, 3]])
    }

    @Test func `Closures run one at a time and exactly once, from threads`() {
        let desk = Desk(bound: 5)
        let crew = Crew()
        let counter = Guarded(0)
        let wrong = Atomic(0)
        for _ in 0..<8 {
            crew.start {
                var last = 0
                for _ in 0..<500 {
                    var seen = 0
                    let failure = desk.perform {
                        counter.value += 1
                        seen = counter.value
                        desk.account.value.order.append(seen)
                    }
                    if failure != nil || seen <= last { wrong.add(1, ordering: .relaxed) }
                    last = seen
                }
            }
        }
        #expect(crew.ends())
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(desk.account.value.batches.flatMap(\.self) == Array(1...4000))
        #expect(desk.account.value.batches.allSatisfy { (1...5).contains($0.count) })
        #expect(desk.account.value.overlaps == 0)
    }

    @Test func `Closures run one at a time and exactly once, from tasks`() async {
        let desk = Desk()
        let counter = Guarded(0)
        let sum = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    var sum = 0
                    for _ in 0..<250 {
                        _ = desk.perform {
                            counter.value += 1
                            sum += counter.value
                        }
                    }
                    return sum
                }
            }
            return await group.reduce(0, +)
        }
        #expect(counter.value == 4000)
        #expect(sum == 4000 * 4001 / 2)
    }

    @Test func `Threads may end as soon as they are served`() {
        let desk = Desk(bound: 4)
        for _ in 0..<20 {
            let crew = Crew()
            for _ in 0..<20 { crew.start { _ = desk.perform { desk.account.value.order.append(1) } } }
            #expect(crew.ends())
        }
        #expect(desk.account.value.batches.joined().count == 400)
    }

    @Test func `Readers beside see batches as a whole`() {
        let queue = WriterQueue(bound: 4)
        let lock = FairLock()
        let pair = Guarded((0, 0))
        let (writers, readers) = (Crew(), Crew())
        let done = Atomic(false)
        let torn = Atomic(0)
        for _ in 0..<3 {
            writers.start {
                for _ in 0..<500 {
                    // The second half follows only at the commit.
                    try? queue.perform {
                        pair.value.0 += 1
                    } begin: {
                        lock.lockExclusive()
                    } commit: {
                        sched_yield()
                        pair.value.1 = pair.value.0
                        lock.unlockExclusive()
                    }
                }
            }
        }
        for _ in 0..<2 {
            readers.start {
                while !done.load(ordering: .relaxed) {
                    lock.lockShared()
                    if pair.value.0 != pair.value.1 { torn.add(1, ordering: .relaxed) }
                    lock.unlockShared()
                }
            }
        }
        #expect(writers.ends())
        done.store(true, ordering: .relaxed)
        #expect(readers.ends())
        #expect(pair.value == (1500, 1500))
        #expect(torn.load(ordering: .relaxed) == 0)
    }

    @Test func `A thread knows whether it runs inside a batch, also in another's closure`() {
        let queue = WriterQueue()
        let crew = Crew()
        let answers = Guarded([Bool]())
        let ask = { @Sendable in answers.value.append(queue.isCombiningOnThisThread) }
        let perform = { @Sendable (body: () -> Void) in
            try? queue.perform(body, begin: ask, commit: ask)
        }
        #expect(!queue.isCombiningOnThisThread)
        let elsewhere = Atomic(true)
        perform {
            ask()
            crew.start { perform(ask) }
            crew.start { elsewhere.store(queue.isCombiningOnThisThread, ordering: .relaxed) }
            #expect(Crew.comes { queue.waits == 1 && !elsewhere.load(ordering: .relaxed) })
        }
        #expect(crew.ends())
        #expect(!queue.isCombiningOnThisThread)
        // Begin, own closure, the other's closure, commit.
        #expect(answers.value == [true, true, true, true])
        perform(ask)
        #expect(answers.value.count == 7 && answers.value.allSatisfy(\.self))
    }

    @Test func `A nested call traps instead of waiting for itself`() async {
        await #expect(processExitsWith: .failure) {
            let queue = WriterQueue()
            try queue.perform {
                try? queue.perform({}, begin: {}, commit: {})
            } begin: {
            } commit: {
            }
        }
    }

    @Test func `Who writes alone allocates nothing and does not wait`() async {
        await #expect(processExitsWith: .success) {
            let queue = WriterQueue()
            let lock = FairLock()
            var sum = 0
            let add = {
                for number in 1...100 {
                    try? queue.perform {
                        sum += number
                    } begin: {
                        lock.lockExclusive()
                    } commit: {
                        lock.unlockExclusive()
                    }
                    lock.lockShared()
                    lock.unlockShared()
                }
            }
            #expect(allocates(add) != true)
            #expect(sum == 5050)
            #expect(queue.waits == 0)
            // The measure itself sees one that comes and goes.
            #expect(allocates { free(getcwd(nil, 0)) } != false)
        }
    }
}
