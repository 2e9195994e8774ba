internal import COneDNN
internal import PliniusNN

/// A convolutional or a connected layer: a weighted sum, batch normalisation or a bias, and an activation.
final class LearnedStep: PlannedStep {
    let output: Tensor
    let sum: WeightedSum
    private let engine: Engine
    private let parameters: LayerParameters
    /// The weighted sums; the output's own memory where no normalisation needs them later.
    private let sums: Tensor
    private let normalization: Normalization?
    private let function: ActivationFunction
    private let scratch: Region
    private let biasSums: Region
    private var delta: Region?

    var learns: Bool { true }
    var passing: [Region] { [sums.region] }
    /// Normalisation and what is fused go back from the sums.
    var rereadsOutput: Bool { !function.isFused }

    init(
        _ engine: Engine, _ sum: WeightedSum, activation: Activation, batchNormalize: Bool,
        parameters: LayerParameters, scratch: Region, _ memory: MemoryPlan
    ) {
        self.engine = engine
        self.sum = sum
        self.parameters = parameters
        self.scratch = scratch
        function = ActivationFunction(activation)
        output = Tensor(layout: sum.output, region: memory.reserve(floats: sum.output.floatCount))
        if batchNormalize {
            sums = Tensor(layout: sum.output, region: memory.reserve(floats: sum.output.floatCount))
            normalization = Normalization(
                engine, input: sums, function: function, parameters: parameters, scratch: scratch, memory)
        } else {
            sums = output
            normalization = nil
            scratch.grow(toFloats: conednn_sums_count(sum.output.extents))
        }
        biasSums = memory.reserve(bytes: sum.output.shape.channels * MemoryLayout<Double>.stride)
    }

    func bind(delta: Region, inputDelta: Region?) {
        self.delta = delta
        sum.bind(sums: sums.region, delta: delta, inputDelta: inputDelta)
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        sum.forward()
        if let normalization {
            normalization.forward(pass.mode, to: output)
        } else {
            unsafe conednn_bend(
                engine.pointer, Int64(output.layout.floatCount), function.fused, output.region.floats)
        }
        function.finish(engine, output)
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard let delta else { return }
        function.beginBackward(engine, output: output, delta: delta)
        if let normalization {
            normalization.backward(delta: delta)
        } else {
            unsafe conednn_bend_backward(
                engine.pointer, Int64(output.layout.floatCount), function.fused, output.region.floats, delta.floats)
            unsafe conednn_channel_sums(
                engine.pointer, output.layout.extents, delta.floats, scratch.floats, biasSums.doubles)
            let momentum = parameters[.biasMomentum]
            for channel in 0..<momentum.count { momentum[channel] += unsafe Float(biasSums.doubles[channel]) }
        }
        sum.backward()
    }

    func update(_ step: SolverStep) {
        parameters.update(step, engine)
        pack()
    }

    func pack() { sum.pack() }

    func isFinite(_ engine: Engine) -> Bool {
        parameters.isFinite(engine) && sums.isFinite(engine) && output.isFinite(engine)
    }
}
