internal import PliniusNN

extension WeightedSumPrimitives {
    /// What a weighted sum is compiled for.
    enum Purpose {
        case training(asksForInputDelta: Bool)
        /// With a bias always, and with what may become of negative sums in the same pass over memory; 1 is nothing.
        case inference(negativeSlope: Float)
    }

    /// Compiles a convolution between two layouts.
    static func convolution(
        _ engine: Engine, _ convolution: LayerDescription.Convolution, from input: ActivationLayout,
        to output: ActivationLayout, algorithm: ConvolutionAlgorithm, for purpose: Purpose
    ) throws(OneDNNError) -> WeightedSumPrimitives {
        let source = try input.tensorLayout()
        let destination = try output.tensorLayout()
        let channels = input.shape.channels / convolution.groups
        let kernel = [channels, convolution.size, convolution.size]
        let extents =
            convolution.groups == 1
            ? [convolution.filters] + kernel
            : [convolution.groups, convolution.filters / convolution.groups] + kernel
        let anyWeights = try TensorLayout(extents, .any)
        let bias = try TensorLayout([convolution.filters], .rowMajor)

        return try make(
            TensorLayout(extents, .rowMajor), bias: bias, batchNormalize: convolution.batchNormalize, for: purpose,
            hasWinograd: algorithm == .winograd && suitsWinograd(convolution, input, output)
        ) { pass, winograd, bias, slope throws(OneDNNError) in
            try .convolution(
                engine, pass, winograd: winograd, stride: convolution.stride, padding: convolution.padding,
                source: source, weights: anyWeights, bias: bias, destination: destination, negativeSlope: slope)
        }
    }

    /// Compiles a product of rows and weights.
    static func connected(
        _ engine: Engine, _ connected: LayerDescription.Connected, from input: ActivationLayout, for purpose: Purpose
    ) throws(OneDNNError) -> WeightedSumPrimitives {
        let source = try TensorLayout([input.images, input.shape.count], .rowMajor)
        let destination = try TensorLayout([input.images, connected.outputs], .rowMajor)
        let extents = [connected.outputs, input.shape.count]
        let anyWeights = try TensorLayout(extents, .any)
        let bias = try TensorLayout([connected.outputs], .rowMajor)
        return try make(
            TensorLayout(extents, .rowMajor), bias: bias, batchNormalize: connected.batchNormalize, for: purpose
        ) { pass, _, bias, slope throws(OneDNNError) in
            try .innerProduct(
                engine, pass, source: source, weights: anyWeights, bias: bias, destination: destination,
                negativeSlope: slope)
        }
    }

    private typealias Compile = (
        _ pass: Primitive.Pass, _ winograd: Bool, _ bias: TensorLayout?, _ negativeSlope: Float
    ) throws(OneDNNError) -> Primitive

    private static func make(
        _ weights: TensorLayout, bias: TensorLayout, batchNormalize: Bool, for purpose: Purpose,
        hasWinograd: Bool = false, _ compile: Compile
    ) throws(OneDNNError) -> WeightedSumPrimitives {
        func best(
            _ pass: Primitive.Pass, _ bias: TensorLayout? = nil, slope: Float = 1
        ) throws(OneDNNError) -> Primitive {
            if hasWinograd, let primitive = try? compile(pass, true, bias, slope) { return primitive }
            return try compile(pass, false, bias, slope)
        }
        switch purpose {
        case .training(let asksForInputDelta):
            return WeightedSumPrimitives(
                weights: weights, forward: try best(.forward, batchNormalize ? nil : bias),
                inputGradient: asksForInputDelta ? try best(.inputGradient) : nil,
                weightGradient: try best(.weightGradient))
        case .inference(let slope):
            if slope != 1, let forward = try? best(.inference, bias, slope: slope), !forward.isPlain {
                return WeightedSumPrimitives(weights: weights, forward: forward, negativeSlope: slope)
            }
            return WeightedSumPrimitives(weights: weights, forward: try best(.inference, bias))
        }
    }

    /// Whether Winograd's algorithm beats direct sums.
    ///
    /// Measured on AVX-512: tiles of 4×4 outputs that hang over the edge are computed for nothing, and with few channels the way to
    /// the points and back costs more than the products that it saves.
    private static func suitsWinograd(
        _ convolution: LayerDescription.Convolution, _ input: ActivationLayout, _ output: ActivationLayout
    ) -> Bool {
        guard convolution.size == 3, convolution.stride == 1, convolution.groups == 1 else { return false }
        let shape = output.shape
        let tiles = ((shape.height + 3) / 4) * ((shape.width + 3) / 4)
        return min(input.shape.channels, shape.channels) >= 16 && 2 * shape.area >= 16 * tiles
    }
}
