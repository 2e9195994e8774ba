/// A learned layer's tensors in the arena.
struct LayerParameters<Scalar: ReferenceScalar> {
    /// Multiplier on the network's learning rate.
    private let rateScale: Float
    private let isClipped: Bool
    /// By role; empty where the layer has none.
    private let tensors: [Buffer<Scalar>]

    init(_ layer: LayerDescription, layout: ArenaLayout, state: Buffer<Scalar>) {
        rateScale = layer.learningRateScale
        isClipped = if case .convolutional = layer.kind { true } else { false }
        tensors = TensorRole.allCases.map { role in
            layout.tensor(layer: layer.index, role: role).map { state[$0.offset..<$0.offset + $0.count] }
                ?? state[0..<0]
        }
    }

    /// The tensor of a role; empty if the layer has none.
    subscript(role: TensorRole) -> Buffer<Scalar> { tensors[Int(role.rawValue) - 1] }

    /// Applies one step of the solver to this worker's part of each tensor.
    func update(_ step: SolverStep, _ worker: PassWorker) {
        for (role, momentum, mean, square) in TensorRole.learned {
            let (values, gradient) = (self[role], self[momentum])
            // Darknet's descent lets weights decay, biases and scales not.
            let decay = role == .weights ? Scalar(step.decay) * Scalar(step.batch) : 0
            let share = worker.share(of: values.count)
            if let adam = step.adam {
                adapt(
                    values[share], gradient[share], self[mean][share], self[square][share], adam,
                    rate: Scalar(step.learningRate) * Scalar(rateScale), decay: decay)
            } else {
                descend(
                    values[share], gradient[share],
                    rate: Scalar(step.learningRate) * Scalar(rateScale) / Scalar(step.batch),
                    keep: Scalar(step.momentum), decay: decay)
            }
            if isClipped, role == .weights, step.clip > 0 {
                let limit = Scalar(step.clip)
                // A NaN stays, to be found.
                for index in share {
                    values[index] = values[index] > limit ? limit : values[index] < -limit ? -limit : values[index]
                }
            }
        }
    }

    private func descend(
        _ values: Buffer<Scalar>, _ momentum: Buffer<Scalar>, rate: Scalar, keep: Scalar, decay: Scalar
    ) {
        for index in 0..<values.count {
            let velocity = momentum[index] - decay * values[index]
            values[index] += rate * velocity
            momentum[index] = velocity * keep
        }
    }

    private func adapt(
        _ values: Buffer<Scalar>, _ gradients: Buffer<Scalar>, _ means: Buffer<Scalar>, _ squares: Buffer<Scalar>,
        _ adam: SolverStep.Adam, rate: Scalar, decay: Scalar
    ) {
        let (beta1, beta2) = (Scalar(adam.options.beta1), Scalar(adam.options.beta2))
        let meanRate = rate * Scalar(adam.meanCorrection)
        let squareCorrection = Scalar(adam.squareCorrection)
        let epsilon = Scalar(adam.options.epsilon)
        for index in 0..<values.count {
            let gradient = gradients[index] - decay * values[index]
            let mean = beta1 * means[index] + (1 - beta1) * gradient
            let square = beta2 * squares[index] + (1 - beta2) * gradient * gradient
            values[index] += meanRate * mean / ((squareCorrection * square).squareRoot() + epsilon)
            means[index] = mean
            squares[index] = square
            gradients[index] = 0
        }
    }

    /// Whether every number of the layer's state is finite.
    var isFinite: Bool {
        tensors.allSatisfy { tensor in (0..<tensor.count).allSatisfy { tensor[$0].isFinite } }
    }
}
