internal import COneDNN
internal import PliniusNN

/// A learned layer's tensors in the arena.
struct LayerParameters {
    private let arena: ParameterArena
    private let tensors: [ArenaTensor]
    private let rateScale: Float

    init(_ layer: LayerDescription, arena: ParameterArena) {
        self.arena = arena
        tensors = arena.layout.tensors.filter { $0.layer == layer.index }
        rateScale = layer.learningRateScale
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
        let rate = step.learningRate * rateScale / Float(step.batch)
        for tensor in tensors {
            let momentum: TensorRole
            // Darknet lets weights decay, biases and scales not.
            var decay: Float = 0
            switch tensor.role {
            case .biases: momentum = .biasMomentum
            case .scales: momentum = .scaleMomentum
            case .weights:
                momentum = .weightMomentum
                decay = step.decay * Float(step.batch)
            default: continue
            }
            unsafe conednn_descend(
                engine.pointer, Int64(tensor.count), rate, step.momentum, decay, self[tensor.role].pointer,
                self[momentum].pointer)
        }
    }

    /// Whether every number of the layer's state is finite.
    func isFinite(_ engine: Engine) -> Bool {
        tensors.allSatisfy { tensor in
            unsafe conednn_all_finite(engine.pointer, Int64(tensor.count), self[tensor.role].pointer)
        }
    }
}
