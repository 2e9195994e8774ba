import Glibc
import PliniusMirror
import PliniusNN
import PliniusWire
import _PliniusSupport

/// Measures how well a network predicts a sealed data set.
enum Evaluator {
    /// Predicts every record of `data` once, in order.
    ///
    /// The class with the greatest output wins, the first of equals. The loss is the mean of -ln of the right class's probability.
    /// - Throws: what opening the records threw.
    static func evaluate(_ executor: any Executor, on data: DatasetUnion, iteration: UInt64) throws(DatasetError)
        -> Evaluation
    {
        let pass = DatasetPass(executor, over: data)
        let start = monotonicNanoseconds()
        var correct = 0
        var loss = 0.0
        while !pass.isOver {
            let records = try pass.advance()
            let truth = unsafe Span(_unsafeElements: UnsafeBufferPointer(pass.buffer.truth.floats))
            executor.withOutput { output in
                for image in 0..<records.count {
                    let row = image * data.classes
                    var best = 0
                    var label = 0
                    for other in 0..<data.classes {
                        if output[row + other] > output[row + best] { best = other }
                        if truth[row + other] == 1 { label = other }
                    }
                    if best == label { correct += 1 }
                    loss -= Double(logf(max(output[row + label], .leastNormalMagnitude)))
                }
            }
        }
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        var evaluation = Evaluation()
        evaluation.iteration = iteration
        evaluation.accuracy = Float(Double(correct) / Double(data.count))
        evaluation.count = UInt64(data.count)
        evaluation.correct = UInt64(correct)
        evaluation.loss = Float(loss / Double(data.count))
        evaluation.imagesPerSecond = Float(Double(data.count) / seconds)
        return evaluation
    }
}
