/// Turns logits into probabilities that do not exclude each other, and measures their cross-entropy against the truth.
///
/// The loss is −Σ t·ln p + (1 − t)·ln(1 − p), taken from the logits, so that it is finite whenever they are.
struct LogisticLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let truth: LaneTensor<Scalar>

    /// - Returns: the sum of the losses of all images; 0 without a truth.
    func forward(hasTruth: Bool) -> Double {
        var loss = 0.0
        for block in 0..<input.blocks {
            var losses = Lanes()
            for element in 0..<input.shape.count {
                let logit = input[block, element]
                output[block, element] = Activation.logistic.value(at: logit)
                guard hasTruth else { continue }
                let size = logit.below(0, -logit, logit)
                losses += logit.below(0, .zero, logit) - logit * truth[block, element]
                losses += size.mapLanes { .logarithm(1 + .exponential(-$0)) }
            }
            loss += Double((losses * input.mask(block)).sum())
        }
        return loss
    }

    /// Adds to what later layers ask of the probabilities what the own loss asks of the logits: t − p.
    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, hasTruth: Bool) {
        for block in 0..<input.blocks {
            for element in 0..<input.shape.count {
                let probability = output[block, element]
                var sum = delta[block, element] * Activation.logistic.slope(at: probability)
                if hasTruth { sum += truth[block, element] - probability }
                inputDelta[block, element] = sum * input.mask(block)
            }
        }
    }
}
