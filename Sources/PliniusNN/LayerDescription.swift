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
        case region(AnchorBoxes)
        case yolo(AnchorBoxes)
        case detection(GridBoxes)
        case iseg(InstanceMasks)
        case local(Local)
        case deconvolutional(Deconvolution)
        /// Local response normalisation across channels.
        case normalization(Normalization)
        /// Each position's channels divided by their Euclidean length.
        case l2norm
        /// Probabilities that do not exclude each other, with their cross-entropy as the cost.
        case logistic
        case route(Route)
        case shortcut(Shortcut)
        case activation(Activation)
        case upsample(Upsample)
        case reorg(Reorg)
        case crop(Crop)
        case recurrent(Recurrent)
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
        public var signs = Signs.none

        /// What forward replaces by its signs.
        public enum Signs: UInt8, Hashable, Sendable {
            case none
            /// Darknet's `binary`.
            case weights
            /// Darknet's `xnor`.
            case weightsAndInputs
        }
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
        /// Whether the channels of each position are a group.
        public var isSpatial = false
        /// The classes' hierarchy, whose groups of siblings are the groups; only the layer that predicts has one.
        public var tree: ClassTree?
    }

    public struct Cost: Hashable, Sendable {
        public enum Form: String, Hashable, Sendable, CaseIterable {
            case sse, masked, l1 = "L1", seg, smooth, wgan
        }
        public var form: Form
        public var scale: Float
        /// What `seg` multiplies error and delta by where the truth is zero.
        public var backgroundScale: Float
        /// Part of the truth that is shared out evenly among all elements.
        public var smoothing: Float
        /// Deltas below this, divided by the number of elements, are left out.
        public var threshold: Float

        /// Whether it measures the form alone.
        package var isPlain: Bool { backgroundScale == 1 && smoothing == 0 && threshold == 0 }
    }

    /// A convolution whose every position has weights and biases of its own.
    public struct Local: Hashable, Sendable {
        public var filters: Int
        public var size: Int
        public var stride: Int
        /// Zeros before the image; behind it are as many as the last window needs.
        public var padding: Int
        public var activation: Activation
    }

    /// A convolution backwards: each input position adds a window to the output.
    public struct Deconvolution: Hashable, Sendable {
        public var filters: Int
        public var size: Int
        public var stride: Int
        /// What is cut off every side of the output.
        public var padding: Int
        public var batchNormalize: Bool
        public var activation: Activation
    }

    public struct Normalization: Hashable, Sendable {
        /// Channels in a window.
        public var size: Int
        /// Factor of the sum of squares, which is not divided by the size.
        public var alpha: Float
        public var beta: Float
        public var kappa: Float
    }

    /// Puts channels of several layers one after the other; images of different sizes become flat.
    public struct Route: Hashable, Sendable {
        /// Indices of the layers, in order; -1 is the network's input.
        public var layers: [Int]
        /// Into how many equal parts the channels of each layer are cut.
        public var groups: Int
        /// The part that is taken, from 0.
        public var group: Int
    }

    /// Adds another layer to the one before: `activation(alpha * before + beta * other)`.
    ///
    /// Where their shapes differ, the corner and the channels that both have are added: the larger image is read or written
    /// at every `ratio`-th position, and what the other has not keeps the value of the layer before.
    public struct Shortcut: Hashable, Sendable {
        /// Index of the other layer; -1 is the network's input.
        public var from: Int
        public var activation: Activation
        public var alpha: Float
        public var beta: Float
    }

    /// Makes each pixel a square of pixels.
    public struct Upsample: Hashable, Sendable {
        /// Side of a square.
        public var stride: Int
        /// Whether it goes the other way: squares are summed up into pixels.
        public var reduces: Bool
        /// Factor of every value.
        public var scale: Float
    }

    /// Puts the elements of an image into another order, in Darknet's forms.
    public struct Reorg: Hashable, Sendable {
        /// Side of the squares of pixels that become channels.
        ///
        /// Darknet reads the image as one that is `stride` times as wide and high with fewer channels; networks that were
        /// trained so depend on it.
        public var stride: Int
        /// Whether channels become squares, or what was flattened images again.
        public var reverse: Bool
        /// Whether instead all channels of a position come together.
        public var flatten: Bool
        /// Zeros behind the elements, which then keep their order.
        public var extra: Int
    }

    /// Cuts a window out of each image.
    public struct Crop: Hashable, Sendable {
        public var height: Int
        public var width: Int
        /// Whether every other image is mirrored in training.
        public var flips: Bool
        /// Whether values from 0 to 1 become -1 to 1.
        public var adjusts: Bool
    }

    /// A layer that hands a state on from one time step to the next; see `RecurrentLayer` for the equations.
    public struct Recurrent: Hashable, Sendable {
        public enum Cell: UInt8, Hashable, Sendable {
            // What a run's identity calls them.
            case rnn = 24
            case gru = 25
            case lstm = 26
            case crnn = 27
        }

        public var cell: Cell
        /// Channels of the output.
        public var outputs: Int
        /// Channels of the state: in all cells but `crnn` those of the output.
        public var hidden: Int
        public var batchNormalize: Bool
        /// Whether `rnn` and `crnn` add the state of the step before.
        public var shortcut: Bool
        /// Of all parts of `rnn` and `crnn`, and of what `gru` remembers anew; `lstm` has its own.
        public var activation: Activation
    }

    /// What Darknet's `.weights` files hold of a layer; it counts for nothing else.
    public struct Exchange: Hashable, Sendable {
        public var isSaved = true
        public var isLoaded = true
        /// Whether files that are read have scales and rolling statistics.
        public var loadsScales = true
        /// How many filters files that are read have, if not all.
        public var loadedFilters: Int?
        /// Whether files that are read have (channels × size × size, filters) weights.
        public var isFlipped = false
    }

    /// Index in the network, from 0.
    public var index: Int
    public var kind: Kind
    /// Shape of the first of its sources.
    public var input: Shape
    public var output: Shape
    /// Multiplier on the network's learning rate.
    public var learningRateScale: Float
    /// Whether backward propagation ends at this layer.
    public var stopsBackward: Bool
    /// Whether its numbers are repaired ones.
    public var compatibility: Compatibility
    /// What Darknet's `.weights` files hold of it.
    public var exchange = Exchange()
    /// Whether later losses compare with what it makes.
    public var isTruth: Bool
    /// The layer that its own loss compares with; nil if that is the data set's truth.
    public var truthLayer: Int?
    /// Line of the section header in the configuration, from 1.
    public var line: Int

    /// What it reads: indices of layers before it; -1 is the network's input.
    public var sources: [Int] {
        switch kind {
        case .route(let route): route.layers
        case .shortcut(let shortcut): [index - 1, shortcut.from]
        default: [index - 1]
        }
    }
}
