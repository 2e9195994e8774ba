import PliniusMedia
import Synchronization
import _PliniusSupport

extension Mirror {
    /// Calls `body` for each chunk, with what its tag binds, on all workers at a time, and waits for them.
    ///
    /// Whoever is done with a chunk takes the next one, so all end together, however late one was woken. What becomes of a chunk depends on
    /// its number alone, and so the pool's bytes are the same for any number of workers. Where `body` says `false`, no later chunk is begun;
    /// those before it have been, and are finished.
    /// - Returns: The first chunk for which it did; the end of `chunks` if there was none.
    func forEachChunk(
        in chunks: Range<Int>, of slot: Slot, iteration: UInt64,
        _ body: @escaping (_ chunk: Int, _ worker: Int) -> Bool
    ) -> Int {
        let next = Atomic(chunks.lowerBound)
        let end = Atomic(chunks.upperBound)
        pool.run { [self] worker in
            let context = contexts[worker]
            context.begin(slot, iteration: iteration)
            while case let chunk = next.wrappingAdd(1, ordering: .relaxed).oldValue,
                chunk < end.load(ordering: .relaxed)
            {
                context.move(to: chunk)
                if !body(chunk, worker) { end.min(chunk, ordering: .relaxed) }
            }
            // The commit's fence is the caller's, and waits for nobody else's write-backs.
            if worker > 0 { extent.settle() }
        }
        return end.load(ordering: .relaxed)
    }
}
