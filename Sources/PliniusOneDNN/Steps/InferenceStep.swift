internal import COneDNN
internal import PliniusNN

/// A convolutional or a connected layer of a plan that only infers: one primitive, and a pass for what it leaves of the activation.
///
/// With rolling statistics, scale·(w·x − μ) / (√v + 1e-6) + bias is a weighted sum itself: of f·w and bias − f·μ, where
/// f = scale / (√v + 1e-6). Both are made when the parameters change, in memory of the plan.
final class InferenceStep: PlannedStep {
    let output: Tensor
    private let engine: Engine
    private let input: Tensor
    private let parameters: LayerParameters
    private let batchNormalize: Bool
    private let primitives: WeightedSumPrimitives
    private let packing: Primitive
    /// Weights as the arena has them, multiplied; used by one step at a time.
    private let folded: Region
    private let weights: Region
    private let bias: Region
    private let scratch: Region
    private let function: ActivationFunction

    /// oneDNN's name of the code that runs.
    var implementation: String { primitives.forward.implementation }

    init(
        _ engine: Engine, _ primitives: WeightedSumPrimitives, input: Tensor, output: ActivationLayout,
        activation: Activation, batchNormalize: Bool, parameters: LayerParameters, folded: Region, scratch: Region,
        _ memory: MemoryPlan
    ) throws(OneDNNError) {
        self.engine = engine
        self.input = input
        self.parameters = parameters
        self.batchNormalize = batchNormalize
        self.primitives = primitives
        self.folded = folded
        self.scratch = scratch
        function = ActivationFunction(activation)
        self.output = Tensor(layout: output, region: memory.reserve(floats: output.floatCount))
        let layout = primitives.forward.layout(of: .weights)
        weights = memory.reserve(bytes: layout.byteCount)
        bias = memory.reserve(floats: output.shape.channels)
        packing = try .reorder(engine, from: primitives.weights, to: layout)
        folded.grow(toFloats: parameters[.weights].count)
        for primitive in [primitives.forward, packing] { scratch.grow(toBytes: primitive.byteCount(of: .scratch)) }
    }

    func bind(delta: Region, inputDelta: Region?) {
        let forward = primitives.forward
        unsafe forward.bind(.source, input.region.address)
        unsafe forward.bind(.weights, weights.address)
        unsafe forward.bind(.bias, bias.address)
        unsafe forward.bind(.destination, output.region.address)
        unsafe packing.bind(.source, folded.address)
        unsafe packing.bind(.destination, weights.address)
        for primitive in [forward, packing] where primitive.byteCount(of: .scratch) > 0 {
            unsafe primitive.bind(.scratch, scratch.address)
        }
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        primitives.forward.run()
        if primitives.negativeSlope == 1 {
            unsafe conednn_bend(engine.pointer, Int64(output.layout.floatCount), function.fused, output.region.floats)
        }
        function.finish(engine, output)
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) { preconditionFailure("what only infers has no gradients") }

    func pack() {
        let biases = parameters[.biases]
        let source = parameters[.weights]
        let target = folded.values(source.count)
        let count = source.count / biases.count
        let bias = bias.values(biases.count)
        for channel in 0..<biases.count {
            var factor: Float = 1
            bias[channel] = biases[channel]
            if batchNormalize {
                factor = Normalization.factor(
                    scale: parameters[.scales][channel], variance: parameters[.rollingVariance][channel])
                bias[channel] -= factor * parameters[.rollingMean][channel]
            }
            for index in channel * count..<(channel + 1) * count { target[index] = source[index] * factor }
        }
        packing.run()
    }

    func isFinite(_ engine: Engine) -> Bool { parameters.isFinite(engine) }
}
