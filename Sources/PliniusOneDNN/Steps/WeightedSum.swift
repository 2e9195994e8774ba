internal import PliniusNN

/// The linear part of a layer: oneDNN's three primitives, and the ways between the arena's weights and the packed ones.
final class WeightedSum {
    let output: ActivationLayout
    /// oneDNN's names of the code that runs, for people who look for speed.
    var implementations: [String] { primitives.all.map(\.implementation) }

    private let input: Tensor
    private let parameters: LayerParameters
    private let hasBias: Bool
    private let primitives: WeightedSumPrimitives

    /// Weights as the forward and the input-gradient primitives like them, and the gradient as its primitive makes it.
    private let forwardWeights: Region
    private let backwardWeights: Region
    private let gradient: Region
    private let packForward: Primitive
    private let packBackward: Primitive?
    private let addGradient: Primitive
    private let scratch: Region

    init(
        _ engine: Engine, _ primitives: WeightedSumPrimitives, input: Tensor, output: ActivationLayout,
        parameters: LayerParameters, hasBias: Bool, scratch: Region, _ memory: MemoryPlan
    ) throws(OneDNNError) {
        self.primitives = primitives
        self.input = input
        self.output = output
        self.parameters = parameters
        self.hasBias = hasBias
        self.scratch = scratch
        for primitive in primitives.all { scratch.grow(toBytes: primitive.byteCount(of: .scratch)) }

        let canonical = primitives.weights
        let forwardLayout = primitives.forward.layout(of: .weights)
        forwardWeights = memory.reserve(bytes: forwardLayout.byteCount)
        packForward = try .reorder(engine, from: canonical, to: forwardLayout)
        if let inputGradient = primitives.inputGradient {
            let backwardLayout = inputGradient.layout(of: .weights)
            if backwardLayout.isSame(as: forwardLayout) {
                backwardWeights = forwardWeights
                packBackward = nil
            } else {
                backwardWeights = memory.reserve(bytes: backwardLayout.byteCount)
                packBackward = try .reorder(engine, from: canonical, to: backwardLayout)
            }
        } else {
            backwardWeights = forwardWeights
            packBackward = nil
        }
        let gradientLayout = primitives.weightGradient.layout(of: .weights)
        gradient = memory.reserve(bytes: gradientLayout.byteCount)
        addGradient = try .reorder(engine, from: gradientLayout, to: canonical, adding: true)
        for primitive in [packForward, packBackward, addGradient] {
            scratch.grow(toBytes: primitive?.byteCount(of: .scratch) ?? 0)
        }
    }

    func bind(sums: Region, delta: Region, inputDelta: Region?) {
        let forward = primitives.forward
        unsafe forward.bind(.source, input.region.address)
        unsafe forward.bind(.weights, forwardWeights.address)
        if hasBias { unsafe forward.bind(.bias, parameters[.biases].pointer) }
        unsafe forward.bind(.destination, sums.address)

        unsafe primitives.weightGradient.bind(.source, input.region.address)
        unsafe primitives.weightGradient.bind(.weights, gradient.address)
        unsafe primitives.weightGradient.bind(.destination, delta.address)

        precondition(
            (inputDelta == nil) == (primitives.inputGradient == nil),
            "a layer computes its input's delta where the layer below asks for it, and nowhere else")
        if let inputDelta, let inputGradient = primitives.inputGradient {
            unsafe inputGradient.bind(.source, inputDelta.address)
            unsafe inputGradient.bind(.weights, backwardWeights.address)
            unsafe inputGradient.bind(.destination, delta.address)
        }

        unsafe packForward.bind(.source, parameters[.weights].pointer)
        unsafe packForward.bind(.destination, forwardWeights.address)
        unsafe packBackward?.bind(.source, parameters[.weights].pointer)
        unsafe packBackward?.bind(.destination, backwardWeights.address)
        unsafe addGradient.bind(.source, gradient.address)
        unsafe addGradient.bind(.destination, parameters[.weightMomentum].pointer)
        for primitive in primitives.all + [packForward, packBackward, addGradient].compactMap(\.self)
        where primitive.byteCount(of: .scratch) > 0 {
            unsafe primitive.bind(.scratch, scratch.address)
        }
    }

    func forward() { primitives.forward.run() }

    /// Adds the weights' gradient to their momentum, and writes the input's delta.
    func backward() {
        primitives.weightGradient.run()
        addGradient.run()
        primitives.inputGradient?.run()
    }

    func pack() {
        packForward.run()
        packBackward?.run()
    }
}

/// The three primitives of a weighted sum.
struct WeightedSumPrimitives {
    /// The weights as they lie in the arena.
    let weights: TensorLayout
    let forward: Primitive
    /// Missing where nobody asks for the input's delta.
    let inputGradient: Primitive?
    let weightGradient: Primitive

    var all: [Primitive] { [forward, inputGradient, weightGradient].compactMap(\.self) }
    /// Whether one of them is oneDNN's plain loop.
    var isPlain: Bool { all.contains(where: \.isPlain) }
}
