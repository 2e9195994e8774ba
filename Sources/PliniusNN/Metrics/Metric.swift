/// What is counted or gathered of the predictions for a data set, one mini-batch after the other.
public protocol Metric: Sendable {
    /// Takes what an executor predicted in its last pass.
    /// - Parameters:
    ///   - samples: the samples to look at: a number that no other has, and the row of the mini-batch.
    ///   - truth: (miniBatch, numbers of a sample), in Darknet's layout of what the metric judges.
    mutating func add(
        _ executor: any Executor, _ network: NetworkDescription, _ samples: [(index: Int, row: Int)],
        truth: Span<Float>)
}

extension ClassCounts: Metric {
    public mutating func add(
        _ executor: any Executor, _ network: NetworkDescription, _ samples: [(index: Int, row: Int)],
        truth: Span<Float>
    ) {
        executor.withOutput { output in
            // `[iseg]` puts out more than the classes.
            let (width, truthWidth) = (output.count / executor.miniBatch, truth.count / executor.miniBatch)
            let area = truthWidth / classes
            for (_, row) in samples {
                for pixel in 0..<area {
                    add(output, at: row * width + pixel, truth, at: row * truthWidth + pixel, stride: area)
                }
            }
        }
    }
}

extension BoxJudge: Metric {
    public mutating func add(
        _ executor: any Executor, _ network: NetworkDescription, _ samples: [(index: Int, row: Int)],
        truth: Span<Float>
    ) {
        var found: [[Detection]] = Array(repeating: [], count: executor.miniBatch)
        for head in executor.predictingLayers {
            let layer = network.layers[head]
            executor.withOutput(ofLayer: head) { output in
                for (_, row) in samples {
                    let own = output.extracting(row * layer.output.count..<(row + 1) * layer.output.count)
                    found[row] += layer.detections(in: own, threshold: Self.leastScore)
                }
            }
        }
        let width = truth.count / executor.miniBatch
        for (index, row) in samples { add(image: index, found[row], truth, at: row * width, most: width / 5) }
    }
}

extension TargetErrors: Metric {
    public mutating func add(
        _ executor: any Executor, _ network: NetworkDescription, _ samples: [(index: Int, row: Int)],
        truth: Span<Float>
    ) {
        executor.withOutput { output in
            for (_, row) in samples { add(output, truth, at: row * squares.count) }
        }
    }
}
