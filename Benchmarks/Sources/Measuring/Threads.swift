import Glibc

/// Runs a closure on so many threads of the system at once, each with its number, and returns what they return.
public func onThreads<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
    let workers = (0..<count).map { number in Worker { body(number) } }
    let threads = workers.map { worker in
        var thread = pthread_t()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<AnyWorker>.fromOpaque(context).takeUnretainedValue().run()
                return nil
            }, Unmanaged<AnyWorker>.passUnretained(worker).toOpaque())
        guard status == 0 else { stop("no thread: \(unsafe String(cString: strerror(status)))") }
        return thread
    }
    return zip(threads, workers).map { thread, worker in
        pthread_join(thread, nil)
        guard let result = worker.result else { stop("a thread ended without its result") }
        return result
    }
}

private class AnyWorker {
    func run() {}
}

private final class Worker<Result>: AnyWorker {
    let body: () -> Result
    /// Set by the thread, read after it was joined.
    var result: Result?

    init(_ body: @escaping () -> Result) { self.body = body }

    override func run() { result = body() }
}
