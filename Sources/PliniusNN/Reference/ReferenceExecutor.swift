internal import _PliniusSupport

/// Runs a network in plain Swift: the choice with the least trusted code, and the judge of the others.
///
/// Images lie side by side in vector lanes; see `LaneTensor`. Same arena and input give the same bits with any number of threads.
public final class ReferenceExecutor: Executor {
    public let miniBatch: Int
    private let network: ReferenceNetwork<Float>
    private let arena: ParameterArena
    public let predictingLayers: [Int]
    private let outputs: [Int: Buffer<Float>]
    private let outputMemory = BufferMemory()

    /// Plans all buffers for mini-batches of a size, and starts `threads - 1` threads.
    /// - Parameter timeSteps: time steps of a mini-batch, if not as many as the network is trained with; one to generate.
    /// - Precondition: the arena is laid out for the network, and the time steps divide the mini-batch.
    public init(
        network description: NetworkDescription, miniBatch: Int, timeSteps: Int? = nil, arena: ParameterArena,
        threads: Int
    ) {
        precondition(arena.layout == description.layout, "the arena is laid out for another network")
        self.miniBatch = miniBatch
        self.arena = arena
        network = ReferenceNetwork(
            description, miniBatch: miniBatch, timeSteps: timeSteps, state: arena.memory, threads: threads)
        predictingLayers = description.predictingLayers
        let memory = outputMemory
        outputs = Dictionary(
            uniqueKeysWithValues: predictingLayers.map { layer in
                let count = miniBatch * description.layers[layer].output.count
                return (layer, memory.buffer(of: Float.self, count: count))
            })
    }

    public func load(images: Span<Float>, truth: Span<Float>) { network.load(images: images, truth: truth) }

    public func forward(_ pass: Pass) -> Float { Float(network.forward(pass)) }

    public func backward(_ pass: Pass) { network.backward(pass) }

    public func update(_ step: SolverStep) { network.update(step) }

    public func withOutput<R>(ofLayer layer: Int, _ body: (Span<Float>) -> R) -> R {
        guard let output = outputs[layer] else { preconditionFailure("layer \(layer) does not predict") }
        network.copyOutput(ofLayer: layer, to: output)
        return output.withSpan(body)
    }

    public func resetState() { network.resetState() }

    /// Does nothing: each pass reads the arena itself.
    public func parametersDidChange() {}

    public func firstNonFiniteLayer() -> Int? { network.firstNonFiniteLayer() }
}
