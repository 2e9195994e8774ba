import Glibc
import Synchronization
import _PliniusSupport

/// Threads of the system that a test waits for, though not for ever.
final class Crew: Sendable {
    private let started = Atomic(0)
    private let finished = Atomic(0)

    func start(_ body: @escaping @Sendable () -> Void) {
        started.add(1, ordering: .relaxed)
        startThread { [self] in
            body()
            finished.add(1, ordering: .releasing)
        }
    }

    /// Whether all come to their end; what they wrote is then seen.
    func ends() -> Bool {
        Crew.comes { finished.load(ordering: .acquiring) == started.load(ordering: .relaxed) }
    }

    /// Whether something comes true before half a minute is over.
    static func comes(_ condition: () -> Bool) -> Bool {
        for _ in 0..<300_000 {
            if condition() { return true }
            usleep(100)
        }
        return false
    }
}

/// What several threads touch and only the thing under test guards: the thread sanitizer sees every slip.
final class Guarded<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

/// Whether `body` allocates anything small, even for an instant; for a process in which no other thread works meanwhile.
///
/// The C library keeps a few freed chunks of each size aside for the thread, and counts them as used. When none is there to be
/// taken again, every allocation shows for ever. Nothing where the library does not say what is used.
func allocates(_ body: () -> Void) -> Bool? {
    let held = stride(from: 16, through: 1024, by: 16).flatMap { size in (0..<16).map { _ in malloc(size) } }
    defer { for chunk in held { free(chunk) } }
    let before = usedBytes()
    body()
    return usedBytes().flatMap { after in before.map { $0 != after } }
}

/// What malloc has given out.
private func usedBytes() -> Int? {
    #if arch(x86_64)
        // Its header is not imported. The ABI passes the address for a structure that is returned like a first argument.
        typealias Mallinfo2 = @convention(c) (UnsafeMutablePointer<Int>?) -> UnsafeMutablePointer<Int>?
        guard let symbol = dlsym(nil, "mallinfo2") else { return nil }
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: 10) { fields in
            fields.initialize(repeating: 0)
            _ = unsafeBitCast(symbol, to: Mallinfo2.self)(fields.baseAddress)
            let used = fields[7]
            // The thread sanitizer's own malloc says nothing.
            return used == 0 ? nil : used
        }
    #else
        return nil
    #endif
}
