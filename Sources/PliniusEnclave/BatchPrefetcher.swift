import PliniusMirror
import PliniusNN
import Synchronization
import _PliniusSupport

/// Opens the batch of the next iteration while this one computes.
///
/// Two buffers take turns: the training loop reads one, the worker fills the other. Which records a batch holds follows from the
/// iteration alone, so a batch that was opened ahead and never used costs nothing and loses nothing.
final class BatchPrefetcher: Sendable {
    /// Plaintext of one batch, in private memory.
    final class Buffer: Sendable {
        /// (batch, channels, height, width), pixels / 255.
        let images: PrivateMemory
        /// (batch, `data.truthCount`), in the form of the data.
        let truth: PrivateMemory

        init(batch: Int, of data: DatasetUnion) {
            images = PrivateMemory(byteCount: batch * data.imageCount * MemoryLayout<Float>.size)
            truth = PrivateMemory(byteCount: batch * data.truthCount * MemoryLayout<Float>.size)
        }
    }

    /// A batch that is ready, and what it cost.
    struct Opened {
        let buffer: Buffer
        let nanoseconds: UInt64
    }

    private enum Outcome {
        case opened(UInt64)
        case failed(DatasetError)
    }

    private struct State {
        /// The iteration whose batch is wanted.
        var request: UInt64?
        var outcome: Outcome?
        var isCancelled = false
    }

    private let buffers: [Buffer]
    private let state = Mutex(State())
    private let requested = Semaphore()
    private let finished = Semaphore()

    /// Starts the worker on the batch of `firstIteration`.
    init(data: DatasetUnion, sampler: BatchSampler, batch: Int, firstIteration: UInt64) {
        buffers = (0..<2).map { _ in Buffer(batch: batch, of: data) }
        startThread { [self] in work(data: data, sampler: sampler) }
        request(firstIteration)
    }

    /// Ends the worker; the object must not be used afterwards.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        requested.signal()
    }

    /// Waits for the batch of `iteration` and sets the worker to the one after it.
    ///
    /// The buffer is the caller's until the next call.
    /// - Throws: what opening the records threw.
    func take(_ iteration: UInt64, isLast: Bool) throws(DatasetError) -> Opened {
        finished.wait()
        let outcome = state.withLock { state in
            defer { state.outcome = nil }
            return state.outcome
        }
        switch outcome {
        case .opened(let nanoseconds):
            if !isLast { request(iteration + 1) }
            return Opened(buffer: buffer(of: iteration), nanoseconds: nanoseconds)
        case .failed(let error): throw error
        case nil: preconditionFailure("a batch was taken that nobody asked for")
        }
    }

    private func request(_ iteration: UInt64) {
        state.withLock { $0.request = iteration }
        requested.signal()
    }

    private func buffer(of iteration: UInt64) -> Buffer { buffers[Int(iteration % 2)] }

    private func work(data: DatasetUnion, sampler: BatchSampler) {
        var indices = [Int](repeating: 0, count: sampler.batch)
        while true {
            requested.wait()
            let (iteration, isCancelled) = state.withLock { ($0.request, $0.isCancelled) }
            guard !isCancelled, let iteration else { return }
            let start = monotonicNanoseconds()
            sampler.fill(iteration: iteration, into: &indices)
            let outcome: Outcome
            do throws(DatasetError) {
                let buffer = buffer(of: iteration)
                // The loop does not look at this buffer before `finished`, see `take`.
                try unsafe data.openBatch(indices: indices, images: buffer.images.floats, truth: buffer.truth.floats)
                outcome = .opened(monotonicNanoseconds() - start)
            } catch { outcome = .failed(error) }
            state.withLock { $0.outcome = outcome }
            finished.signal()
        }
    }
}
