internal import PliniusNN

extension WeightedSumPrimitives {
    /// Compiles a convolution between two layouts.
    static func convolution(
        _ engine: Engine, _ convolution: LayerDescription.Convolution, from input: ActivationLayout,
        to output: ActivationLayout, algorithm: ConvolutionAlgorithm, asksForInputDelta: Bool
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
        let bias = convolution.batchNormalize ? nil : try TensorLayout([convolution.filters], .rowMajor)

        func make(_ pass: Primitive.Pass) throws(OneDNNError) -> Primitive {
            func make(winograd: Bool) throws(OneDNNError) -> Primitive {
                try .convolution(
                    engine, pass, winograd: winograd, stride: convolution.stride, padding: convolution.padding,
                    source: source, weights: anyWeights, bias: pass == .forward ? bias : nil, destination: destination)
            }
            if algorithm == .winograd, suitsWinograd(convolution, input, output),
                let primitive = try? make(winograd: true)
            {
                return primitive
            }
            return try make(winograd: false)
        }
        return WeightedSumPrimitives(
            weights: try TensorLayout(extents, .rowMajor),
            forward: try make(.forward),
            inputGradient: asksForInputDelta ? try make(.inputGradient) : nil,
            weightGradient: try make(.weightGradient))
    }

    /// Compiles a product of rows and weights.
    static func connected(
        _ engine: Engine, _ connected: LayerDescription.Connected, from input: ActivationLayout, asksForInputDelta: Bool
    ) throws(OneDNNError) -> WeightedSumPrimitives {
        let source = try TensorLayout([input.images, input.shape.count], .rowMajor)
        let destination = try TensorLayout([input.images, connected.outputs], .rowMajor)
        let extents = [connected.outputs, input.shape.count]
        let anyWeights = try TensorLayout(extents, .any)
        let bias = connected.batchNormalize ? nil : try TensorLayout([connected.outputs], .rowMajor)
        func make(_ pass: Primitive.Pass) throws(OneDNNError) -> Primitive {
            try .innerProduct(
                engine, pass, source: source, weights: anyWeights, bias: pass == .forward ? bias : nil,
                destination: destination)
        }
        return WeightedSumPrimitives(
            weights: try TensorLayout(extents, .rowMajor),
            forward: try make(.forward),
            inputGradient: asksForInputDelta ? try make(.inputGradient) : nil,
            weightGradient: try make(.weightGradient))
    }

    /// Whether Winograd's algorithm beats direct sums.
    ///
    /// Measured on AVX-512: with few channels the transforms cost more than they save, tiles of 4×4 outputs that hang over the edge
    /// are computed for nothing, and the transform of the weights wants enough tiles to serve.
    private static func suitsWinograd(
        _ convolution: LayerDescription.Convolution, _ input: ActivationLayout, _ output: ActivationLayout
    ) -> Bool {
        guard convolution.size == 3, convolution.stride == 1, convolution.groups == 1 else { return false }
        let shape = output.shape
        let tiles = ((shape.height + 3) / 4) * ((shape.width + 3) / 4)
        return min(input.shape.channels, shape.channels) >= 32
            && tiles * output.images >= 32
            && Double(shape.area) >= 0.6 * Double(16 * tiles)
    }
}
