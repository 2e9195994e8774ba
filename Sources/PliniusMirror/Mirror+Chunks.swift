import PliniusMedia
import PliniusSealing
import Synchronization
import _PliniusSupport

/// What is done to the chunks of a slot.
struct ChunkJob {
    /// From the arena into the slot; else the other way round.
    let isSealing: Bool
    let slot: Slot
    let iteration: UInt64
    let arena: PrivateMemory
    let key: SealingKey
    /// The nonce of the slot's first chunk.
    let first: Nonce
}

extension Mirror {
    /// Seals or opens chunks on all workers at a time, and waits for them; their tags are written to, or read from, ``tags``.
    ///
    /// Whoever is done with a chunk takes the next one, so all end together, however late one was woken. What becomes of a chunk depends on
    /// its number alone, and so the pool's bytes are the same for any number of workers. Where one cannot be opened, no later chunk is begun;
    /// those before it have been, and are finished.
    /// - Returns: The first chunk that cannot be opened; the end of `chunks` if there is none.
    func perform(_ job: ChunkJob, on chunks: Range<Int>) -> Int {
        next.store(chunks.lowerBound, ordering: .relaxed)
        end.store(chunks.upperBound, ordering: .relaxed)
        self.job = job
        if !chunks.isEmpty { pool.run(taking) }
        self.job = nil
        return end.load(ordering: .relaxed)
    }

    /// One worker's part of the job.
    func takeChunks(as worker: Int) {
        guard let job else { return }
        contexts[worker].begin(job.slot, iteration: job.iteration)
        while case let chunk = next.wrappingAdd(1, ordering: .relaxed).oldValue, chunk < end.load(ordering: .relaxed) {
            contexts[worker].move(to: chunk)
            if !finish(chunk, of: job, as: worker) { end.min(chunk, ordering: .relaxed) }
        }
        // The commit's fence is the caller's, and waits for nobody else's write-backs.
        if worker > 0 { extent.settle() }
    }

    /// Seals or opens a chunk; tells whether it could be opened.
    private func finish(_ chunk: Int, of job: ChunkJob, as worker: Int) -> Bool {
        let place = layout.ciphertext(of: chunk, in: job.slot)
        let plaintext = unsafe UnsafeMutableRawBufferPointer(rebasing: job.arena.bytes[layout.plaintext(of: chunk)])
        let tag = unsafe UnsafeMutableRawBufferPointer(
            rebasing: tags.bytes[chunk * MirrorLayout.tagBytes..<(chunk + 1) * MirrorLayout.tagBytes])
        let nonce = Nonce(stream: job.first.stream, counter: job.first.counter &+ UInt64(chunk))
        let context = contexts[worker].bytes
        if job.isSealing {
            let ciphertext = unsafe UnsafeMutableRawBufferPointer(rebasing: stages[worker].bytes[..<plaintext.count])
            unsafe job.key.seal(
                UnsafeRawBufferPointer(plaintext), into: ciphertext, nonce: nonce, authenticating: context
            ).store(into: tag)
            unsafe extent.copy(UnsafeRawBufferPointer(ciphertext), to: place.lowerBound)
            return true
        }
        // The ciphertext is copied to where the plaintext belongs, and opened there: the arena is private, and the copy, unlike the
        // pool, stays what it is between the cipher's two looks at it.
        unsafe extent.read(place, into: plaintext)
        do {
            try unsafe job.key.open(
                UnsafeRawBufferPointer(plaintext), into: plaintext, nonce: nonce, authenticating: context,
                tag: Tag(loading: UnsafeRawBufferPointer(tag)))
            return true
        } catch { return false }
    }
}
