internal import PliniusNN
internal import _PliniusSupport

/// Runs a layer for which there is no step of its own on the reference kernels; inputs and output are rows.
final class ReferenceStep: PlannedStep {
    private let layer: RowLayer
    private let inputs: [Tensor]
    private let truth: Tensor
    let output: Tensor

    var learns: Bool { layer.learns }
    var ownsCost: Bool { layer.ownsCost }
    var addsDeltas: Bool { true }

    /// - Parameter pool: whose threads run the kernels.
    init(
        _ layer: LayerDescription, inputs: [Tensor], truth: Tensor, images: Int, timeSteps: Int, arena: ParameterArena,
        pool: WorkerPool, _ memory: MemoryPlan
    ) {
        precondition(inputs.allSatisfy(\.layout.isRows), "the reference kernels take rows")
        self.inputs = inputs
        self.truth = truth
        self.layer = RowLayer(
            layer, inputs: inputs.map(\.layout.shape), truth: truth.layout.shape, images: images, timeSteps: timeSteps,
            arena: arena, pool: pool)
        let layout = ActivationLayout.rows(images: images, shape: layer.output)
        output = Tensor(layout: layout, region: memory.reserve(floats: layout.floatCount))
    }

    func bind(delta: Region, inputDelta: Region?) { preconditionFailure("there is a target for each input") }

    func bind(delta: Region, inputDeltas: [DeltaTarget?]) {
        layer.bind(
            RowLayer.Rows(
                inputs: inputs.map { rows($0.region, $0) }, truth: rows(truth.region, truth),
                output: rows(output.region, output), delta: rows(delta, output),
                inputDeltas: zip(inputs, inputDeltas).map { input, target in
                    target.map { (rows($0.region, input), $0.adds) }
                }))
    }

    private func rows(_ region: Region, _ tensor: Tensor) -> Buffer<Float> {
        unsafe Buffer(base: region.floats, count: tensor.layout.floatCount)
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double { layer.forward(pass, hasTruth: hasTruth) }
    func backward(_ pass: Pass, hasTruth: Bool) { layer.backward(pass, hasTruth: hasTruth) }
    func update(_ step: SolverStep) { layer.update(step) }
    func resetState() { layer.resetState() }
    func isFinite(_ engine: Engine) -> Bool { layer.isFinite }
}
