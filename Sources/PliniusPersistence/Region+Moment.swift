import Glibc
import Synchronization

extension Region {
    /// How often a reader begins again before it says that a writer is in its way.
    private static let attempts = 20

    /// Reads from a pool that another process may be storing to, and begins again if what was read is not of one moment.
    ///
    /// A checkpoint and a growth write a header, a commit by flips changes the state word: if neither changed, what was read is what a
    /// recovery at that time would have found. Twin copies come back to the same state after every commit and do not tell. Where this
    /// process may store, it is the only writer, and `read` is called once.
    ///
    /// - Throws: `.inUse` if a writer was faster every time; else what `read` throws.
    package func ofOneMoment<Value>(_ read: () throws(PersistenceError) -> Value) throws(PersistenceError) -> Value {
        if isWritable { return try read() }
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(1000) }
            let before = marks
            let result: Result<Value, PersistenceError>
            do throws(PersistenceError) { result = .success(try read()) } catch { result = .failure(error) }
            if marks == before { return try result.get() }
        }
        throw PersistenceError(
            .inUse,
            "Another process is at work on the pool: it was changed each of the \(Self.attempts) times that it was read. "
                + "Wait until the other process is done, or stop it.")
    }

    /// What every change that a reader could mistake changes: both headers and the state word.
    private var marks: [UInt8] {
        // In the order of the program: whatever was read before is no newer than the marks, whatever is read after no older.
        atomicMemoryFence(ordering: .acquiring)
        defer { atomicMemoryFence(ordering: .acquiring) }
        let places = [0, Heap.pageBytes].map { $0..<$0 + PoolHeader.copyBytes }
        let state = PoolHeader.stateOffset..<PoolHeader.stateOffset + 8
        return (places + [state]).filter { $0.upperBound <= byteCount }.flatMap { self.read($0) }
    }
}
