/// A learned layer's tensors in the arena.
struct LayerParameters<Scalar: ReferenceScalar> {
    /// Multiplier on the network's learning rate.
    private let rateScale: Float
    private let biases: Buffer<Scalar>
    private let scales: Buffer<Scalar>
    private let rollingMean: Buffer<Scalar>
    private let rollingVariance: Buffer<Scalar>
    private let weights: Buffer<Scalar>
    private let biasMomentum: Buffer<Scalar>
    private let scaleMomentum: Buffer<Scalar>
    private let weightMomentum: Buffer<Scalar>

    init(_ layer: LayerDescription, layout: ArenaLayout, state: Buffer<Scalar>) {
        func tensor(_ role: TensorRole) -> Buffer<Scalar> {
            guard let tensor = layout.tensor(layer: layer.index, role: role) else { return state[0..<0] }
            return state[tensor.offset..<tensor.offset + tensor.count]
        }
        rateScale = layer.learningRateScale
        biases = tensor(.biases)
        scales = tensor(.scales)
        rollingMean = tensor(.rollingMean)
        rollingVariance = tensor(.rollingVariance)
        weights = tensor(.weights)
        biasMomentum = tensor(.biasMomentum)
        scaleMomentum = tensor(.scaleMomentum)
        weightMomentum = tensor(.weightMomentum)
    }

    /// The tensor of a role; empty if the layer has none.
    subscript(role: TensorRole) -> Buffer<Scalar> {
        switch role {
        case .biases: biases
        case .scales: scales
        case .rollingMean: rollingMean
        case .rollingVariance: rollingVariance
        case .weights: weights
        case .biasMomentum: biasMomentum
        case .scaleMomentum: scaleMomentum
        case .weightMomentum: weightMomentum
        }
    }

    /// Applies one step of the solver to this worker's part of each tensor.
    func update(_ step: SolverStep, _ worker: PassWorker) {
        let rate = Scalar(step.learningRate) * Scalar(rateScale) / Scalar(step.batch)
        let momentum = Scalar(step.momentum)
        let decay = Scalar(step.decay) * Scalar(step.batch)
        for index in worker.share(of: biases.count) {
            biases[index] += rate * biasMomentum[index]
            biasMomentum[index] *= momentum
        }
        for index in worker.share(of: scales.count) {
            scales[index] += rate * scaleMomentum[index]
            scaleMomentum[index] *= momentum
        }
        for index in worker.share(of: weights.count) {
            let velocity = weightMomentum[index] - decay * weights[index]
            weights[index] += rate * velocity
            weightMomentum[index] = velocity * momentum
        }
    }

    /// Whether every number of the layer's state is finite.
    var isFinite: Bool {
        TensorRole.allCases.allSatisfy { role in
            let tensor = self[role]
            return (0..<tensor.count).allSatisfy { tensor[$0].isFinite }
        }
    }
}
