/// A learned layer's tensors in the arena.
struct LayerParameters<Scalar: ReferenceScalar> {
    /// Multiplier on the network's learning rate.
    private let rateScale: Float
    private let isClipped: Bool
    /// By role, part after part; empty where there is none.
    private let tensors: [Buffer<Scalar>]
    private static var roles: Int { TensorRole.allCases.count }

    init(_ layer: LayerDescription, layout: ArenaLayout, state: Buffer<Scalar>) {
        rateScale = layer.learningRateScale
        isClipped = if case .convolutional = layer.kind { true } else { false }
        tensors = layer.parts.indices.flatMap { part in
            TensorRole.allCases.map { role in
                layout.tensor(layer: layer.index, part: part, role: role)
                    .map { state[$0.offset..<$0.offset + $0.count] } ?? state[0..<0]
            }
        }
    }

    private init(_ layer: LayerParameters, part: Int) {
        rateScale = layer.rateScale
        isClipped = layer.isClipped
        tensors = Array(layer.tensors[part * Self.roles..<(part + 1) * Self.roles])
    }

    /// The tensors of one part.
    func part(_ index: Int) -> LayerParameters { LayerParameters(self, part: index) }

    /// The tensor of a role, of the first part; empty if it has none.
    subscript(role: TensorRole) -> Buffer<Scalar> { tensors[Int(role.rawValue) - 1] }

    /// Applies one step of the solver to this worker's part of each tensor.
    func update(_ step: SolverStep, _ worker: PassWorker) {
        for first in stride(from: -1, to: tensors.count - 1, by: Self.roles) {
            for (role, momentum, mean, square) in TensorRole.learned {
                let (values, gradients) = (tensors[first + Int(role.rawValue)], tensors[first + Int(momentum.rawValue)])
                let share = worker.share(of: values.count)
                let decay = step.decays(role) ? Scalar(step.decay) * Scalar(step.batch) : 0
                if let adam = step.adam {
                    adapt(
                        values[share], gradients[share], tensors[first + Int(mean.rawValue)][share],
                        tensors[first + Int(square.rawValue)][share], adam,
                        rate: Scalar(step.learningRate) * Scalar(rateScale), decay: decay)
                } else {
                    descend(
                        values[share], gradients[share],
                        rate: Scalar(step.learningRate) * Scalar(rateScale) / Scalar(step.batch),
                        keep: Scalar(step.momentum), decay: decay)
                }
                if isClipped, role == .weights, step.clip > 0 { clip(values[share], to: Scalar(step.clip)) }
            }
        }
    }

    private func clip(_ values: Buffer<Scalar>, to limit: Scalar) {
        for index in 0..<values.count {
            // A NaN stays, to be found.
            if values[index] > limit { values[index] = limit } else if values[index] < -limit { values[index] = -limit }
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
