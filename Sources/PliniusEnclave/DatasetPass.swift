import PliniusMirror
import PliniusNN
import _PliniusSupport

/// Has a network infer from a whole data set, one mini-batch after the other.
final class DatasetPass {
    private let executor: any Executor
    private let data: DatasetUnion
    /// The images and the truth of the mini-batch that was last inferred from.
    let buffer: BatchPrefetcher.Buffer
    private var next = 0

    /// Stands before the first record.
    init(_ executor: any Executor, over data: DatasetUnion) {
        self.executor = executor
        self.data = data
        buffer = BatchPrefetcher.Buffer(batch: executor.miniBatch, of: data)
    }

    /// Whether it stands behind the last record.
    var isOver: Bool { next == data.count }

    /// Infers from the next records, in order; the executor's first outputs are theirs.
    /// - Returns: which records.
    /// - Throws: what opening them threw.
    func advance() throws(DatasetError) -> Range<Int> {
        let records = next..<min(next + executor.miniBatch, data.count)
        // The last mini-batch repeats its last record to be full.
        let indices = (0..<executor.miniBatch).map { min(records.lowerBound + $0, records.upperBound - 1) }
        try unsafe data.openBatch(indices: indices, images: buffer.images.floats, truth: buffer.truth.floats)
        executor.load(
            images: unsafe Span(_unsafeElements: UnsafeBufferPointer(buffer.images.floats)), truth: Span())
        _ = executor.forward(Pass(mode: .inference))
        next = records.upperBound
        return records
    }
}
