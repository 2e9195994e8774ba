import Glibc

/// One update of the parameters: stochastic gradient descent with momentum and decay, or Adam, each in Darknet's form.
///
/// Descent, with `η = learningRate × layer multiplier / batch`: `b += η·ub`, `ub *= μ`, scales alike; `uw -= λ·batch·w`,
/// `w += η·uw`, `uw *= μ`.
///
/// Adam (Kingma and Ba, ICLR'15), with `η = learningRate × layer multiplier` and `g` the sum over the batch's images, not
/// their mean: `m = β1·m + (1 − β1)·g`, `v = β2·v + (1 − β2)·g²`, `w += η·m/(1 − β1ᵗ) / (√(v/(1 − β2ᵗ)) + ε)`. PyTorch's
/// Adam does the same to a loss that is summed over the batch. Of the weights `λ·batch·w` is taken from `g` first; Darknet
/// takes it from biases and scales too, which its descent spares (so does `compat=strict`), and counts `t` anew when it resumes.
/// Its momentum is idle.
public struct SolverStep: Hashable, Sendable {
    /// What Adam's update number `t` comes to.
    public struct Adam: Hashable, Sendable {
        public let options: NetOptions.Adam
        /// `1 / (1 − β1ᵗ)`.
        public let meanCorrection: Double
        /// `1 / (1 − β2ᵗ)`.
        public let squareCorrection: Double
        /// Whether biases and scales decay, too.
        public let decaysAll: Bool

        /// - Parameter update: the update, from 1.
        public init(_ options: NetOptions.Adam, update: Int, decaysAll: Bool = false) {
            self.options = options
            self.decaysAll = decaysAll
            meanCorrection = 1 / (1 - pow(Double(options.beta1), Double(update)))
            squareCorrection = 1 / (1 - pow(Double(options.beta2), Double(update)))
        }
    }

    /// Rate of this update, before the layer's multiplier.
    public let learningRate: Float
    public let momentum: Float
    public let decay: Float
    /// Images whose gradients were accumulated: mini-batch × subdivisions.
    public let batch: Int
    /// `nil` for gradient descent.
    public let adam: Adam?
    /// Bound of the magnitude of convolutions' weights after the update; 0 if there is none.
    public let clip: Float

    /// Whether parameters of a role decay: as in Darknet's descent weights do, biases and scales do not.
    package func decays(_ role: TensorRole) -> Bool { role == .weights || adam?.decaysAll == true }

    public init(
        learningRate: Float, momentum: Float, decay: Float, batch: Int, adam: Adam? = nil, clip: Float = 0
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.decay = decay
        self.batch = batch
        self.adam = adam
        self.clip = clip
    }
}

extension NetOptions {
    /// The step of an update: a function of its number, so that the solver keeps no count.
    /// - Parameters:
    ///   - n: the update, from 1.
    ///   - seed: of the run, for the policy `random`.
    public func step(ofUpdate n: Int, seed: UInt64) -> SolverStep {
        SolverStep(
            learningRate: learningRate(atUpdate: n, seed: seed), momentum: momentum, decay: decay, batch: batch,
            adam: adam.map { SolverStep.Adam($0, update: n, decaysAll: compatibility == .strict) }, clip: clip)
    }
}
