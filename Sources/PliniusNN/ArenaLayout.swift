/// What a tensor of the arena holds.
public enum TensorRole: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case biases = 1
    case scales = 2
    case rollingMean = 3
    case rollingVariance = 4
    case weights = 5
    /// Velocity of the biases, as Darknet keeps it: a sum over images, not a mean.
    case biasMomentum = 6
    case scaleMomentum = 7
    case weightMomentum = 8
    // Adam's means of the gradients and of their squares; what the momentum tensors hold are then the sums themselves,
    // zero after each update.
    case biasMean = 9
    case biasSquare = 10
    case scaleMean = 11
    case scaleSquare = 12
    case weightMean = 13
    case weightSquare = 14

    public var description: String {
        switch self {
        case .biases: "biases"
        case .scales: "scales"
        case .rollingMean: "rolling_mean"
        case .rollingVariance: "rolling_variance"
        case .weights: "weights"
        case .biasMomentum: "bias_momentum"
        case .scaleMomentum: "scale_momentum"
        case .weightMomentum: "weight_momentum"
        case .biasMean: "bias_mean"
        case .biasSquare: "bias_square"
        case .scaleMean: "scale_mean"
        case .scaleSquare: "scale_square"
        case .weightMean: "weight_mean"
        case .weightSquare: "weight_square"
        }
    }

    /// What a solver works on: parameters, the sums of their gradients or velocity, and Adam's means.
    package static let learned: [(values: Self, momentum: Self, mean: Self, square: Self)] = [
        (.biases, .biasMomentum, .biasMean, .biasSquare), (.scales, .scaleMomentum, .scaleMean, .scaleSquare),
        (.weights, .weightMomentum, .weightMean, .weightSquare),
    ]

    /// Whether Darknet's `.weights` files hold it.
    public var isExported: Bool { rawValue <= TensorRole.weights.rawValue }
}

/// One tensor's place in the arena.
public struct ArenaTensor: Hashable, Sendable {
    /// Index of its layer in the network, from 0.
    public let layer: Int
    /// Which of a recurrent layer's parts it belongs to, see ``LayerDescription/parts``; 0 in layers of one part.
    public let part: Int
    public let role: TensorRole
    /// First element, in floats from the start of the arena; a multiple of 16, so that it begins a cache line.
    public let offset: Int
    /// Extents, outermost first; convolution weights are (filters, channels / groups, size, size), those of a deconvolution
    /// (channels, filters, size, size), local ones (positions, filters, channels, size, size), connected ones (outputs, inputs).
    public let shape: [Int]

    /// The number of floats.
    public var count: Int { shape.reduce(1, *) }
}

/// The table of the arena: where each tensor of a network lies.
public struct ArenaLayout: Hashable, Sendable {
    /// All tensors by ascending offset; per layer part by part, each in the order of ``TensorRole``.
    public private(set) var tensors: [ArenaTensor] = []
    /// Length of the arena in floats, padding included.
    public private(set) var floatCount = 0

    /// Starts empty.
    public init() {}

    /// Length of the arena in bytes.
    public var byteCount: Int { floatCount * MemoryLayout<Float>.size }

    /// Number of learnable floats and rolling statistics: what Darknet counts as parameters.
    public var parameterCount: Int {
        tensors.reduce(0) { $0 + ($1.role.isExported ? $1.count : 0) }
    }

    /// Places one more tensor behind the others.
    public mutating func append(layer: Int, part: Int = 0, role: TensorRole, shape: [Int]) {
        let tensor = ArenaTensor(layer: layer, part: part, role: role, offset: floatCount, shape: shape)
        tensors.append(tensor)
        floatCount += (tensor.count + 15) / 16 * 16
    }

    /// Finds a tensor.
    /// - Complexity: O(number of tensors); look it up once and keep it.
    public func tensor(layer: Int, part: Int = 0, role: TensorRole) -> ArenaTensor? {
        tensors.first { $0.layer == layer && $0.part == part && $0.role == role }
    }
}
