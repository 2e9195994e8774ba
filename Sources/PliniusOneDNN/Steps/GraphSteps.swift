internal import COneDNN
internal import PliniusNN

/// Puts channels of its inputs one after the other; of each of them, those of one group.
///
/// Blocks of channels stay blocks where all inputs lie in the same blocks and no block is cut; otherwise all are rows.
final class RouteStep: PlannedStep {
    private let engine: Engine
    private let inputs: [Tensor]
    let output: Tensor
    private let route: LayerDescription.Route
    private var delta: Region?
    private var targets: [DeltaTarget?] = []

    var addsDeltas: Bool { true }
    var rereadsInput: Bool { false }
    var rereadsOutput: Bool { false }

    /// - Precondition: there is a block for these layouts.
    init(
        _ engine: Engine, _ route: LayerDescription.Route, inputs: [Tensor], shape: Shape, _ memory: MemoryPlan
    ) {
        guard let block = Self.block(route, inputs.map(\.layout), output: shape) else {
            preconditionFailure("a route takes rows, or whole blocks of channels")
        }
        self.engine = engine
        self.route = route
        self.inputs = inputs
        let layout = ActivationLayout(images: inputs[0].layout.images, shape: shape, block: block)
        output = Tensor(layout: layout, region: memory.reserve(floats: layout.floatCount))
    }

    /// The output's block if the inputs may stay as they lie; nil if they have to become rows.
    static func block(
        _ route: LayerDescription.Route, _ layouts: [ActivationLayout], output shape: Shape
    ) -> Int? {
        if layouts.allSatisfy(\.isRows) { return shape.area == 1 ? shape.channels : 1 }
        let block = layouts[0].block
        guard [8, 16].contains(block) else { return nil }
        let isWhole = layouts.allSatisfy {
            $0.block == block && $0.shape.channels / route.groups % block == 0 && $0.shape.area == shape.area
        }
        return isWhole ? block : nil
    }

    func bind(delta: Region, inputDelta: Region?) { preconditionFailure("a route has a target for each input") }

    func bind(delta: Region, inputDeltas: [DeltaTarget?]) {
        self.delta = delta
        targets = inputDeltas
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        var start = 0
        for input in inputs {
            let (size, count) = (input.layout.shape.count, input.layout.shape.count / route.groups)
            let rows = conednn_rows(
                rows: Int64(input.layout.images), width: Int64(count), source_pitch: Int64(size),
                target_pitch: Int64(output.layout.shape.count))
            unsafe conednn_copy_rows(
                engine.pointer, rows, false, input.region.floats + route.group * count, output.region.floats + start)
            start += count
        }
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard let delta else { return }
        var start = 0
        for (input, target) in zip(inputs, targets) {
            let (size, count) = (input.layout.shape.count, input.layout.shape.count / route.groups)
            defer { start += count }
            guard let target else { continue }
            // The other groups get nothing from here.
            if !target.adds, count < size {
                unsafe target.region.floats.update(repeating: 0, count: input.layout.floatCount)
            }
            let rows = conednn_rows(
                rows: Int64(input.layout.images), width: Int64(count),
                source_pitch: Int64(output.layout.shape.count), target_pitch: Int64(size))
            unsafe conednn_copy_rows(
                engine.pointer, rows, target.adds, delta.floats + start,
                target.region.floats + route.group * count)
        }
    }
}

/// Adds one or two inputs that lie alike, each with a factor, and applies an activation.
final class SumStep: PlannedStep {
    private let engine: Engine
    private let inputs: [Tensor]
    private let factors: [Float]
    private let function: ActivationFunction
    let output: Tensor
    private var delta: Region?
    private var targets: [DeltaTarget?] = []

    var addsDeltas: Bool { true }
    var rereadsInput: Bool { false }
    var rereadsOutput: Bool { !function.isLinear }
    var keepsDeltaInPlace: Bool { true }

    init(_ engine: Engine, inputs: [Tensor], factors: [Float], activation: Activation, _ memory: MemoryPlan) {
        self.engine = engine
        self.inputs = inputs
        self.factors = factors
        function = ActivationFunction(activation)
        let layout = inputs[0].layout
        output = Tensor(layout: layout, region: memory.reserve(floats: layout.floatCount))
    }

    private var count: Int64 { Int64(output.layout.floatCount) }

    func bind(delta: Region, inputDelta: Region?) { preconditionFailure("a sum has a target for each input") }

    func bind(delta: Region, inputDeltas: [DeltaTarget?]) {
        self.delta = delta
        targets = inputDeltas
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        let other = inputs.count > 1 ? (factor: factors[1], region: inputs[1].region) : nil
        unsafe conednn_combine(
            engine.pointer, count, factors[0], inputs[0].region.floats, other?.factor ?? 0, other?.region.floats,
            output.region.floats)
        unsafe conednn_bend(engine.pointer, count, function.fused, output.region.floats)
        function.finish(engine, output)
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard let delta else { return }
        function.beginBackward(engine, output: output, delta: delta)
        unsafe conednn_bend_backward(engine.pointer, count, function.fused, output.region.floats, delta.floats)
        var ownFactor: Float = 1
        for (target, factor) in zip(targets, factors) {
            guard let target else { continue }
            if target.region === delta {
                ownFactor = factor
                continue
            }
            unsafe conednn_combine(
                engine.pointer, count, factor, delta.floats, 1, target.adds ? target.region.floats : nil,
                target.region.floats)
        }
        if ownFactor != 1 {
            unsafe conednn_combine(engine.pointer, count, ownFactor, delta.floats, 1, nil, delta.floats)
        }
    }
}
