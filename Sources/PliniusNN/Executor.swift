/// Runs a network's passes over the arena, one mini-batch at a time.
///
/// An executor is made for one network, one mini-batch size and one number of threads, and plans all buffers then: its
/// calls allocate nothing. It is used from one thread at a time. Same arena, input and thread count give the same bits.
public protocol Executor: AnyObject {
    /// Images per pass.
    var miniBatch: Int { get }

    /// Copies a mini-batch in.
    /// - Parameters:
    ///   - images: (miniBatch, channels, height, width), row-major.
    ///   - truth: (miniBatch, `NetworkDescription.truthCount`); may be empty for inference.
    func load(images: Span<Float>, truth: Span<Float>)

    /// Runs all layers from input to output.
    /// - Returns: the sum of the costs of the mini-batch, the mean over layers that own a cost; 0 for inference.
    func forward(_ pass: Pass) -> Float

    /// Adds the gradients of the last training pass to the momentum tensors of the arena.
    func backward(_ pass: Pass)

    /// Applies the accumulated gradients to the parameters, as ``SolverStep`` says.
    func update(_ step: SolverStep)

    /// The layers that predict, at least one: `NetworkDescription.predictingLayers`.
    var predictingLayers: [Int] { get }

    /// Reads what one of the layers that predict put out in the last pass: (miniBatch, its outputs).
    func withOutput<R>(ofLayer layer: Int, _ body: (Span<Float>) -> R) -> R

    /// Lets passes that carry state begin anew, from zeros.
    func resetState()

    /// Takes over parameters that were changed in the arena from outside (initialisation, mirror-in).
    func parametersDidChange()

    /// Names the first layer whose output or parameters hold a NaN or an infinity after a pass.
    func firstNonFiniteLayer() -> Int?
}

extension Executor {
    /// Reads what the last of the layers that predict put out in the last pass: (miniBatch, its outputs).
    public func withOutput<R>(_ body: (Span<Float>) -> R) -> R {
        withOutput(ofLayer: predictingLayers[predictingLayers.count - 1], body)
    }
}

/// What a pass is for, and where its random draws come from.
public struct Pass: Hashable, Sendable {
    public enum Mode: Hashable, Sendable {
        case training
        case inference
    }

    public let mode: Mode
    /// Seed of the run.
    public let seed: UInt64
    /// Updates made before this pass: the key of the random streams.
    public let iteration: UInt64
    /// Index within the batch of the pass's first image: `subdivision * miniBatch`.
    public let firstImage: Int
    /// Whether recurrent layers go on from the state that the pass before left, instead of from zeros; for inference only.
    ///
    /// The state begins with zeros, as after ``Executor/resetState()``, and is lost by a pass that carries none.
    public let carriesState: Bool

    public init(
        mode: Mode, seed: UInt64 = 0, iteration: UInt64 = 0, firstImage: Int = 0, carriesState: Bool = false
    ) {
        precondition(mode == .inference || !carriesState, "training begins each sequence with a state of zeros")
        self.carriesState = carriesState
        self.mode = mode
        self.seed = seed
        self.iteration = iteration
        self.firstImage = firstImage
    }
}
