import PliniusMirror
import PliniusNN
import _PliniusSupport

/// Has a network infer from a whole data set, one mini-batch after the other.
final class DatasetPass {
    private let executor: any Executor
    private let data: DatasetUnion
    private let timeSteps: Int
    private let reader: SampleReader
    /// The images and the truth of the mini-batch that was last inferred from.
    let buffer: BatchPrefetcher.Buffer
    private var next = 0

    /// Stands before the first sample.
    /// - Parameter timeSteps: The steps of a sequence, which divide the mini-batch; each begins with a state of zeros, as in training.
    init(_ executor: any Executor, timeSteps: Int, over data: DatasetUnion) {
        self.executor = executor
        self.timeSteps = timeSteps
        self.data = data
        reader = SampleReader(data)
        buffer = BatchPrefetcher.Buffer(batch: executor.miniBatch, of: data)
    }

    /// Whether it stands behind the last sample.
    var isOver: Bool { next == data.count }

    /// Infers from the next samples, in order.
    /// - Returns: which samples.
    /// - Throws: what opening their records threw.
    func advance() throws(DatasetError) -> Range<Int> {
        let samples = next..<min(next + executor.miniBatch, data.count)
        var indices = Array(repeating: 0, count: executor.miniBatch)
        // The last mini-batch repeats its last sample to be full.
        for place in indices.indices { indices[row(place)] = min(samples.lowerBound + place, samples.upperBound - 1) }
        try unsafe reader.openBatch(indices, images: buffer.images.floats, truth: buffer.truth.floats) { _ in
            data.fitting
        }
        executor.load(
            images: unsafe Span(_unsafeElements: UnsafeBufferPointer(buffer.images.floats)), truth: Span())
        _ = executor.forward(Pass(mode: .inference))
        next = samples.upperBound
        return samples
    }

    /// The row of the mini-batch that has its `place`-th sample: the first steps of all sequences come first.
    func row(_ place: Int) -> Int {
        let (sequence, step) = place.quotientAndRemainder(dividingBy: timeSteps)
        return step * (executor.miniBatch / timeSteps) + sequence
    }
}
