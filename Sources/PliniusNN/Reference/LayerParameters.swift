/// A learned layer's tensors in the arena.
struct LayerParameters<Scalar: ReferenceScalar> {
    /// Multiplier on the network's learning rate.
    private let rateScale: Float
    /// By role; empty where the layer has none.
    private let tensors: [Buffer<Scalar>]

    init(_ layer: LayerDescription, layout: ArenaLayout, state: Buffer<Scalar>) {
        rateScale = layer.learningRateScale
        tensors = TensorRole.allCases.map { role in
            layout.tensor(layer: layer.index, role: role).map { state[$0.offset..<$0.offset + $0.count] }
                ?? state[0..<0]
        }
    }

    /// The tensor of a role; empty if the layer has none.
    subscript(role: TensorRole) -> Buffer<Scalar> { tensors[Int(role.rawValue) - 1] }

    /// Applies one step of the solver to this worker's part of each tensor.
    func update(_ step: SolverStep, _ worker: PassWorker) {
        let rate = Scalar(step.learningRate) * Scalar(rateScale) / Scalar(step.batch)
        let momentum = Scalar(step.momentum)
        let decay = Scalar(step.decay) * Scalar(step.batch)
        let (biases, biasMomentum) = (self[.biases], self[.biasMomentum])
        for index in worker.share(of: biases.count) {
            biases[index] += rate * biasMomentum[index]
            biasMomentum[index] *= momentum
        }
        let (scales, scaleMomentum) = (self[.scales], self[.scaleMomentum])
        for index in worker.share(of: scales.count) {
            scales[index] += rate * scaleMomentum[index]
            scaleMomentum[index] *= momentum
        }
        let (weights, weightMomentum) = (self[.weights], self[.weightMomentum])
        for index in worker.share(of: weights.count) {
            let velocity = weightMomentum[index] - decay * weights[index]
            weights[index] += rate * velocity
            weightMomentum[index] = velocity * momentum
        }
    }

    /// Whether every number of the layer's state is finite.
    var isFinite: Bool {
        tensors.allSatisfy { tensor in (0..<tensor.count).allSatisfy { tensor[$0].isFinite } }
    }
}
