import Glibc

/// A fixed crew of threads that runs one piece of work at a time, the caller being worker 0.
///
/// Between runs the threads sleep: none spins. A pool belongs to one caller at a time.
@safe
public final class WorkerPool {
    /// Workers, the caller included.
    public let count: Int
    private let crew: [Worker]
    private let meeting: UnsafeMutablePointer<pthread_barrier_t>

    /// Starts `count - 1` threads.
    public init(count: Int) {
        precondition(count >= 1, "a pool has at least the caller as its worker, not \(count)")
        self.count = count
        unsafe meeting = .allocate(capacity: 1)
        let status = unsafe pthread_barrier_init(meeting, nil, UInt32(count))
        precondition(status == 0, "the system refused a barrier for \(count) threads: errno \(status)")
        crew = (1..<count).map { _ in Worker() }
        for (index, worker) in crew.enumerated() {
            startThread { worker.serve(as: index + 1) }
        }
    }

    /// Ends the threads, and returns when each has taken its leave.
    deinit {
        for worker in crew { worker.begin.signal() }
        for worker in crew { worker.end.wait() }
        unsafe pthread_barrier_destroy(meeting)
        unsafe meeting.deallocate()
    }

    /// Runs `body(worker)` once for each worker in `0..<count`, at the same time, and waits for all.
    ///
    /// Between two ``barrier()``s nothing orders the workers' accesses to memory: what one writes, no other may touch. What
    /// was written before the call is seen by all of them, and what they wrote is seen after it. A run allocates nothing
    /// itself: whoever plans the closure once and passes it again and again runs without any allocation.
    public func run(_ body: @escaping (Int) -> Void) {
        start(body)
        body(0)
        wait()
    }

    /// Runs `body(worker)` for each worker but the caller, who goes on, and comes back to ``wait()`` before anything else.
    public func start(_ body: @escaping (Int) -> Void) {
        for worker in crew {
            worker.body = body
            worker.begin.signal()
        }
    }

    /// Waits for what was started.
    public func wait() { for worker in crew { worker.end.wait() } }

    /// Waits until every worker of the current run has come here; what each wrote before, all see after.
    public func barrier() {
        if count > 1 { unsafe pthread_barrier_wait(meeting) }
    }

    /// One worker's part of `0..<total`: contiguous, and the same for the same arguments.
    public func share(of total: Int, for worker: Int) -> Range<Int> {
        total * worker / count..<total * (worker + 1) / count
    }
}

/// One thread's mailbox.
private final class Worker {
    let begin = Semaphore()
    let end = Semaphore()
    /// The work at hand; none when the thread is told to leave.
    var body: ((Int) -> Void)?

    func serve(as index: Int) {
        var isServing = true
        while isServing {
            begin.wait()
            isServing = work(as: index)
            end.signal()
        }
    }

    /// Runs the work at hand and lets go of it, before the caller is told that it is done.
    private func work(as index: Int) -> Bool {
        guard let body = body.take() else { return false }
        body(index)
        return true
    }
}

// The two semaphores hand `body` back and forth: only one side touches it between them.
extension Worker: @unchecked Sendable {}
