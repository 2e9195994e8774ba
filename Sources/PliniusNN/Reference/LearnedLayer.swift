/// A layer that learns: a weighted sum, batch normalisation or a bias, and an activation.
final class LearnedLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    /// The weighted sums; the output's own memory where no normalisation needs them later.
    private let sums: LaneTensor<Scalar>
    let parameters: LayerParameters<Scalar>
    private let normalization: BatchNormalization<Scalar>?
    private let activation: Activation
    /// Whether a channel has one bias; the sums hold the biases already where each position has its own.
    private let hasSharedBiases: Bool
    private let sum: WeightedSum<Scalar>
    /// Whether it leaves some of its input's deltas as they are.
    var leavesDeltas: Bool { if case .convolution(let sum) = sum { sum.flat != nil } else { false } }

    init(
        _ sum: WeightedSum<Scalar>, shape: Shape, activation: Activation, batchNormalize: Bool, isStrict: Bool,
        input: LaneTensor<Scalar>, parameters: LayerParameters<Scalar>, memory: BufferMemory
    ) {
        self.input = input
        output = memory.tensor(of: Scalar.self, shape, images: input.images)
        self.parameters = parameters
        self.activation = activation
        self.sum = sum
        hasSharedBiases = if case .local = sum { false } else { true }
        if batchNormalize {
            if case .input = sum {
                sums = input
            } else {
                sums = memory.tensor(of: Scalar.self, shape, images: input.images)
            }
            normalization = BatchNormalization(
                scales: parameters[.scales], biases: parameters[.biases], rollingMean: parameters[.rollingMean],
                rollingVariance: parameters[.rollingVariance], scaleMomentum: parameters[.scaleMomentum],
                biasMomentum: parameters[.biasMomentum],
                means: memory.buffer(of: Scalar.self, count: shape.channels),
                deviations: memory.buffer(of: Scalar.self, count: shape.channels), input: sums, isStrict: isStrict)
        } else {
            sums = output
            normalization = nil
        }
    }

    /// - Parameter packs: whether the weights are yet to be packed: another layer of the same weights may have done it.
    func forward(_ mode: Pass.Mode, packs: Bool = true, _ worker: PassWorker) {
        sum.forward(from: input, to: sums, parameters, packs: packs, worker)
        for channel in worker.share(of: output.shape.channels) {
            var factor: Scalar = 1
            var mean: Scalar = 0
            if let normalization {
                if mode == .training {
                    normalization.train(channel: channel)
                } else {
                    normalization.infer(channel: channel)
                }
                factor = normalization.factor(of: channel)
                mean = normalization.means[channel]
            }
            let bias = hasSharedBiases ? parameters[.biases][channel] : 0
            for block in 0..<output.blocks {
                let source = sums.plane(block, channel)
                let target = output.plane(block, channel)
                for position in 0..<target.count {
                    target[position] = activation.value(at: (source[position] - mean) * factor + bias)
                }
            }
        }
    }

    /// Adds the gradients of the parameters to their momentum; `delta` is the output's and is consumed.
    func backward(
        delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>?, packs: Bool = true, _ worker: PassWorker
    ) {
        for channel in worker.share(of: output.shape.channels) {
            for block in 0..<delta.blocks {
                let plane = delta.plane(block, channel)
                let values = output.plane(block, channel)
                for position in 0..<plane.count { plane[position] *= activation.slope(at: values[position]) }
            }
            if let normalization {
                normalization.backward(channel: channel, delta: delta)
            } else if hasSharedBiases {
                for block in 0..<delta.blocks {
                    let plane = delta.plane(block, channel)
                    parameters[.biasMomentum][channel] += Scalar(plane.total { plane[$0] })
                }
            }
        }
        sum.backward(input: input, delta: delta, inputDelta: inputDelta, parameters, packs: packs, worker)
    }
}
