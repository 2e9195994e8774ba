import Glibc
import PliniusMirror
import PliniusNN
import PliniusWire
import _PliniusSupport

/// Measures how well a network predicts a sealed data set.
struct Evaluator {
    let executor: any Executor
    let network: NetworkDescription
    let task: ModelTask

    /// Predicts every sample of `data` once, in order, and judges what comes out by what the task asks for.
    /// - Parameter data: With its truth in the plain form.
    /// - Throws: what opening the records threw.
    func evaluate(on data: DatasetUnion, iteration: UInt64) throws(DatasetError) -> Evaluation {
        var evaluation = Evaluation()
        evaluation.iteration = iteration
        evaluation.task = task
        evaluation.count = UInt64(data.count)
        let start = monotonicNanoseconds()
        switch task {
        case .classify, .segment, .sequence: evaluation.setClasses(try countClasses(data))
        case .detect: evaluation.setBoxes(try judgeBoxes(data))
        case .regress: evaluation.setTargets(try sumErrors(data))
        }
        let seconds = Double(monotonicNanoseconds() - start) / 1e9
        evaluation.imagesPerSecond = Float(Double(data.count) / seconds)
        return evaluation
    }

    /// Goes through the data; of a mini-batch `body` gets the samples' indices and rows, the truth, and where that of a row begins.
    private func forEachBatch(
        _ data: DatasetUnion, _ body: (_ samples: [(index: Int, row: Int)], _ truth: Span<Float>) -> Void
    ) throws(DatasetError) {
        let pass = DatasetPass(executor, timeSteps: network.options.timeSteps, over: data)
        while !pass.isOver {
            let records = try pass.advance()
            let samples = records.map { (index: $0, row: pass.row($0 - records.lowerBound)) }
            body(samples, unsafe Span(_unsafeElements: UnsafeBufferPointer(pass.buffer.truth.floats)))
        }
    }

    private func countClasses(_ data: DatasetUnion) throws(DatasetError) -> ClassCounts {
        let isSegment = task == .segment
        // Pixels, and what an image puts out: of `[iseg]` there is more than the classes.
        let area = isSegment ? data.truthCount / data.classes : 1
        var counts = ClassCounts(
            classes: data.classes, top: isSegment ? 1 : 5, hasNone: isSegment && !network.alwaysNamesAClass)
        try forEachBatch(data) { samples, truth in
            executor.withOutput { output in
                let width = output.count / executor.miniBatch
                for (_, row) in samples {
                    for pixel in 0..<area {
                        counts.add(
                            output, at: row * width + pixel, truth, at: row * data.truthCount + pixel, stride: area)
                    }
                }
            }
        }
        return counts
    }

    private func judgeBoxes(_ data: DatasetUnion) throws(DatasetError) -> BoxFigures {
        var judge = BoxJudge()
        try forEachBatch(data) { samples, truth in
            var found: [[Detection]] = Array(repeating: [], count: executor.miniBatch)
            for head in executor.predictingLayers {
                let layer = network.layers[head]
                executor.withOutput(ofLayer: head) { output in
                    for (_, row) in samples {
                        let own = output.extracting(row * layer.output.count..<(row + 1) * layer.output.count)
                        found[row] += layer.detections(in: own, threshold: BoxJudge.leastScore)
                    }
                }
            }
            for (index, row) in samples {
                judge.add(
                    image: index, found[row], truth, at: row * data.truthCount, most: data.truthCount / 5)
            }
        }
        return judge.figures
    }

    private func sumErrors(_ data: DatasetUnion) throws(DatasetError) -> TargetErrors {
        var errors = TargetErrors(targets: data.truthCount)
        try forEachBatch(data) { samples, truth in
            executor.withOutput { output in
                for (_, row) in samples { errors.add(output, truth, at: row * data.truthCount) }
            }
        }
        return errors
    }
}

// The figures in the words of the wire, each with the score of its task.

extension Evaluation {
    fileprivate mutating func setClasses(_ counts: ClassCounts) {
        var figures = Classes()
        figures.classes = UInt32(counts.classes)
        figures.hasNone = counts.hasNone
        figures.count = UInt64(counts.count)
        figures.correct = UInt64(counts.correct)
        figures.top = UInt32(counts.top)
        figures.topCorrect = UInt64(counts.topCorrect)
        figures.loss = Float(counts.loss / Double(max(counts.labelled, 1)))
        figures.confusion = counts.confusion
        classes = figures
        score =
            switch task {
            case .segment: Float(counts.meanOverlap)
            case .sequence: -exp(figures.loss)
            default: Float(counts.correct) / Float(max(counts.count, 1))
            }
    }

    fileprivate mutating func setBoxes(_ found: BoxFigures) {
        var figures = Boxes()
        figures.averagePrecision = Float(found.averagePrecision)
        figures.elevenPoints = Float(found.elevenPoints)
        figures.coco = Float(found.coco)
        figures.truths = UInt64(found.truths)
        figures.found = UInt64(found.found)
        figures.hits = UInt64(found.hits)
        figures.overlap = Float(found.overlap)
        if found.classes.count <= Self.maximumListCount {
            figures.classes = found.classes.map { found in
                var figure = Boxes.Class()
                figure.index = UInt32(found.index)
                figure.truths = UInt64(found.truths)
                figure.averagePrecision = Float(found.averagePrecision)
                return figure
            }
        }
        boxes = figures
        score = figures.averagePrecision
    }

    fileprivate mutating func setTargets(_ errors: TargetErrors) {
        let (samples, numbers) = (Double(errors.count), Double(errors.count * errors.squares.count))
        var figures = Targets()
        figures.squaredError = Float(errors.squares.reduce(0, +) / numbers)
        figures.absoluteError = Float(errors.magnitudes.reduce(0, +) / numbers)
        if errors.squares.count <= Self.maximumListCount {
            figures.targets = errors.squares.indices.map { index in
                var target = Targets.Target()
                target.squaredError = Float(errors.squares[index] / samples)
                target.absoluteError = Float(errors.magnitudes[index] / samples)
                target.variance = Float(errors.spreads[index] / samples)
                return target
            }
        }
        targets = figures
        score = -figures.squaredError.squareRoot()
    }
}
