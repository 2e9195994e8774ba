internal import COneDNN
internal import PliniusNN

/// A learned layer's tensors in the arena.
struct LayerParameters {
    private let arena: ParameterArena
    private let tensors: [ArenaTensor]
    private let rateScale: Float
    private let isClipped: Bool

    init(_ layer: LayerDescription, arena: ParameterArena) {
        self.arena = arena
        tensors = arena.layout.tensors.filter { $0.layer == layer.index }
        rateScale = layer.learningRateScale
        isClipped = if case .convolutional = layer.kind { true } else { false }
    }

    /// The tensor of a role; the layer has one, or the arena is of another network.
    subscript(_ role: TensorRole) -> Floats {
        guard let tensor = tensors.first(where: { $0.role == role }) else {
            preconditionFailure("the arena has no \(role) for a layer that needs it")
        }
        return unsafe Floats(arena.floats(of: tensor))
    }

    /// Applies one step of the solver to each tensor.
    func update(_ step: SolverStep, _ engine: Engine) {
        for (role, momentum, mean, square) in TensorRole.learned {
            guard let tensor = tensors.first(where: { $0.role == role }) else { continue }
            let count = Int64(tensor.count)
            let values = self[role]
            let rate = step.learningRate * rateScale
            let decay = step.decays(role) ? step.decay * Float(step.batch) : 0
            if let adam = step.adam {
                let constants = conednn_adam(
                    rate: rate * Float(adam.meanCorrection), decay: decay, beta1: adam.options.beta1,
                    beta2: adam.options.beta2, square_correction: Float(adam.squareCorrection),
                    epsilon: adam.options.epsilon)
                unsafe conednn_adapt(
                    engine.pointer, count, constants, values.pointer, self[momentum].pointer, self[mean].pointer,
                    self[square].pointer)
            } else {
                unsafe conednn_descend(
                    engine.pointer, count, rate / Float(step.batch), step.momentum, decay, values.pointer,
                    self[momentum].pointer)
            }
            if isClipped, role == .weights, step.clip > 0 {
                unsafe conednn_clamp(engine.pointer, count, step.clip, values.pointer)
            }
        }
    }

    /// Whether every number of the layer's state is finite.
    func isFinite(_ engine: Engine) -> Bool {
        tensors.allSatisfy { tensor in
            unsafe conednn_all_finite(engine.pointer, Int64(tensor.count), self[tensor.role].pointer)
        }
    }
}
