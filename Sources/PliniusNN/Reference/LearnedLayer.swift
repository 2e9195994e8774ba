/// A convolutional or a connected layer: a weighted sum, batch normalisation or a bias, and an activation.
///
/// A connected layer is a convolution whose kernel covers its whole input: its weights lie in the same order.
final class LearnedLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    /// The weighted sums; the output's own memory where no normalisation needs them later.
    private let sums: LaneTensor<Scalar>
    let parameters: LayerParameters<Scalar>
    private let normalization: BatchNormalization<Scalar>?
    private let activation: Activation
    private let forwardSum: Correlation<Scalar>
    private let inputGradient: Correlation<Scalar>
    private let weightGradient: WeightGradient<Scalar>
    /// Packed weights, shared with the other layers: each pass packs them anew, so that the arena stays the only truth.
    private let packed: Buffer<SIMD4<Scalar>>

    init(
        _ geometry: ConvolutionGeometry, activation: Activation, batchNormalize: Bool, input: LaneTensor<Scalar>,
        parameters: LayerParameters<Scalar>, packed: Buffer<SIMD4<Scalar>>, memory: BufferMemory
    ) {
        self.input = input
        output = memory.tensor(of: Scalar.self, geometry.output, images: input.images)
        self.parameters = parameters
        self.activation = activation
        self.packed = packed
        forwardSum = Correlation(forward: geometry)
        inputGradient = Correlation(inputGradient: geometry)
        weightGradient = WeightGradient(geometry)
        if batchNormalize {
            sums = memory.tensor(of: Scalar.self, geometry.output, images: input.images)
            normalization = BatchNormalization(
                scales: parameters[.scales], biases: parameters[.biases], rollingMean: parameters[.rollingMean],
                rollingVariance: parameters[.rollingVariance], scaleMomentum: parameters[.scaleMomentum],
                biasMomentum: parameters[.biasMomentum],
                means: memory.buffer(of: Scalar.self, count: geometry.output.channels),
                deviations: memory.buffer(of: Scalar.self, count: geometry.output.channels), input: sums)
        } else {
            sums = output
            normalization = nil
        }
    }

    /// Length of packed weights that a layer needs.
    static func packedCount(_ geometry: ConvolutionGeometry) -> Int {
        max(
            Correlation<Scalar>(forward: geometry).packedCount, Correlation<Scalar>(inputGradient: geometry).packedCount
        )
    }

    func forward(_ mode: Pass.Mode, _ worker: PassWorker) {
        forwardSum.pack(parameters[.weights], into: packed, tiles: worker.share(of: forwardSum.tiles))
        worker.meet()
        forwardSum.run(units: worker.share(of: input.blocks * forwardSum.tiles), from: input, packed: packed, to: sums)
        worker.meet()
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
            let bias = parameters[.biases][channel]
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
    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>?, _ worker: PassWorker) {
        for channel in worker.share(of: output.shape.channels) {
            for block in 0..<delta.blocks {
                let plane = delta.plane(block, channel)
                let values = output.plane(block, channel)
                for position in 0..<plane.count { plane[position] *= activation.slope(at: values[position]) }
            }
            if let normalization {
                normalization.backward(channel: channel, delta: delta)
            } else {
                for block in 0..<delta.blocks {
                    let plane = delta.plane(block, channel)
                    parameters[.biasMomentum][channel] += Scalar(plane.total { plane[$0] })
                }
            }
        }
        if inputDelta != nil {
            inputGradient.pack(parameters[.weights], into: packed, tiles: worker.share(of: inputGradient.tiles))
        }
        worker.meet()
        weightGradient.add(
            units: worker.share(of: weightGradient.units), input: input, delta: delta, to: parameters[.weightMomentum])
        if let inputDelta {
            inputGradient.run(
                units: worker.share(of: delta.blocks * inputGradient.tiles), from: delta, packed: packed, to: inputDelta
            )
        }
    }
}
