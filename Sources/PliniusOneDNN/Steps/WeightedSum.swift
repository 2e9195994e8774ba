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

    /// Weights as the forward and the input-gradient primitives like them; packed when they change, or before each use.
    private let forwardWeights: Region
    private let backwardWeights: Region
    private let keepsPacked: Bool
    /// What is on its way between arena and primitives: the gradient as its primitive makes it, and weights that are not kept packed.
    private let exchange: Region
    private let weightGradient: Primitive
    private let packForward: Primitive
    private let packBackward: Primitive?
    private let addGradient: Primitive
    private let scratch: Region

    init(
        _ engine: Engine, _ primitives: WeightedSumPrimitives, input: Tensor, output: ActivationLayout,
        parameters: LayerParameters, hasBias: Bool, keepsPacked: Bool, exchange: Region, scratch: Region,
        _ memory: MemoryPlan
    ) throws(OneDNNError) {
        /// Memory for weights that are packed so.
        func place(_ layout: TensorLayout) -> Region {
            if keepsPacked { return memory.reserve(bytes: layout.byteCount) }
            exchange.grow(toBytes: layout.byteCount)
            return exchange
        }
        guard let weightGradient = primitives.weightGradient else { preconditionFailure("a weighted sum learns") }
        self.primitives = primitives
        self.weightGradient = weightGradient
        self.input = input
        self.output = output
        self.parameters = parameters
        self.hasBias = hasBias
        self.keepsPacked = keepsPacked
        self.exchange = exchange
        self.scratch = scratch
        for primitive in primitives.all { scratch.grow(toBytes: primitive.byteCount(of: .scratch)) }

        let canonical = primitives.weights
        let forwardLayout = primitives.forward.layout(of: .weights)
        forwardWeights = place(forwardLayout)
        packForward = try .reorder(engine, from: canonical, to: forwardLayout)
        if let inputGradient = primitives.inputGradient {
            let backwardLayout = inputGradient.layout(of: .weights)
            if backwardLayout.isSame(as: forwardLayout) {
                backwardWeights = forwardWeights
                packBackward = keepsPacked ? nil : packForward
            } else {
                backwardWeights = place(backwardLayout)
                packBackward = try .reorder(engine, from: canonical, to: backwardLayout)
            }
        } else {
            backwardWeights = forwardWeights
            packBackward = nil
        }
        let gradientLayout = weightGradient.layout(of: .weights)
        exchange.grow(toBytes: gradientLayout.byteCount)
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

        unsafe weightGradient.bind(.source, input.region.address)
        unsafe weightGradient.bind(.weights, exchange.address)
        unsafe weightGradient.bind(.destination, delta.address)

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
        unsafe addGradient.bind(.source, exchange.address)
        unsafe addGradient.bind(.destination, parameters[.weightMomentum].pointer)
        for primitive in primitives.all + [packForward, packBackward, addGradient].compactMap(\.self)
        where primitive.byteCount(of: .scratch) > 0 {
            unsafe primitive.bind(.scratch, scratch.address)
        }
    }

    func forward() {
        if !keepsPacked { packForward.run() }
        primitives.forward.run()
    }

    /// Adds the weights' gradient to their momentum, and writes the input's delta.
    func backward() {
        weightGradient.run()
        addGradient.run()
        guard let inputGradient = primitives.inputGradient else { return }
        if !keepsPacked { packBackward?.run() }
        inputGradient.run()
    }

    /// Packs the weights, if they are kept so.
    func pack() {
        guard keepsPacked else { return }
        packForward.run()
        packBackward?.run()
    }
}

/// The primitives of a weighted sum: three to train, one to infer.
struct WeightedSumPrimitives {
    /// The weights as they lie in the arena.
    let weights: TensorLayout
    let forward: Primitive
    /// What the forward one does to negative sums.
    var negativeSlope: Float = 1
    /// Missing where nobody asks for the input's delta.
    var inputGradient: Primitive?
    /// Missing where nothing learns.
    var weightGradient: Primitive?

    var all: [Primitive] { [forward, inputGradient, weightGradient].compactMap(\.self) }
    /// Whether one of them is oneDNN's plain loop.
    var isPlain: Bool { all.contains(where: \.isPlain) }
}
