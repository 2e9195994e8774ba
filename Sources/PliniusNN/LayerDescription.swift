/// One layer of a network, as its section of the configuration says.
public struct LayerDescription: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case convolutional(Convolution)
        case connected(Connected)
        case maxpool(MaxPool)
        case avgpool
        case dropout(probability: Float)
        case softmax(Softmax)
        case cost(Cost)
        /// Batch normalisation that stands alone, with scales and biases that learn.
        case batchnorm
    }

    public struct Convolution: Hashable, Sendable {
        public var filters: Int
        public var size: Int
        public var stride: Int
        /// Zeros added on every side.
        public var padding: Int
        public var groups: Int
        public var batchNormalize: Bool
        public var activation: Activation
    }

    public struct Connected: Hashable, Sendable {
        public var outputs: Int
        public var batchNormalize: Bool
        public var activation: Activation
    }

    public struct MaxPool: Hashable, Sendable {
        public var size: Int
        public var stride: Int
        /// Total over both sides; a window starts at `-(padding / 2) + i * stride`.
        public var padding: Int
    }

    public struct Softmax: Hashable, Sendable {
        public var groups: Int
        public var temperature: Float
        /// Whether to predict only, with no loss.
        public var noLoss: Bool
    }

    public struct Cost: Hashable, Sendable {
        public enum Form: String, Hashable, Sendable, CaseIterable {
            case sse, masked, l1 = "L1", seg, smooth, wgan
        }
        public var form: Form
        public var scale: Float
    }

    /// Index in the network, from 0.
    public var index: Int
    public var kind: Kind
    public var input: Shape
    public var output: Shape
    /// Multiplier on the network's learning rate.
    public var learningRateScale: Float
    /// Whether backward propagation ends at this layer.
    public var stopsBackward: Bool
    /// Line of the section header in the configuration, from 1.
    public var line: Int
}
