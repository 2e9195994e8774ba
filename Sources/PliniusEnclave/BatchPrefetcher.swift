import PliniusMirror
import PliniusNN
import Synchronization
import _PliniusSupport

/// Opens the batch of the next iteration while this one computes.
///
/// Two buffers take turns: the training loop reads one, workers fill the other. Which records a batch holds, and what is done to
/// them, follows from the iteration alone, so a batch that was opened ahead and never used costs nothing and loses nothing, and
/// any number of workers makes the same one.
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

    /// Starts `workers` on the batch of `firstIteration`.
    /// - Parameter seed: Of the run.
    init(data: DatasetUnion, sampler: BatchSampler, seed: UInt64, workers: Int, firstIteration: UInt64) {
        buffers = (0..<2).map { _ in Buffer(batch: sampler.batch, of: data) }
        startThread { [self] in work(data: data, sampler: sampler, seed: seed, workers: workers) }
        request(firstIteration)
    }

    /// Ends the workers; the object must not be used afterwards.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        requested.signal()
    }

    /// Waits for the batch of `iteration` and sets the workers to the one after it.
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

    private func work(data: DatasetUnion, sampler: BatchSampler, seed: UInt64, workers: Int) {
        let pool = WorkerPool(count: workers)
        let crew = Crew(data: data, sampler: sampler, seed: seed, workers: workers)
        let share: (Int) -> Void = { crew.open(pool.share(of: sampler.batch, for: $0), as: $0) }
        while true {
            requested.wait()
            let (iteration, isCancelled) = state.withLock { ($0.request, $0.isCancelled) }
            guard !isCancelled, let iteration else { return }
            let start = monotonicNanoseconds()
            // The loop does not look at this buffer before `finished`, see `take`.
            crew.begin(iteration, into: buffer(of: iteration))
            pool.run(share)
            let outcome = crew.failure.map(Outcome.failed) ?? .opened(monotonicNanoseconds() - start)
            state.withLock { $0.outcome = outcome }
            finished.signal()
        }
    }
}

/// Those who open parts of a batch at the same time.
private final class Crew {
    private let data: DatasetUnion
    private let sampler: BatchSampler
    private let stream: RandomStream
    private let readers: [SampleReader]
    private var indices: [Int]
    private var iteration: UInt64 = 0
    private var buffer: BatchPrefetcher.Buffer?
    /// By worker, and so by place in the batch.
    private let failures: Mutex<[DatasetError?]>

    init(data: DatasetUnion, sampler: BatchSampler, seed: UInt64, workers: Int) {
        self.data = data
        self.sampler = sampler
        stream = RandomStream(seed: seed, purpose: .augmentation)
        readers = (0..<workers).map { _ in SampleReader(data) }
        indices = [Int](repeating: 0, count: sampler.batch)
        failures = Mutex([DatasetError?](repeating: nil, count: workers))
    }

    /// What is wrong with the first bad record of the batch.
    var failure: DatasetError? { failures.withLock { $0.lazy.compactMap(\.self).first } }

    func begin(_ iteration: UInt64, into buffer: BatchPrefetcher.Buffer) {
        self.iteration = iteration
        self.buffer = buffer
        sampler.fill(iteration: iteration, into: &indices)
    }

    /// Opens part of the batch; parts in the order of the workers are the batch.
    func open(_ places: Range<Int>, as worker: Int) {
        guard let buffer else { return }
        do throws(DatasetError) {
            try unsafe readers[worker].openBatch(
                indices, places, images: buffer.images.floats, truth: buffer.truth.floats
            ) { place in data.draw(from: stream, iteration: iteration, place: place) }
        } catch { failures.withLock { $0[worker] = error } }
    }
}
