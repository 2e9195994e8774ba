internal import PliniusNN
internal import _PliniusSupport

/// Turns the layers of a network into the steps of a plan.
final class PlanBuilder {
    let engine: Engine
    let memory = MemoryPlan()
    let input: Tensor
    let truth: Tensor
    /// What losses compare with: the truth, or the output of the last layer that takes its place.
    private var goal: Tensor
    private var goals: [Region] = []
    private(set) var steps: [any PlannedStep] = []
    private(set) var stepLayers: [Int] = []
    /// The steps as far as their deltas go.
    private(set) var graph: [DeltaPlan.Step] = []
    /// The first step that may learn: backward ends above the last layer that stops it.
    var firstLearning: Int { stepLayers.firstIndex { $0 >= lowestLayer } ?? steps.count }

    private let lowestLayer: Int

    private let descriptions: [LayerDescription]
    private let arena: ParameterArena
    private let algorithm: ConvolutionAlgorithm
    private let images: Int
    private let timeSteps: Int
    /// Whether the plan only infers: nothing learns, and no layer's output is kept longer than it is read.
    private let onlyInfers: Bool
    /// Whether weights stay packed from one change to the next.
    private let keepsPacked: Bool
    /// Used by one step at a time.
    private let scratch: Region
    private let exchange: Region
    /// Runs the layers that have no step of their own; its threads sleep between.
    private var kernels: WorkerPool?
    /// What the layer at hand reads, and the step that made it; -1 is the input.
    private var current: Tensor
    private var currentStep = -1
    /// What each layer made, by its index plus one; the input comes first.
    private var made: [(tensor: Tensor, step: Int)] = []

    init(
        _ engine: Engine, layers: [LayerDescription], input shape: Shape, truthCount: Int, images: Int,
        timeSteps: Int, arena: ParameterArena, algorithm: ConvolutionAlgorithm, onlyInfers: Bool, keepsPacked: Bool
    ) {
        precondition(images >= 1, "a mini-batch holds at least one image, not \(images)")
        self.engine = engine
        descriptions = layers
        self.arena = arena
        self.algorithm = algorithm
        self.images = images
        self.timeSteps = timeSteps
        self.onlyInfers = onlyInfers
        self.keepsPacked = keepsPacked
        lowestLayer = layers.lastIndex(where: \.stopsBackward).map { $0 + 1 } ?? 0
        let inputLayout = ActivationLayout.rows(images: images, shape: shape)
        input = Tensor(layout: inputLayout, region: memory.reserve(floats: inputLayout.floatCount))
        let truthLayout = ActivationLayout.rows(
            images: images, shape: Shape(channels: truthCount, height: 1, width: 1))
        truth = Tensor(layout: truthLayout, region: memory.reserve(floats: truthLayout.floatCount))
        goal = truth
        scratch = memory.reserve(floats: 0)
        exchange = memory.reserve(floats: 0)
        current = input
    }

    /// Compiles all layers and allocates the plan's memory.
    func build(predictingLayers: [Int]) throws(OneDNNError) -> Plan {
        made = [(input, -1)]
        for layer in descriptions {
            (current, currentStep) = made[layer.sources[0] + 1]
            precondition(
                layer.input.count == current.layout.shape.count, "layer \(layer.index) does not fit the one before")
            try append(layer)
            if layer.isTruth {
                try bringIntoRows(layer)
                goal = current
                goals.append(goal.region)
            }
            made.append((current, currentStep))
        }
        var outputs: [Int: Tensor] = [:]
        var reorders: [ReorderStep] = []
        for layer in predictingLayers {
            let output = made[layer + 1].tensor
            outputs[layer] = output
            guard !output.layout.isRows else { continue }
            let step = try ReorderStep(
                engine, from: output, to: .rows(images: images, shape: output.layout.shape), memory)
            outputs[layer] = step.output
            reorders.append(step)
        }
        let deltas = DeltaPlan(graph, from: firstLearning, apart: true)
        let deltaRegions = deltas.regions.map { memory.reserve(floats: $0) }
        limitLives(of: deltaRegions, deltas, keeping: predictingLayers.map { made[$0 + 1].tensor.region })
        return Plan(self, deltas: deltas, regions: deltaRegions, outputs: outputs, outputSteps: reorders)
    }

    private func append(_ layer: LayerDescription) throws(OneDNNError) {
        if layer.readsFlat {
            // What it leaves of its input's delta is there only if later readers go through the same rows.
            try bringIntoRows(layer)
            made[layer.sources[0] + 1] = (current, currentStep)
        }
        if needsReference(layer) { return try appendReference(layer) }
        switch layer.kind {
        case .convolutional(let convolution) where convolution.signs == .none:
            try append(convolution, of: layer)
        case .connected(let connected):
            try append(connected, of: layer)
        case .maxpool(let pool):
            append(MaxPoolStep(engine, pool, input: current, shape: layer.output, memory), layer)
        case .avgpool:
            append(AveragePoolStep(engine, input: current, shape: layer.output, memory), layer)
        case .dropout where onlyInfers: break
        case .dropout(let probability):
            append(
                DropoutStep(
                    engine, layer: layer.index, probability: probability, input: current,
                    inPlace: layer.isStrict && currentStep >= 0, scratch: scratch, memory),
                layer)
        case .softmax(let softmax) where !softmax.isSpatial && softmax.tree == nil:
            try bringIntoRows(layer)
            if !softmax.noLoss { checkTruth(layer) }
            append(SoftmaxStep(softmax, input: current, truth: goal, memory), layer)
        case .cost(let cost) where cost.isPlain:
            try bringIntoRows(layer)
            checkTruth(layer)
            append(CostStep(cost, input: current, truth: goal), layer)
        case .route(let route): try append(route, of: layer)
        case .shortcut(let shortcut): try append(shortcut, of: layer)
        case .activation(let activation):
            append(SumStep(engine, inputs: [current], factors: [1], activation: activation, memory), layer)
        default: try appendReference(layer)
        }
    }

    /// Whether a layer's numbers are Darknet's own: of batch normalisation its gradients alone are, which nobody asks for here.
    private func needsReference(_ layer: LayerDescription) -> Bool {
        switch layer.kind {
        case .convolutional, .connected: layer.hasStrictNumbers && (layer.readsFlat || !onlyInfers)
        default: layer.hasStrictNumbers
        }
    }

    /// Appends a step that reads what is at hand, or the values of several.
    private func append(_ step: any PlannedStep, _ layer: LayerDescription, sources: [Int]? = nil) {
        steps.append(step)
        stepLayers.append(layer.index)
        graph.append(
            DeltaPlan.Step(
                sources: sources ?? [currentStep], count: step.output.layout.floatCount,
                learns: step.learns && !onlyInfers,
                addsDeltas: step.addsDeltas || layer.overwritesDeltas, keepsDeltaInPlace: step.keepsDeltaInPlace))
        current = step.output
        currentStep = steps.count - 1
    }

    private func checkTruth(_ layer: LayerDescription) {
        precondition(
            layer.input.count == goal.layout.shape.count,
            "layer \(layer.index) compares \(layer.input.count) numbers with a truth of \(goal.layout.shape.count)")
    }

    /// Says when each output and each delta is needed, so that others have its memory the rest of the time.
    ///
    /// Forward's steps are counted from zero, and backward's go on from there.
    private func limitLives(of deltas: [Region], _ plan: DeltaPlan, keeping predicted: [Region]) {
        let isKept = Set((predicted + goals + [input.region]).map(ObjectIdentifier.init))
        func backward(_ index: Int) -> Int { 2 * steps.count - 1 - index }
        var lives: [ObjectIdentifier: (region: Region, first: Int, last: Int, endures: Bool)] = [:]
        func use(_ region: Region, at times: Int..., endures: Bool = false) {
            var life = lives[ObjectIdentifier(region)] ?? (region, times[0], times[0], false)
            for time in times { (life.first, life.last) = (min(life.first, time), max(life.last, time)) }
            life.endures = life.endures || endures
            lives[ObjectIdentifier(region)] = life
        }
        for (index, step) in steps.enumerated() {
            // The zeros behind the last channel are written once, by whoever allocates.
            use(step.output.region, at: index, endures: step.output.layout.isPadded)
            for region in step.passing { use(region, at: index, backward(index), endures: step.output.layout.isPadded) }
            if !onlyInfers && step.rereadsOutput { use(step.output.region, at: backward(index)) }
            for source in graph[index].sources where source >= 0 {
                let rereads = !onlyInfers && step.rereadsInput
                use(steps[source].output.region, at: index, rereads ? backward(index) : index)
            }
            guard let place = plan.places[index] else { continue }
            let targets = place.targets.compactMap(\.self)
            for delta in [place.delta] + targets.flatMap({ [$0.region, $0.total ?? $0.region] }) {
                use(deltas[delta], at: backward(index))
            }
        }
        for (identifier, life) in lives where !isKept.contains(identifier) && !life.endures {
            life.region.life = life.first...life.last
            life.region.endsInForward = life.last < steps.count
        }
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

    /// The inputs of a layer that reads several, brought into rows unless `keeps` says that they may lie as they do.
    private func inputs(
        of layer: LayerDescription, keeps: ([ActivationLayout]) -> Bool = { _ in false }
    ) throws(OneDNNError) -> (tensors: [Tensor], steps: [Int]) {
        let sources = layer.sources.map { made[$0 + 1] }
        if keeps(sources.map(\.tensor.layout)) { return (sources.map(\.tensor), sources.map(\.step)) }
        var inputs: (tensors: [Tensor], steps: [Int]) = ([], [])
        for source in sources {
            (current, currentStep) = source
            try bringIntoRows(layer)
            inputs.tensors.append(current)
            inputs.steps.append(currentStep)
        }
        return inputs
    }

    // MARK: Layers with several inputs

    private func append(_ route: LayerDescription.Route, of layer: LayerDescription) throws(OneDNNError) {
        let inputs = try inputs(of: layer) { layouts in
            RouteStep.block(route, layouts, output: layer.output) != nil
        }
        append(
            RouteStep(engine, route, inputs: inputs.tensors, shape: layer.output, memory), layer, sources: inputs.steps)
    }

    private func append(_ shortcut: LayerDescription.Shortcut, of layer: LayerDescription) throws(OneDNNError) {
        let sources = layer.sources.map { made[$0 + 1] }
        guard sources[0].tensor.layout.shape == sources[1].tensor.layout.shape else {
            return try appendReference(layer)
        }
        // The other one is brought to lie as the layer before.
        (current, currentStep) = sources[1]
        try bring(into: sources[0].tensor.layout, layer)
        let step = SumStep(
            engine, inputs: [sources[0].tensor, current], factors: [shortcut.alpha, shortcut.beta],
            activation: shortcut.activation, memory)
        append(step, layer, sources: [sources[0].step, currentStep])
    }

    /// Appends a layer that has no step of its own.
    private func appendReference(_ layer: LayerDescription) throws(OneDNNError) {
        let inputs = try inputs(of: layer)
        let kernels = kernels ?? WorkerPool(count: engine.threads)
        self.kernels = kernels
        append(
            ReferenceStep(
                layer, inputs: inputs.tensors, truth: goal, images: images, timeSteps: timeSteps, arena: arena,
                pool: kernels, memory),
            layer, sources: inputs.steps)
    }

    // MARK: Learned layers

    /// What a layer's primitives are compiled for: to train, it owes the layer below a delta if that one learns.
    private func purpose(_ activation: Activation) -> WeightedSumPrimitives.Purpose {
        onlyInfers
            ? .inference(negativeSlope: ActivationFunction(activation).negativeSlope)
            : .training(
                asksForInputDelta: currentStep >= 0 && DeltaPlan.reached(graph, from: firstLearning)[currentStep])
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
                    for: purpose(convolution.activation))
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
            engine, connected, from: current.layout, for: purpose(connected.activation))
        try append(
            primitives, output: .rows(images: images, shape: layer.output), activation: connected.activation,
            batchNormalize: connected.batchNormalize, layer)
    }

    private func append(
        _ primitives: WeightedSumPrimitives, output: ActivationLayout, activation: Activation, batchNormalize: Bool,
        _ layer: LayerDescription
    ) throws(OneDNNError) {
        let parameters = LayerParameters(layer, arena: arena)
        if onlyInfers {
            let step = try InferenceStep(
                engine, primitives, input: current, output: output, activation: activation,
                batchNormalize: batchNormalize, parameters: parameters, folded: exchange, scratch: scratch, memory)
            return append(step, layer)
        }
        let sum = try WeightedSum(
            engine, primitives, input: current, output: output, parameters: parameters, hasBias: !batchNormalize,
            keepsPacked: keepsPacked, exchange: exchange, scratch: scratch, memory)
        append(
            LearnedStep(
                engine, sum, activation: activation, batchNormalize: batchNormalize, parameters: parameters,
                scratch: scratch, memory),
            layer)
    }
}
