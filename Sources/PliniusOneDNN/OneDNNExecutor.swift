internal import COneDNN
public import PliniusNN

/// Runs a network on oneDNN: a plan of compiled steps over activations that stay in blocks of channels from end to end.
///
/// It computes what ``ReferenceExecutor`` computes, up to rounding, and is judged by it. The plan, its buffers and oneDNN's
/// primitives are made once; a pass allocates nothing of its own. Use it from one thread: OpenMP keeps its workers per calling
/// thread. Same arena, input, thread count and processor give the same bits.
public final class OneDNNExecutor: Executor {
    public let miniBatch: Int
    public let predictingLayers: [Int]

    let plan: Plan
    private var hasTruth = false

    /// Compiles a network.
    /// - Parameters:
    ///   - miniBatch: images per pass.
    ///   - timeSteps: time steps of a mini-batch, if not as many as the network is trained with; one to generate.
    ///   - arena: the network's state; its weights are packed here, see ``parametersDidChange()``.
    ///   - algorithm: how 3×3 convolutions are computed.
    /// - Throws: `OneDNNError` if oneDNN cannot run on this processor or has no code for a layer.
    public convenience init(
        network: NetworkDescription, miniBatch: Int, timeSteps: Int? = nil, arena: ParameterArena, threads: Int,
        algorithm: ConvolutionAlgorithm = .winograd
    ) throws(OneDNNError) {
        precondition(arena.layout == network.layout, "the arena was laid out for another network")
        try self.init(
            layers: network.layers, input: network.input, predictingLayers: network.predictingLayers,
            truthCount: network.truthCount, miniBatch: miniBatch, timeSteps: timeSteps ?? network.options.timeSteps,
            arena: arena, threads: threads, algorithm: algorithm)
    }

    /// Compiles layers that did not come from a configuration.
    package init(
        layers: [LayerDescription], input: Shape, predictingLayers: [Int], truthCount: Int, miniBatch: Int,
        timeSteps: Int = 1, arena: ParameterArena, threads: Int, algorithm: ConvolutionAlgorithm = .winograd
    ) throws(OneDNNError) {
        self.miniBatch = miniBatch
        self.predictingLayers = predictingLayers
        let builder = PlanBuilder(
            try Engine(threads: threads), layers: layers, input: input, truthCount: truthCount,
            images: miniBatch, timeSteps: timeSteps, arena: arena, algorithm: algorithm)
        plan = try builder.build(predictingLayers: predictingLayers)
        plan.pack()
    }

    public func load(images: Span<Float>, truth: Span<Float>) {
        plan.input.region.values(plan.input.layout.floatCount).copy(from: images)
        hasTruth = !truth.isEmpty
        if hasTruth { plan.truth.region.values(plan.truth.layout.floatCount).copy(from: truth) }
    }

    public func forward(_ pass: Pass) -> Float { Float(plan.forward(pass, hasTruth: hasTruth)) }

    public func backward(_ pass: Pass) {
        precondition(pass.mode == .training, "only a training pass has gradients")
        plan.backward(pass, hasTruth: hasTruth)
    }

    public func update(_ step: SolverStep) { plan.update(step) }

    public func withOutput<R>(ofLayer layer: Int, _ body: (Span<Float>) -> R) -> R {
        guard let output = plan.outputs[layer] else { preconditionFailure("layer \(layer) does not predict") }
        let rows = unsafe UnsafeBufferPointer(
            start: output.region.floats, count: miniBatch * output.layout.shape.count)
        return unsafe body(Span(_unsafeElements: rows))
    }

    public func resetState() { plan.resetState() }

    public func parametersDidChange() { plan.pack() }

    public func firstNonFiniteLayer() -> Int? { plan.firstNonFiniteLayer() }

    /// oneDNN's names of the code that each learned layer runs: forward, input gradient if any, weight gradient.
    package var implementations: [(layer: Int, names: [String])] {
        zip(plan.layers, plan.steps).compactMap { layer, step in
            (step as? LearnedStep).map { (layer, $0.sum.implementations) }
        }
    }

    /// The version of oneDNN that this process loaded.
    public static var version: (major: Int, minor: Int, patch: Int) {
        var (major, minor, patch): (CInt, CInt, CInt) = (0, 0, 0)
        unsafe conednn_version(&major, &minor, &patch)
        return (Int(major), Int(minor), Int(patch))
    }
}
