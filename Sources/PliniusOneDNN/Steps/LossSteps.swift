internal import Glibc
internal import PliniusNN

/// Turns each group of logits into probabilities, and measures their cross-entropy against the truth.
///
/// The loss is −Σ t·ln p, taken from the logits by log-sum-exp, so that it is finite whenever they are; input and output are rows.
final class SoftmaxStep: PlannedStep {
    private let input: Tensor
    let output: Tensor
    private let truth: Tensor
    private let softmax: LayerDescription.Softmax
    private var delta: Region?

    var ownsCost: Bool { !softmax.noLoss }
    var keepsDeltaInPlace: Bool { true }

    private var count: Int { input.layout.shape.count }
    private var images: Int { input.layout.images }

    init(_ softmax: LayerDescription.Softmax, input: Tensor, truth: Tensor, _ memory: MemoryPlan) {
        precondition(input.layout.isRows, "a softmax takes rows")
        self.softmax = softmax
        self.input = input
        self.truth = truth
        output = Tensor(layout: input.layout, region: memory.reserve(floats: input.layout.floatCount))
    }

    func bind(delta: Region, inputDelta: Region?) { self.delta = inputDelta }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        let logits = input.region.values(images * count)
        let probabilities = output.region.values(images * count)
        // The truth of a network is as long as what is compared with it.
        let truth = (ownsCost ? truth : input).region.values(images * count)
        let heat = 1 / softmax.temperature
        let size = count / softmax.groups
        var loss = 0.0
        for start in stride(from: 0, to: images * count, by: size) {
            var greatest = logits[start] * heat
            for element in start..<start + size { greatest = max(greatest, logits[element] * heat) }
            var sum: Float = 0
            for element in start..<start + size {
                let power = expf(logits[element] * heat - greatest)
                probabilities[element] = power
                sum += power
            }
            for element in start..<start + size { probabilities[element] /= sum }
            guard hasTruth, ownsCost else { continue }
            let logSum = greatest + logf(sum)
            for element in start..<start + size {
                loss += Double(truth[element] * (logSum - logits[element] * heat))
            }
        }
        return loss
    }

    /// Adds to what later layers ask of the probabilities what the own loss asks of the logits: (t − p·Σt) / T.
    func backward(_ pass: Pass, hasTruth: Bool) {
        guard let delta = delta?.values(images * count) else { return }
        let probabilities = output.region.values(images * count)
        let truth = (ownsCost ? truth : input).region.values(images * count)
        let heat = 1 / softmax.temperature
        let size = count / softmax.groups
        let ownLoss = hasTruth && ownsCost
        for start in stride(from: 0, to: images * count, by: size) {
            var mean: Float = 0
            var truthSum: Float = 0
            for element in start..<start + size {
                mean += delta[element] * probabilities[element]
                if ownLoss { truthSum += truth[element] }
            }
            for element in start..<start + size {
                var sum = probabilities[element] * (delta[element] - mean)
                if ownLoss { sum += truth[element] - probabilities[element] * truthSum }
                delta[element] = sum * heat
            }
        }
    }
}

/// Measures the distance of its input from the truth, and passes the input on; both are rows.
///
/// As in Darknet, delta is half the gradient of the squared forms and all of that of the others, and only delta is multiplied by
/// the scale.
final class CostStep: PlannedStep {
    let output: Tensor
    private let truth: Tensor
    private let cost: LayerDescription.Cost
    private var delta: Region?

    var ownsCost: Bool { true }
    var keepsDeltaInPlace: Bool { true }

    private var count: Int { output.layout.images * output.layout.shape.count }

    init(_ cost: LayerDescription.Cost, input: Tensor, truth: Tensor) {
        precondition(input.layout.isRows, "a cost takes rows")
        self.cost = cost
        self.truth = truth
        output = input
    }

    func bind(delta: Region, inputDelta: Region?) { self.delta = inputDelta }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        guard hasTruth else { return 0 }
        let values = output.region.values(count)
        let truth = truth.region.values(count)
        return (0..<count).reduce(0.0) { $0 + Double(terms(values[$1], truth[$1]).error) }
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard hasTruth, let delta = delta?.values(count) else { return }
        let values = output.region.values(count)
        let truth = truth.region.values(count)
        for element in 0..<count {
            delta[element] += cost.scale * terms(values[element], truth[element]).delta
        }
    }

    private func terms(_ value: Float, _ truth: Float) -> (error: Float, delta: Float) {
        let difference = truth - value
        let sign: Float = difference > 0 ? 1 : -1
        switch cost.form {
        case .sse, .seg: return (difference * difference, difference)
        // −1234 in the truth says that nothing is known of this element.
        case .masked: return truth == -1234 ? (0, 0) : (difference * difference, difference)
        case .l1: return (abs(difference), sign)
        case .smooth:
            let size = abs(difference)
            return size < 1 ? (difference * difference, difference) : (2 * size - 1, sign)
        case .wgan: return truth > 0 ? (-value, 1) : (value, -1)
        }
    }
}
