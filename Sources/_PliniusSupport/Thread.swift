import Glibc

/// Runs a closure on a new, detached thread of the system.
///
/// For the few threads that block on a descriptor or a semaphore, which no cooperative executor should.
public func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
    var thread = pthread_t()
    let status = unsafe pthread_create(
        &thread, nil,
        { argument in
            // The creator gave its reference to this thread.
            if let argument = unsafe argument { unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box)
    precondition(status == 0, "the system refused a thread: errno \(status)")
    pthread_detach(thread)
}

/// A counting semaphore of the system.
@safe
public final class Semaphore {
    private let storage: UnsafeMutablePointer<sem_t>

    /// Starts at zero.
    public init() {
        unsafe storage = .allocate(capacity: 1)
        unsafe sem_init(storage, 0, 0)
    }

    deinit {
        unsafe sem_destroy(storage)
        unsafe storage.deallocate()
    }

    /// Adds one, and wakes a waiter.
    public func signal() {
        unsafe sem_post(storage)
    }

    /// Takes one, waiting until there is one.
    public func wait() {
        while unsafe sem_wait(storage) == -1, errno == EINTR {}
    }
}

// sem_t is made for being shared between threads, and the pointer never changes.
extension Semaphore: @unchecked Sendable {}

/// Nanoseconds since the machine was started; they go on while it sleeps.
public func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
