/// Turns each group of logits into probabilities, and measures their cross-entropy against the truth.
///
/// The loss is −Σ t·ln p, taken from the logits by log-sum-exp, so that it is finite whenever they are. In a tree of classes a truth
/// is one of all its ancestors as well; groups in which nothing is true have no loss, be it that the truth says so by −1234. Training
/// predicts each class given its parent; inference multiplies up to the top, and leaves nothing to classes that have children.
struct SoftmaxLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let truth: LaneTensor<Scalar>
    let softmax: LayerDescription.Softmax
    /// The truth of all classes of a tree; nil without one.
    let ancestors: LaneTensor<Scalar>?
    let isStrict: Bool

    private var groups: Int { softmax.tree?.groups.count ?? (softmax.isSpatial ? input.shape.area : softmax.groups) }

    /// The elements of a group.
    private func elements(of group: Int) -> StrideTo<Int> {
        if let group = softmax.tree?.groups[group] {
            return stride(from: group.lowerBound, to: group.upperBound, by: 1)
        }
        if softmax.isSpatial { return stride(from: group, to: input.shape.count, by: input.shape.area) }
        let size = input.shape.count / softmax.groups
        return stride(from: group * size, to: (group + 1) * size, by: 1)
    }

    /// Makes each class of a tree as true as its children together.
    private func climb(_ tree: ClassTree, _ target: LaneTensor<Scalar>, _ block: Int) {
        for element in tree.parents.indices {
            target[block, element] = truth[block, element].below(0, .zero, truth[block, element])
        }
        // Children stand behind their parents.
        for group in tree.groups.reversed() {
            let parent = tree.parents[group.lowerBound]
            guard parent >= 0 else { continue }
            var sum = Lanes()
            for element in group { sum += target[block, element] }
            target[block, parent] = Scalar.greater(target[block, parent], sum)
        }
        guard isStrict else { return }
        // Darknet says so where nothing is true, and then forgets that it did.
        for group in tree.groups {
            var sum = Lanes()
            for element in group { sum += target[block, element] }
            for element in group { target[block, element] = sum.above(0, target[block, element], -1234 * .one) }
        }
    }

    /// Makes the probabilities of a tree's classes given their parents those of its leaves.
    private func descend(_ tree: ClassTree, _ block: Int) {
        for (element, parent) in tree.parents.enumerated() where parent >= 0 {
            output[block, element] *= output[block, parent]
        }
        for parent in tree.parents where parent >= 0 { output[block, parent] = Lanes() }
    }

    /// - Returns: the sum of the losses of all images; 0 without a truth.
    func forward(_ mode: Pass.Mode, hasTruth: Bool) -> Double {
        let heat = 1 / Scalar(softmax.temperature)
        var loss = 0.0
        let truth = ancestors ?? truth
        for block in 0..<input.blocks {
            if hasTruth, !softmax.noLoss, let tree = softmax.tree { climb(tree, truth, block) }
            for group in 0..<groups {
                let elements = elements(of: group)
                var greatest = Lanes(repeating: -.infinity)
                for element in elements {
                    let logit = input[block, element] * heat
                    greatest = Scalar.greater(greatest, logit)
                }
                var sum = Lanes()
                for element in elements {
                    let power = (input[block, element] * heat - greatest).mapLanes(Scalar.exponential)
                    output[block, element] = power
                    sum += power
                }
                for element in elements { output[block, element] /= sum }
                guard hasTruth, !softmax.noLoss else { continue }
                let logSum = greatest + sum.mapLanes(Scalar.logarithm)
                var losses = Lanes()
                for element in elements {
                    // To Darknet the truth is but a flag here.
                    let weight = truth[block, element]
                    losses +=
                        (isStrict ? weight.below(0, .one, weight.above(0, .one, .zero)) : weight)
                        * (logSum - input[block, element] * heat)
                }
                loss += Double((losses * input.mask(block)).sum())
            }
            if mode == .inference, let tree = softmax.tree { descend(tree, block) }
        }
        return loss
    }

    /// Adds to what later layers ask of the probabilities what the own loss asks of the logits: (t − p·Σt) / T.
    ///
    /// Darknet hands the former down as they are, and has t − p for the latter.
    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, hasTruth: Bool) {
        let heat = 1 / Scalar(softmax.temperature)
        let ownLoss = hasTruth && !softmax.noLoss
        let truth = ancestors ?? truth
        for block in 0..<input.blocks {
            let mask = input.mask(block) * (isStrict ? 1 : heat)
            for group in 0..<groups {
                let elements = elements(of: group)
                var mean = Lanes()
                var truthSum = Lanes()
                for element in elements {
                    mean += delta[block, element] * output[block, element]
                    if ownLoss { truthSum += truth[block, element] }
                }
                for element in elements {
                    let probability = output[block, element]
                    var sum = isStrict ? delta[block, element] : probability * (delta[block, element] - mean)
                    if ownLoss { sum += truth[block, element] - (isStrict ? probability : probability * truthSum) }
                    inputDelta[block, element] = sum * mask
                }
            }
        }
    }
}

/// Measures the distance of its input from the truth, and passes the input on.
///
/// As in Darknet, delta is half the gradient of the squared forms (`sse`, `masked`, `seg`, `smooth`) and all of that of the
/// others, and only delta is multiplied by the scale. The truth itself stays as it is, for other losses that smooth it or not.
struct CostLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let truth: LaneTensor<Scalar>
    let cost: LayerDescription.Cost
    /// Whether `smooth` draws the wrong way where the error is large, as in Darknet on processors.
    let isStrict: Bool

    /// - Returns: the sum of the errors of all images; 0 without a truth.
    func forward(hasTruth: Bool) -> Double {
        guard hasTruth else { return 0 }
        var error = 0.0
        for block in 0..<input.blocks {
            var sum = Lanes()
            for element in 0..<input.shape.count { sum += terms(block, element).error }
            error += Double((sum * input.mask(block)).sum())
        }
        return error
    }

    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, hasTruth: Bool) {
        let scale = hasTruth ? Scalar(cost.scale) : 0
        for block in 0..<input.blocks {
            let factor = input.mask(block) * scale
            for element in 0..<input.shape.count {
                inputDelta[block, element] = delta[block, element] + factor * terms(block, element).delta
            }
        }
    }

    private func terms(_ block: Int, _ element: Int) -> (error: Lanes, delta: Lanes) {
        var (error, delta) = distance(block, element)
        if cost.backgroundScale != 1 {
            let background = Scalar(cost.backgroundScale) * Lanes.one
            let truth = smoothedTruth(block, element)
            let factor = truth.below(0, .one, truth.above(0, .one, background))
            (error, delta) = (error * factor, delta * factor)
        }
        let limit = Scalar(cost.threshold) / Scalar(input.shape.count)
        if limit > 0 { delta = delta.below(limit, delta.above(-limit, .zero, delta), delta) }
        return (error, delta)
    }

    private func smoothedTruth(_ block: Int, _ element: Int) -> Lanes {
        let truth = truth[block, element]
        if cost.smoothing == 0 { return truth }
        let smoothing = Scalar(cost.smoothing)
        return truth * (1 - smoothing) + smoothing / Scalar(input.shape.count)
    }

    @inline(__always) private func distance(_ block: Int, _ element: Int) -> (error: Lanes, delta: Lanes) {
        let value = input[block, element]
        let given = truth[block, element]
        let truth = smoothedTruth(block, element)
        let difference = truth - value
        switch cost.form {
        case .sse, .seg: return (difference * difference, difference)
        case .masked:
            // −1234 in the truth says that nothing is known of this element.
            let known = given.below(-1234, difference, given.above(-1234, difference, .zero))
            return (known * known, known)
        case .l1: return (absolute(difference), sign(difference))
        case .smooth:
            let size = absolute(difference)
            let far = isStrict ? -sign(difference) : sign(difference)
            return (size.below(1, difference * difference, 2 * size - 1), size.below(1, difference, far))
        case .wgan: return (truth.above(0, -value, value), sign(truth))
        }
    }

    @inline(__always) private func absolute(_ x: Lanes) -> Lanes { x.below(0, -x, x) }

    /// 1 where positive, −1 elsewhere.
    @inline(__always) private func sign(_ x: Lanes) -> Lanes { x.above(0, .one, -.one) }
}
