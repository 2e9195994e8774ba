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
    private let onlyInfers: Bool
    /// Where the plan takes a mini-batch in parts.
    private let parts: PartedBatch?
    private var hasTruth = false

    /// Compiles a network.
    /// - Parameters:
    ///   - miniBatch: images per pass.
    ///   - timeSteps: time steps of a mini-batch, if not as many as the network is trained with; one to generate.
    ///   - arena: the network's state; its weights are packed here, see ``parametersDidChange()``.
    ///   - algorithm: how 3×3 convolutions are computed.
    ///   - onlyInfers: whether all passes are inference, which is faster then: batch normalisation is folded into the weights
    ///     that are packed, activations take turns in little memory, and large mini-batches are taken in parts that fit a cache.
    /// - Throws: `OneDNNError` if oneDNN cannot run on this processor or has no code for a layer.
    public convenience init(
        network: NetworkDescription, miniBatch: Int, timeSteps: Int? = nil, arena: ParameterArena, threads: Int,
        algorithm: ConvolutionAlgorithm = .winograd, onlyInfers: Bool = false
    ) throws(OneDNNError) {
        precondition(arena.layout == network.layout, "the arena was laid out for another network")
        try self.init(
            layers: network.layers, input: network.input, predictingLayers: network.predictingLayers,
            truthCount: network.truthCount, miniBatch: miniBatch, timeSteps: timeSteps ?? network.options.timeSteps,
            arena: arena, threads: threads, algorithm: algorithm, onlyInfers: onlyInfers,
            keepsPacked: network.options.subdivisions > 1)
    }

    /// Compiles layers that did not come from a configuration.
    package init(
        layers: [LayerDescription], input: Shape, predictingLayers: [Int], truthCount: Int, miniBatch: Int,
        timeSteps: Int = 1, arena: ParameterArena, threads: Int, algorithm: ConvolutionAlgorithm = .winograd,
        onlyInfers: Bool = false, keepsPacked: Bool = false
    ) throws(OneDNNError) {
        self.miniBatch = miniBatch
        self.predictingLayers = predictingLayers
        self.onlyInfers = onlyInfers
        let part = onlyInfers ? PartedBatch.images(of: miniBatch, layers) : miniBatch
        let builder = PlanBuilder(
            try Engine(threads: threads), layers: layers, input: input, truthCount: truthCount,
            images: part, timeSteps: timeSteps, arena: arena, algorithm: algorithm, onlyInfers: onlyInfers,
            keepsPacked: keepsPacked)
        plan = try builder.build(predictingLayers: predictingLayers)
        parts = part < miniBatch ? PartedBatch(plan, images: miniBatch) : nil
        plan.pack()
    }

    public func load(images: Span<Float>, truth: Span<Float>) {
        let input = parts?.input ?? plan.input
        input.region.values(input.layout.floatCount).copy(from: images)
        hasTruth = !truth.isEmpty && !onlyInfers
        if hasTruth { plan.truth.region.values(plan.truth.layout.floatCount).copy(from: truth) }
    }

    public func forward(_ pass: Pass) -> Float {
        precondition(pass.mode == .inference || !onlyInfers, "the executor was made to infer only")
        if let parts {
            parts.forward(pass, plan)
            return 0
        }
        return Float(plan.forward(pass, hasTruth: hasTruth))
    }

    public func backward(_ pass: Pass) {
        precondition(pass.mode == .training, "only a training pass has gradients")
        plan.backward(pass, hasTruth: hasTruth)
    }

    public func update(_ step: SolverStep) {
        precondition(!onlyInfers, "the executor was made to infer only")
        plan.update(step)
    }

    public func withOutput<R>(ofLayer layer: Int, _ body: (Span<Float>) -> R) -> R {
        guard let output = (parts?.outputs ?? plan.outputs)[layer] else {
            preconditionFailure("layer \(layer) does not predict")
        }
        let rows = unsafe UnsafeBufferPointer(
            start: output.region.floats, count: miniBatch * output.layout.shape.count)
        return unsafe body(Span(_unsafeElements: rows))
    }

    public func resetState() { plan.resetState() }

    public func parametersDidChange() { plan.pack() }

    public func firstNonFiniteLayer() -> Int? {
        precondition(!onlyInfers, "an executor that infers only keeps no layer's output")
        return plan.firstNonFiniteLayer()
    }

    /// oneDNN's names of the code that each learned layer runs: forward, input gradient if any, weight gradient if any.
    package var implementations: [(layer: Int, names: [String])] {
        zip(plan.layers, plan.steps).compactMap { layer, step in
            let names =
                (step as? LearnedStep)?.sum.implementations ?? (step as? InferenceStep).map { [$0.implementation] }
            return names.map { (layer, $0) }
        }
    }

    /// What the plan's tensors take, but for parameters.
    package var memoryBytes: Int { plan.memoryBytes }

    /// Images that a plan takes at a time: fewer than the mini-batch's where an executor that infers takes it in parts.
    package var imagesPerPass: Int { plan.input.layout.images }

    /// The version of oneDNN that this process loaded.
    public static var version: (major: Int, minor: Int, patch: Int) {
        var (major, minor, patch): (CInt, CInt, CInt) = (0, 0, 0)
        unsafe conednn_version(&major, &minor, &patch)
        return (Int(major), Int(minor), Int(patch))
    }
}
