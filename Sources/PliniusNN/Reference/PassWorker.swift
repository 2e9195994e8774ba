internal import _PliniusSupport

/// One worker's place in a pass: all workers run through all layers, each doing its share, and meet between.
///
/// Work is split by what is written, never by what is summed, so that the bits do not even depend on the number of workers.
struct PassWorker {
    let index: Int
    let pool: WorkerPool

    /// This worker's part of `0..<total`.
    func share(of total: Int) -> Range<Int> { pool.share(of: total, for: index) }

    /// Waits for the others, and makes visible what each has written.
    func meet() { pool.barrier() }

    /// Whether this worker does what is too small to be split.
    var isFirst: Bool { index == 0 }
}
