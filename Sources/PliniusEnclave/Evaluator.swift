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
        // Training may have gone on since the last time.
        executor.parametersDidChange()
        let start = monotonicNanoseconds()
        switch task {
        case .classify, .sequence: evaluation.setClasses(try measure(data, ClassCounts(classes: data.classes, top: 5)))
        case .segment:
            evaluation.setClasses(
                try measure(data, ClassCounts(classes: data.classes, hasNone: !network.alwaysNamesAClass)))
        case .detect: evaluation.setBoxes(try measure(data, BoxJudge()).figures)
        case .regress: evaluation.setTargets(try measure(data, TargetErrors(targets: data.truthCount)))
        }
        evaluation.imagesPerSecond = Float(Double(data.count) * 1e9 / Double(monotonicNanoseconds() - start))
        return evaluation
    }

    private func measure<Measured: Metric>(_ data: DatasetUnion, _ empty: Measured) throws(DatasetError) -> Measured {
        var metric = empty
        let pass = DatasetPass(executor, timeSteps: network.options.timeSteps, over: data)
        while !pass.isOver {
            let samples = try pass.advance()
            metric.add(
                executor, network, samples.map { ($0, pass.row($0 - samples.lowerBound)) },
                truth: unsafe Span(_unsafeElements: UnsafeBufferPointer(pass.buffer.truth.floats)))
        }
        return metric
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
