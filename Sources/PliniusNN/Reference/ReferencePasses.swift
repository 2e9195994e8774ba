internal import _PliniusSupport

/// The planned layers and buffers of a network, and what the workers do with them.
final class ReferencePasses<Scalar: ReferenceScalar> {
    enum Job {
        case none
        case load(images: Buffer<Float>, truth: Buffer<Float>?)
        case forward(Pass)
        case backward(Pass)
        case update(SolverStep)
        case reset
    }

    /// What the next run does; set before it, read by all workers.
    var job = Job.none
    /// Cost of the last forward pass.
    private(set) var cost = 0.0

    let layers: [ReferenceLayer<Scalar>]
    let input: LaneTensor<Scalar>
    let truth: LaneTensor<Scalar>
    /// What backward does at each layer; nil where it does not come.
    private let steps: [BackwardStep?]
    private let costOwners: Int
    private var hasTruth = false
    private let memory: BufferMemory

    init(_ description: NetworkDescription, images: Int, timeSteps: Int, state: PrivateMemory) {
        let layers = description.layers
        let memory = BufferMemory()
        let state = memory.view(of: state, as: Scalar.self)
        let input = memory.tensor(of: Scalar.self, description.input, images: images)
        let truth = memory.tensor(
            of: Scalar.self, Shape(channels: description.truthCount, height: 1, width: 1), images: images)
        let packed = memory.buffer(of: SIMD4<Scalar>.self, count: Self.packedCount(layers))
        var planned: [ReferenceLayer<Scalar>] = []
        for layer in layers {
            planned.append(
                Self.plan(
                    layer, inputs: layer.sources.map { $0 < 0 ? input : planned[$0].output },
                    inPlace: planned.last?.takesSlopesFromOutput == true, timeSteps: timeSteps,
                    truth: layer.truthLayer.map { planned[$0].output } ?? truth, packed: packed,
                    parameters: LayerParameters(layer, layout: description.layout, state: state), memory: memory))
        }
        steps = Self.backwardSteps(layers, planned, images: images, memory)
        costOwners = planned.count(where: \.ownsCost)
        self.layers = planned
        self.input = input
        self.truth = truth
        self.memory = memory
    }

    func run(_ worker: PassWorker) {
        switch job {
        case .none: break
        case .load(let images, let truth): load(images, truth, worker)
        case .forward(let pass): forward(pass, worker)
        case .backward(let pass): backward(pass, worker)
        case .reset: for case .recurrent(let layer) in layers { layer.reset(worker) }
        case .update(let step): for layer in layers { layer.parameters?.update(step, worker) }
        }
    }

    private func load(_ images: Buffer<Float>, _ truth: Buffer<Float>?, _ worker: PassWorker) {
        let blocks = worker.share(of: input.blocks)
        input.copy(fromRows: images, blocks: blocks)
        if let truth { self.truth.copy(fromRows: truth, blocks: blocks) }
        if worker.isFirst { hasTruth = truth != nil }
    }

    private func forward(_ pass: Pass, _ worker: PassWorker) {
        var sum = 0.0
        for layer in layers {
            sum += layer.forward(pass, hasTruth: hasTruth && pass.mode == .training, worker)
            worker.meet()
        }
        if worker.isFirst { cost = sum / Double(max(costOwners, 1)) }
    }

    private func backward(_ pass: Pass, _ worker: PassWorker) {
        for index in layers.indices.reversed() {
            guard let step = steps[index] else { continue }
            if !step.isWritten {
                step.delta.clear(worker)
                worker.meet()
            }
            layers[index].backward(pass, delta: step.delta, inputDeltas: step.targets, hasTruth: hasTruth, worker)
            worker.meet()
            if let sum = step.sum {
                sum.total.add(sum.part, worker)
                worker.meet()
            }
        }
    }
}

// MARK: - Planning

extension ReferencePasses {
    /// What backward does at a layer.
    private struct BackwardStep {
        let delta: LaneTensor<Scalar>
        let isWritten: Bool
        let targets: [DeltaTarget<Scalar>?]
        /// What the layer wrote apart, and what it is added to.
        let sum: (part: LaneTensor<Scalar>, total: LaneTensor<Scalar>)?
    }

    private static func backwardSteps(
        _ layers: [LayerDescription], _ planned: [ReferenceLayer<Scalar>], images: Int, _ memory: BufferMemory
    ) -> [BackwardStep?] {
        let steps = zip(layers, planned).map { layer, planned in
            DeltaPlan.Step(
                sources: layer.sources, count: LaneTensor<Scalar>.count(of: planned.output.shape, images: images),
                learns: planned.parameters != nil, addsDeltas: planned.addsDeltas || layer.overwritesDeltas)
        }
        let stop = layers.lastIndex(where: \.stopsBackward).map { $0 + 1 } ?? 0
        let plan = DeltaPlan(steps, from: stop)
        let regions = plan.regions.map { memory.buffer(of: SIMD8<Scalar>.self, count: $0) }
        func tensor(_ region: Int, _ layer: Int) -> LaneTensor<Scalar> {
            LaneTensor(regions[region], shape: planned[layer].output.shape, images: images)
        }
        return plan.places.enumerated().map { index, place in
            place.map { place in
                let targets = zip(layers[index].sources, place.targets).map { source, target in
                    target.map {
                        DeltaTarget(tensor: tensor($0.region, source), adds: $0.adds && !layers[index].clearsDeltas)
                    }
                }
                let source = layers[index].sources[0]
                let sum = place.targets[0].flatMap { target in
                    target.total.map { (tensor(target.region, source), tensor($0, source)) }
                }
                return BackwardStep(
                    delta: tensor(place.delta, index), isWritten: place.isWritten, targets: targets, sum: sum)
            }
        }
    }

    static func geometry(of layer: LayerDescription) -> ConvolutionGeometry? {
        switch layer.kind {
        case .convolutional(let convolution):
            layer.readsFlat
                ? ConvolutionGeometry(
                    input: layer.flatInput, output: layer.output, kernelHeight: 1, kernelWidth: 1, stride: 1,
                    padding: 0,
                    groups: convolution.groups)
                : ConvolutionGeometry(
                    input: layer.input, output: layer.output, kernelHeight: convolution.size,
                    kernelWidth: convolution.size, stride: convolution.stride, padding: convolution.padding,
                    groups: convolution.groups)
        case .connected(let connected):
            ConvolutionGeometry(
                input: layer.input, output: Shape(channels: connected.outputs, height: 1, width: 1),
                kernelHeight: layer.input.height, kernelWidth: layer.input.width, stride: 1, padding: 0, groups: 1)
        case .deconvolutional(let deconvolution):
            ConvolutionGeometry(
                input: layer.output, output: layer.input, kernelHeight: deconvolution.size,
                kernelWidth: deconvolution.size, stride: deconvolution.stride, padding: deconvolution.padding, groups: 1
            )
        default: nil
        }
    }

    static func packedCount(_ layers: [LayerDescription]) -> Int {
        layers.compactMap { geometry(of: $0).map(ConvolutionSum<Scalar>.packedCount) }.max() ?? 0
    }

    /// Plans one layer and its output.
    static func plan(
        _ layer: LayerDescription, inputs: [LaneTensor<Scalar>], inPlace: Bool = false, timeSteps: Int,
        truth: LaneTensor<Scalar>,
        packed: Buffer<SIMD4<Scalar>>, parameters: LayerParameters<Scalar>, memory: BufferMemory
    ) -> ReferenceLayer<Scalar> {
        let input = inputs[0]
        func convolution(isTransposed: Bool = false) -> WeightedSum<Scalar> {
            guard let geometry = geometry(of: layer) else { preconditionFailure("the layer is no convolution") }
            var signs: SignOperands<Scalar>?
            if case .convolutional(let convolution) = layer.kind, convolution.signs != .none {
                signs = SignOperands(
                    weights: memory.buffer(of: Scalar.self, count: geometry.weightCount),
                    input: convolution.signs == .weightsAndInputs
                        ? memory.tensor(of: Scalar.self, geometry.input, images: input.images) : nil,
                    filters: convolution.filters)
            }
            func flat() -> LaneTensor<Scalar> { memory.tensor(of: Scalar.self, geometry.input, images: input.images) }
            return .convolution(
                ConvolutionSum(
                    geometry, isTransposed: isTransposed, packed: packed, signs: signs,
                    flat: layer.readsFlat ? FlatInput(values: flat(), deltas: flat(), groups: geometry.groups) : nil))
        }
        func learned(
            _ sum: WeightedSum<Scalar>, _ activation: Activation, _ batchNormalize: Bool
        ) -> ReferenceLayer<Scalar> {
            .learned(
                LearnedLayer(
                    sum, shape: layer.output, activation: activation, batchNormalize: batchNormalize,
                    isStrict: layer.isStrict, input: input, parameters: parameters, memory: memory))
        }
        func output() -> LaneTensor<Scalar> { memory.tensor(of: Scalar.self, layer.output, images: input.images) }
        func checkTruth() {
            precondition(
                input.shape.count == truth.shape.count,
                "layer \(layer.index) compares \(input.shape.count) numbers with a truth of \(truth.shape.count)")
        }
        switch layer.kind {
        case .convolutional(let layer): return learned(convolution(), layer.activation, layer.batchNormalize)
        case .connected(let layer): return learned(convolution(), layer.activation, layer.batchNormalize)
        case .deconvolutional(let layer):
            return learned(convolution(isTransposed: true), layer.activation, layer.batchNormalize)
        case .batchnorm: return learned(.input, .linear, true)
        case .local(let local):
            let geometry = ConvolutionGeometry(
                input: layer.input, output: layer.output, kernelHeight: local.size, kernelWidth: local.size,
                stride: local.stride, padding: local.padding, groups: 1)
            return learned(.local(LocalSum(geometry: geometry)), local.activation, false)
        case .normalization(let normalization):
            return .normalization(
                ResponseNormalizationLayer(
                    input: input, output: output(), norms: output(), normalization: normalization,
                    isStrict: layer.isStrict))
        case .recurrent(let recurrent):
            return .recurrent(
                RecurrentLayer(layer, recurrent, input: input, steps: timeSteps, parameters: parameters))
        case .l2norm: return .l2norm(L2NormLayer(input: input, output: output(), isStrict: layer.isStrict))
        case .logistic:
            checkTruth()
            return .logistic(LogisticLayer(input: input, output: output(), truth: truth))
        case .maxpool(let pool): return .maxpool(MaxPoolLayer(input: input, output: output(), pool: pool))
        case .avgpool: return .avgpool(AveragePoolLayer(input: input, output: output()))
        case .dropout(let probability):
            let inPlace = inPlace && layer.isStrict
            return .dropout(
                DropoutLayer(
                    input: input, output: inPlace ? input : output(), layer: layer.index, probability: probability,
                    isInPlace: inPlace))
        case .softmax(let softmax):
            if !softmax.noLoss { checkTruth() }
            return .softmax(
                SoftmaxLayer(
                    input: input, output: output(), truth: truth, softmax: softmax,
                    ancestors: softmax.tree == nil ? nil : output(), isStrict: layer.isStrict))
        case .yolo(let boxes), .region(let boxes):
            var isRegion = false
            if case .region = layer.kind { isRegion = true }
            return .anchorBoxes(
                AnchorBoxesLayer(
                    input: input, output: output(), truth: truth, boxes: boxes, isRegion: isRegion,
                    isStrict: layer.isStrict, loss: OwnLoss(input, memory)))
        case .detection(let grid):
            return .gridBoxes(
                GridBoxesLayer(
                    input: input, output: output(), truth: truth, grid: grid, layer: layer.index,
                    loss: OwnLoss(input, memory)))
        case .iseg(let masks):
            return .instanceMasks(
                InstanceMasksLayer(masks, input: input, output: output(), truth: truth, memory))
        case .cost(let cost):
            checkTruth()
            return .cost(CostLayer(input: input, truth: truth, cost: cost, isStrict: layer.isStrict))
        case .route(let route): return .route(RouteLayer(inputs: inputs, output: output(), route: route))
        case .shortcut(let shortcut):
            return .shortcut(ShortcutLayer(input: input, other: inputs[1], output: output(), shortcut: shortcut))
        case .activation(let activation):
            let alone = LayerDescription.Shortcut(from: layer.index - 1, activation: activation, alpha: 1, beta: 1)
            return .shortcut(ShortcutLayer(input: input, other: nil, output: output(), shortcut: alone))
        case .upsample(let upsample):
            return .upsample(UpsampleLayer(input: input, output: output(), upsample: upsample))
        case .reorg(let reorg): return .reorg(ReorgLayer(input: input, output: output(), reorg: reorg))
        case .crop(let crop):
            return .crop(
                CropLayer(input: input, output: output(), layer: layer.index, crop: crop, isStrict: layer.isStrict))
        }
    }
}
