import Glibc
import Synchronization

/// A queue in which one writer does the work of all who wait, and makes it durable once.
///
/// Flat combining (Hendler, Incze, Shavit, Tzafrir 2010) over a first-in, first-out list: the first to come is the combiner. It
/// runs its own closure and those that have queued up meanwhile, in one batch with one commit, then wakes their threads. The
/// batch is bounded, so that nobody serves others for ever; who stands behind it becomes the next combiner. Hence no writer
/// waits for more than the batches before its own, whatever the system's scheduler prefers.
///
/// Alone, a writer pays two atomic operations, allocates nothing and calls the system not at all. A writer that waits sleeps
/// until it is served or appointed: a task of Swift's concurrency blocks its thread for as long, which ends without any other
/// task's help. Closures run on the combiner's thread, one at a time: they see no thread-local or task-local value of their
/// writer, and must not ask which thread, or which actor's executor, runs them.
@safe
package final class WriterQueue {
    /// Who came last, and nobody when nobody writes; the first of the list combines.
    private let last = unsafe Atomic<UnsafeMutablePointer<Request>?>(nil)
    /// The combiner's thread, zero when none combines; each thread only compares it with itself, hence relaxed everywhere.
    private let combiner = Atomic<pthread_t>(0)
    /// The place in the list of who came when nobody wrote: there is one at most, so that it need not make itself one.
    @unsafe private let alone = UnsafeMutablePointer<Request>.allocate(capacity: 1)
    private let bound: Int
    private let queued = Atomic(0)

    /// Serves at most `bound` closures a batch.
    package init(bound: Int = 64) {
        precondition(bound >= 1, "a batch has at least the combiner's own closure, not \(bound)")
        self.bound = bound
        unsafe alone.initialize(to: Request())
    }

    deinit {
        unsafe alone.deinitialize(count: 1)
        unsafe alone.deallocate()
    }

    /// Whether the caller runs inside ``perform(_:begin:commit:)``, whoever's closure it is; then it must not call that again.
    @inline(__always) package var isCombiningOnThisThread: Bool { combiner.load(ordering: .relaxed) == pthread_self() }

    /// How many calls found a combiner at work, and queued up behind it, so far.
    package var waits: Int { queued.load(ordering: .relaxed) }

    /// Has `body` run exactly once as a part of some batch, and returns when that batch is over.
    ///
    /// A batch is `begin`, the closures in the order of their coming, `commit`: all on the combiner's thread, with its `begin` and
    /// `commit`, so that all callers pass the same ones. When `commit` throws, so does every call whose closure was in the
    /// batch, and no other. When `begin` throws, so does the combiner's call alone: its closure does not run, `commit`
    /// neither, and the next in the list tries for itself.
    ///
    /// What the closure wrote is as durable on return as `commit` makes it. A call waits for the batch at work and, with n
    /// writers before it, for n / bound more.
    package func perform(
        _ body: () -> Void, begin: () throws(PersistenceError) -> Void, commit: () throws(PersistenceError) -> Void
    ) throws(PersistenceError) {
        let failure: PersistenceError?
        if enterAlone() {
            failure = unsafe combine(from: alone, body, begin, commit)
        } else {
            precondition(!isCombiningOnThisThread, "a transaction inside a transaction would wait for itself")
            var request = Request()
            failure = unsafe withUnsafeMutablePointer(to: &request) { request in
                // Only while this call lasts may another thread hold the closure: it lets go of it before it wakes this one.
                withoutActuallyEscaping(body) { borrowed in
                    switch unsafe wait(as: request, for: borrowed) {
                    case .served(let failure): failure
                    case .appointed: unsafe combine(from: request, body, begin, commit)
                    }
                }
            }
        }
        if let failure { throw failure }
    }

    // MARK: Alone

    /// Becomes the combiner if nobody writes; ``leaveAlone(_:)`` or ``giveUpAlone()`` must follow.
    ///
    /// The same as ``perform(_:begin:commit:)`` in two halves, with no closure, which somebody else might have had to keep, and hardly a
    /// store: those between the fence of one commit and the loads of the next transaction fill the processor's store buffer, and then
    /// the loads wait for the fence as well.
    @inline(__always) package func enterAlone() -> Bool {
        guard unsafe last.compareExchange(expected: nil, desired: alone, ordering: .acquiringAndReleasing).exchanged
        else { return false }
        combiner.store(pthread_self(), ordering: .relaxed)
        return true
    }

    /// Runs the closures of those who have queued up since ``enterAlone()``, commits for all, and wakes them.
    /// - Returns: What `commit` threw.
    @inline(__always) package func leaveAlone(
        _ commit: () throws(PersistenceError) -> Void
    ) -> PersistenceError? {
        let end = unsafe serve(behind: alone)
        var failure: PersistenceError?
        do throws(PersistenceError) { try commit() } catch { failure = error }
        unsafe leave(from: alone, to: end, failure)
        return failure
    }

    /// Lets the next combine, and does nothing else.
    package func giveUpAlone() { unsafe leave(from: alone, to: alone, nil) }

    // MARK: Waiting

    /// Queues up, and sleeps until a combiner has served this request or appoints it the next one.
    private func wait(as request: UnsafeMutablePointer<Request>, for body: @escaping () -> Void) -> Sleeper.Outcome {
        unsafe withUnsafeTemporaryAllocation(of: sem_t.self, capacity: 1) { memory in
            let wake = unsafe memory.baseAddress.unsafelyUnwrapped
            unsafe sem_init(wake, 0, 0)
            defer { unsafe sem_destroy(wake) }
            var sleeper = unsafe Sleeper(wake: wake, body: body)
            return unsafe withUnsafeMutablePointer(to: &sleeper) { sleeper in
                unsafe request.pointee.sleeper = sleeper
                guard let before = unsafe last.exchange(request, ordering: .acquiringAndReleasing) else {
                    return .appointed
                }
                unsafe before.pointee.next.store(request, ordering: .releasing)
                queued.add(1, ordering: .relaxed)
                while unsafe sem_wait(wake) == -1, errno == EINTR {}
                return unsafe sleeper.pointee.outcome
            }
        }
    }

    // MARK: Combining

    /// Serves `first` and those behind it, appoints the next combiner, and wakes whom it served.
    private func combine(
        from first: UnsafeMutablePointer<Request>, _ body: () -> Void,
        _ begin: () throws(PersistenceError) -> Void, _ commit: () throws(PersistenceError) -> Void
    ) -> PersistenceError? {
        var end = unsafe first
        var failure: PersistenceError?
        combiner.store(pthread_self(), ordering: .relaxed)
        do throws(PersistenceError) {
            try begin()
            body()
            unsafe end = serve(behind: first)
            try commit()
        } catch {
            failure = error
        }
        unsafe leave(from: first, to: end, failure)
        return failure
    }

    /// Runs the closures of those behind, as many as a batch has.
    /// - Returns: The last of them.
    @inline(__always) private func serve(behind first: UnsafeMutablePointer<Request>) -> UnsafeMutablePointer<Request> {
        var end = unsafe first
        for _ in 1..<bound {
            guard let next = unsafe end.pointee.next.load(ordering: .acquiring) else { break }
            unsafe next.pointee.sleeper?.pointee.body()
            unsafe end = next
        }
        return unsafe end
    }

    @inline(__always) private func leave(
        from first: UnsafeMutablePointer<Request>, to end: UnsafeMutablePointer<Request>, _ failure: PersistenceError?
    ) {
        combiner.store(0, ordering: .relaxed)
        if unsafe first == end,
            unsafe last.compareExchange(expected: first, desired: nil, ordering: .acquiringAndReleasing).exchanged
        {
            return
        }
        unsafe answer(from: first, to: end, failure)
    }

    /// Appoints the next combiner, and wakes whom the batch served.
    @inline(never)
    private func answer(
        from first: UnsafeMutablePointer<Request>, to end: UnsafeMutablePointer<Request>, _ failure: PersistenceError?
    ) {
        var next = unsafe first == end ? nil : first.pointee.next.load(ordering: .relaxed)
        // Before the list can be empty, or somebody else combine: who comes then takes the same place again.
        if unsafe first != end { unsafe first.pointee.next.store(nil, ordering: .relaxed) }
        if let heir = unsafe follower(of: end) {
            if unsafe first == end { unsafe first.pointee.next.store(nil, ordering: .relaxed) }
            unsafe heir.wake()
        }
        while let served = unsafe next {
            // Once woken, it is gone.
            unsafe next = served == end ? nil : served.pointee.next.load(ordering: .relaxed)
            unsafe served.pointee.sleeper?.pointee.outcome = .served(failure)
            unsafe served.wake()
        }
    }

    /// Who stands behind `request`; if nobody does, the list is empty afterwards.
    private func follower(of request: UnsafeMutablePointer<Request>) -> UnsafeMutablePointer<Request>? {
        if let next = unsafe request.pointee.next.load(ordering: .acquiring) { return unsafe next }
        if unsafe last.compareExchange(expected: request, desired: nil, ordering: .acquiringAndReleasing).exchanged {
            return nil
        }
        // Somebody stands behind, and is about to say so: two instructions of ``wait(as:for:)``.
        while true {
            if let next = unsafe request.pointee.next.load(ordering: .acquiring) { return unsafe next }
            sched_yield()
        }
    }
}

// The list is atomic; a request belongs to its writer until it is in the list, to the combiner until it is answered.
extension WriterQueue: @unchecked Sendable {}

/// A writer's place in the list, on its own stack: it stays there until it is answered.
@safe
private struct Request: ~Copyable {
    let next = unsafe Atomic<UnsafeMutablePointer<Request>?>(nil)
    /// `nil` for who found the list empty.
    var sleeper: UnsafeMutablePointer<Sleeper>?
}

/// A writer that waits.
@safe
private struct Sleeper {
    enum Outcome {
        /// It combines.
        case appointed
        /// Its closure has run, in a batch that ended like this.
        case served(PersistenceError?)
    }

    /// What it sleeps on.
    let wake: UnsafeMutablePointer<sem_t>
    let body: () -> Void
    var outcome = Outcome.appointed
}

extension UnsafeMutablePointer<Request> {
    /// Ends the writer's sleep; it may be gone before this returns.
    fileprivate func wake() {
        // The C library allows that a semaphore vanishes as soon as it has counted up.
        if let sleeper = unsafe pointee.sleeper { unsafe sem_post(sleeper.pointee.wake) }
    }
}
