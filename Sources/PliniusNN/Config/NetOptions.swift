import Glibc

/// How batches are drawn from the data set.
public enum Sampling: String, CaseIterable, Sendable {
    /// Every image once per epoch, in an order of the epoch's own.
    case epochs
    /// Each image at random: what Darknet does.
    case withReplacement = "with-replacement"
    /// What PLINIUS does: each image at random of a batch that was drawn at random.
    case twice

    /// What a run's identity calls it.
    public var number: UInt8 {
        switch self {
        case .epochs: 1
        case .withReplacement: 2
        case .twice: 3
        }
    }
}

/// How the learning rate moves; Darknet's names.
public enum LearningRatePolicy: Hashable, Sendable {
    case constant
    case step(every: Int, scale: Float)
    case steps(at: [Int], scales: [Float])
    case exp(gamma: Float)
    case poly
    case random
    case sigmoid(step: Int, gamma: Float)
}

/// The `[net]` section: what concerns the whole network and its training.
public struct NetOptions: Hashable, Sendable {
    /// Adam's constants.
    public struct Adam: Hashable, Sendable {
        /// What the mean of the gradients keeps of itself in an update.
        public var beta1: Float
        /// What the mean of their squares keeps.
        public var beta2: Float
        public var epsilon: Float

        public init(beta1: Float, beta2: Float, epsilon: Float) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
        }
    }

    /// Images per update; each of a sequence's time steps counts as one.
    public var batch: Int
    /// Length of the sequences that recurrent layers see: a mini-batch is that many images of each of its sequences, the
    /// first images of all sequences first, then the second ones.
    public var timeSteps: Int
    /// Passes per update.
    public var subdivisions: Int
    public var learningRate: Float
    public var momentum: Float
    public var decay: Float
    public var policy: LearningRatePolicy
    /// Updates during which the rate rises to its base.
    public var burnIn: Int
    /// Exponent of `poly`, `random` and the burn-in.
    public var power: Float
    /// Updates of a whole training; 0 if open.
    public var maxBatches: Int
    public var sampling: Sampling
    /// `nil` for gradient descent with momentum.
    public var adam: Adam?
    /// Bound of the magnitude of convolutions' weights after each update; 0 if there is none.
    public var clip: Float
    public var compatibility = Compatibility.fixed

    /// Images per pass.
    public var miniBatch: Int { batch / subdivisions }

    /// The rate of an update.
    ///
    /// Darknet asks after it has counted the update, so the first asks with `n` = 1 and `poly` reaches 0 on the last. Past
    /// the end of the schedule `poly` stays there.
    /// - Parameters:
    ///   - n: the update, from 1.
    ///   - seed: of the run, for the policy `random`.
    public func learningRate(atUpdate n: Int, seed: UInt64) -> Float {
        let base = Double(learningRate)
        let isStrict = compatibility == .strict
        let rate: Double =
            if n < burnIn {
                base * pow(Double(n) / Double(burnIn), Double(power))
            } else {
                switch policy {
                case .constant: base
                case .step(let every, let scale): base * pow(Double(scale), Double(n / every))
                case .steps(let at, let scales):
                    Self.stepped(base, at, scales, update: n)
                case .exp(let gamma): base * pow(Double(gamma), Double(n))
                case .poly:
                    base * pow(max(isStrict ? -.infinity : 0, 1 - Double(n) / Double(maxBatches)), Double(power))
                case .random: base * pow(Double(Self.draw(forUpdate: n, seed: seed)), Double(power))
                case .sigmoid(let step, let gamma):
                    // Darknet's difference has no sign.
                    base
                        / (1
                            + Glibc.exp(
                                Double(gamma) * (isStrict ? Double(UInt(bitPattern: n - step)) : Double(n - step))))
                }
            }
        return Float(rate)
    }

    private static func stepped(_ base: Double, _ at: [Int], _ scales: [Float], update n: Int) -> Double {
        var rate = base
        for index in at.indices {
            guard at[index] <= n else { break }
            rate *= Double(scales[index])
        }
        return rate
    }

    private static func draw(forUpdate n: Int, seed: UInt64) -> Float {
        RandomStream.unit(RandomStream(seed: seed, purpose: .learningRate).block(0, iteration: UInt64(n)).x)
    }
}

extension NetOptions {
    private enum Policy: String, CaseIterable {
        case constant, step, steps, exp, poly, random, sigmoid
    }

    /// Reads a `[net]` section; the image's shape is the caller's.
    init(_ reader: inout SectionReader) throws(ConfigError) {
        let updates = 1...1_000_000_000
        compatibility = try reader.choice("compat", default: .fixed)
        let isStrict = compatibility == .strict
        batch = try reader.integer("batch", default: 1, in: 1...65_536)
        subdivisions = try reader.integer("subdivisions", default: 1, in: 1...65_536)
        if isStrict, batch > subdivisions { batch -= batch % subdivisions }
        guard batch % subdivisions == 0 else {
            throw reader.error(
                "subdivisions",
                "expected a divisor of batch=\(batch), so that all parts are equal; found \(subdivisions)")
        }
        timeSteps = try reader.integer("time_steps", default: 1, in: 1...65_536)
        guard batch * timeSteps <= 65_536 else {
            throw reader.error(
                "time_steps", "expected batch x time_steps of at most 65536, found \(batch) x \(timeSteps)")
        }
        batch *= timeSteps
        learningRate = try reader.number("learning_rate", default: 0.001, in: 0...1e6)
        momentum = try reader.number("momentum", default: 0.9, in: 0...1)
        decay = try reader.number("decay", default: 0.0001, in: 0...1)
        burnIn = try reader.integer("burn_in", default: 0, in: 0...1_000_000_000)
        power = try reader.number("power", default: 4, in: 0...100)
        maxBatches = try reader.integer("max_batches", default: 0, in: 0...1_000_000_000)
        sampling = try reader.choice("sampling", default: isStrict ? .withReplacement : .epochs)
        switch try reader.choice("policy", default: Policy.constant) {
        case .constant: policy = .constant
        case .step:
            policy = .step(
                every: try reader.integer("step", default: 1, in: updates),
                scale: try reader.number("scale", default: 1))
        case .steps:
            let steps = try reader.integers("steps", in: 0...1_000_000_000)
            let scales = try reader.numbers("scales")
            guard steps.count == scales.count else {
                throw reader.error("scales", "expected one for each of the \(steps.count) steps, found \(scales.count)")
            }
            policy = .steps(at: steps, scales: scales)
        case .exp: policy = .exp(gamma: try reader.number("gamma", default: 1))
        case .poly:
            guard maxBatches > 0 else {
                throw reader.error("max_batches", "policy=poly needs the number of all updates, found none")
            }
            policy = .poly
        case .random: policy = .random
        case .sigmoid:
            policy = .sigmoid(
                step: try reader.integer("step", default: 1, in: updates),
                gamma: try reader.number("gamma", default: 1))
        }
        adam = try reader.flag("adam") ? try Adam(&reader) : nil
        clip = try reader.number("clip", default: 0, in: 0...1e9)
        try reader.refuse("random", because: "the size of the images is that of the sealed data set")
    }
}

extension NetOptions.Adam {
    fileprivate init(_ reader: inout SectionReader) throws(ConfigError) {
        beta1 = try reader.number("B1", default: 0.9, in: 0...0.999999)
        beta2 = try reader.number("B2", default: 0.999, in: 0...0.999999)
        epsilon = try reader.number("eps", default: 1e-7, in: 1e-20...1)
    }
}
