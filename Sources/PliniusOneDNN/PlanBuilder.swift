internal import PliniusNN

/// Turns the layers of a network into the steps of a plan.
final class PlanBuilder {
    let engine: Engine
    let memory = MemoryPlan()
    let input: Tensor
    let truth: Tensor
    private(set) var steps: [any PlannedStep] = []
    private(set) var stepLayers: [Int] = []
    /// Backward ends above the last layer that stops it.
    let lowestLayer: Int

    private let descriptions: [LayerDescription]
    private let arena: ParameterArena
    private let algorithm: ConvolutionAlgorithm
    private let images: Int
    /// Used by one step at a time.
    private let scratch: Region
    /// What the last step made.
    private var current: Tensor

    init(
        _ engine: Engine, layers: [LayerDescription], input shape: Shape, truthCount: Int, images: Int,
        arena: ParameterArena, algorithm: ConvolutionAlgorithm
    ) {
        precondition(images >= 1, "a mini-batch holds at least one image, not \(images)")
        self.engine = engine
        descriptions = layers
        self.arena = arena
        self.algorithm = algorithm
        self.images = images
        lowestLayer = layers.lastIndex(where: \.stopsBackward).map { $0 + 1 } ?? 0
        let inputLayout = ActivationLayout.rows(images: images, shape: shape)
        input = Tensor(layout: inputLayout, region: memory.reserve(floats: inputLayout.floatCount))
        let truthLayout = ActivationLayout.rows(
            images: images, shape: Shape(channels: truthCount, height: 1, width: 1))
        truth = Tensor(layout: truthLayout, region: memory.reserve(floats: truthLayout.floatCount))
        scratch = memory.reserve(floats: 0)
        current = input
    }

    /// Compiles all layers and allocates the plan's memory.
    func build(outputLayer: Int) throws(OneDNNError) -> Plan {
        var output = current
        for layer in descriptions {
            precondition(
                layer.input.count == current.layout.shape.count, "layer \(layer.index) does not fit the one before")
            try append(layer)
            if layer.index == outputLayer { output = current }
        }
        guard !output.layout.isRows else { return Plan(self, output: output, outputStep: nil) }
        let step = try ReorderStep(
            engine, from: output, to: .rows(images: images, shape: output.layout.shape), memory)
        return Plan(self, output: step.output, outputStep: step)
    }

    private func append(_ layer: LayerDescription) throws(OneDNNError) {
        switch layer.kind {
        case .convolutional(let convolution) where convolution.signs == .none:
            try append(convolution, of: layer)
        case .connected(let connected):
            try append(connected, of: layer)
        case .maxpool(let pool):
            append(MaxPoolStep(engine, pool, input: current, shape: layer.output, memory), layer)
        case .avgpool:
            append(AveragePoolStep(engine, input: current, shape: layer.output, memory), layer)
        case .dropout(let probability):
            append(
                DropoutStep(
                    engine, layer: layer.index, probability: probability, input: current, scratch: scratch, memory),
                layer)
        case .softmax(let softmax) where !softmax.isSpatial && softmax.tree == nil:
            try bringIntoRows(layer)
            if !softmax.noLoss { checkTruth(layer) }
            append(SoftmaxStep(softmax, input: current, truth: truth, memory), layer)
        case .cost(let cost):
            try bringIntoRows(layer)
            checkTruth(layer)
            append(CostStep(cost, input: current, truth: truth), layer)
        case .convolutional, .softmax, .batchnorm, .local, .deconvolutional, .normalization, .l2norm, .logistic:
            throw OneDNNError(.noPrimitive, "the plan has no step for layer \(layer.index)")
        }
    }

    private func append(_ step: any PlannedStep, _ layer: LayerDescription) {
        steps.append(step)
        stepLayers.append(layer.index)
        current = step.output
    }

    private func checkTruth(_ layer: LayerDescription) {
        precondition(
            layer.input.count == truth.layout.shape.count,
            "layer \(layer.index) compares \(layer.input.count) numbers with a truth of \(truth.layout.shape.count)")
    }

    // MARK: Layouts

    private func bringIntoRows(_ layer: LayerDescription) throws(OneDNNError) {
        if !current.layout.isRows { try bring(into: .rows(images: images, shape: current.layout.shape), layer) }
    }

    /// Makes the activations lie as `layout` says, with a step for it where the memory differs.
    private func bring(into layout: ActivationLayout, _ layer: LayerDescription) throws(OneDNNError) {
        if current.layout == layout { return }
        if current.layout.isRows && layout.isRows {
            current = Tensor(layout: layout, region: current.region)
        } else {
            append(try ReorderStep(engine, from: current, to: layout, memory), layer)
        }
    }

    // MARK: Learned layers

    /// Whether a layer below learns, so that this one owes it a delta.
    private func asksForInputDelta(_ layer: LayerDescription) -> Bool {
        descriptions[..<layer.index].dropFirst(lowestLayer).contains {
            switch $0.kind {
            case .convolutional, .connected: true
            default: false
            }
        }
    }

    private func append(
        _ convolution: LayerDescription.Convolution, of layer: LayerDescription
    ) throws(OneDNNError) {
        let (from, output, primitives) = try compile(convolution, of: layer)
        try bring(into: from, layer)
        try append(
            primitives, output: output, activation: convolution.activation,
            batchNormalize: convolution.batchNormalize, layer)
    }

    /// Looks for the layouts for which oneDNN has more than its plain loops, the fastest first.
    private func compile(
        _ convolution: LayerDescription.Convolution, of layer: LayerDescription
    ) throws(OneDNNError) -> (from: ActivationLayout, to: ActivationLayout, WeightedSumPrimitives) {
        func layouts(_ inputBlock: Int, _ outputBlock: Int) -> (ActivationLayout, ActivationLayout) {
            (
                ActivationLayout(images: images, shape: layer.input, block: inputBlock),
                ActivationLayout(images: images, shape: layer.output, block: outputBlock)
            )
        }
        let inputBlock = Engine.block(forChannels: layer.input.channels)
        let outputBlock = Engine.block(forChannels: layer.output.channels)
        var candidates = [
            layouts(inputBlock, outputBlock),
            layouts(layer.input.channels, layer.output.channels),
            layouts(1, 1),
        ]
        if current.layout.block == 1, layer.input.channels < inputBlock {
            // Padding the few channels of an image to a whole block would multiply its size.
            candidates.insert(layouts(1, outputBlock), at: 0)
        }
        var plain: (ActivationLayout, ActivationLayout, WeightedSumPrimitives)?
        var failure: OneDNNError?
        for (from, to) in candidates {
            do throws(OneDNNError) {
                let primitives = try WeightedSumPrimitives.convolution(
                    engine, convolution, from: from, to: to, algorithm: algorithm,
                    asksForInputDelta: asksForInputDelta(layer))
                if !primitives.isPlain { return (from, to, primitives) }
                plain = plain ?? (from, to, primitives)
            } catch {
                failure = failure ?? error
            }
        }
        if let plain { return plain }
        throw failure ?? OneDNNError(.noPrimitive, "oneDNN has no convolution for layer \(layer.index)")
    }

    private func append(_ connected: LayerDescription.Connected, of layer: LayerDescription) throws(OneDNNError) {
        try bringIntoRows(layer)
        let primitives = try WeightedSumPrimitives.connected(
            engine, connected, from: current.layout, asksForInputDelta: asksForInputDelta(layer))
        try append(
            primitives, output: .rows(images: images, shape: layer.output), activation: connected.activation,
            batchNormalize: connected.batchNormalize, layer)
    }

    private func append(
        _ primitives: WeightedSumPrimitives, output: ActivationLayout, activation: Activation, batchNormalize: Bool,
        _ layer: LayerDescription
    ) throws(OneDNNError) {
        let parameters = LayerParameters(layer, arena: arena)
        let sum = try WeightedSum(
            engine, primitives, input: current, output: output, parameters: parameters, hasBias: !batchNormalize,
            scratch: scratch, memory)
        append(
            LearnedStep(
                engine, sum, activation: activation, batchNormalize: batchNormalize, parameters: parameters,
                scratch: scratch, memory),
            layer)
    }
}
