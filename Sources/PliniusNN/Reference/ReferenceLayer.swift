/// One layer of the reference executor.
///
/// An enumeration, not a protocol: what is called through a witness table is not specialised to `Float`.
enum ReferenceLayer<Scalar: ReferenceScalar> {
    case learned(LearnedLayer<Scalar>)
    case maxpool(MaxPoolLayer<Scalar>)
    case avgpool(AveragePoolLayer<Scalar>)
    case dropout(DropoutLayer<Scalar>)
    case softmax(SoftmaxLayer<Scalar>)
    case cost(CostLayer<Scalar>)
    case normalization(ResponseNormalizationLayer<Scalar>)
    case l2norm(L2NormLayer<Scalar>)
    case logistic(LogisticLayer<Scalar>)
    case route(RouteLayer<Scalar>)
    case shortcut(ShortcutLayer<Scalar>)
    case upsample(UpsampleLayer<Scalar>)
    case reorg(ReorgLayer<Scalar>)
    case crop(CropLayer<Scalar>)
    case recurrent(RecurrentLayer<Scalar>)
    case anchorBoxes(AnchorBoxesLayer<Scalar>)
    case gridBoxes(GridBoxesLayer<Scalar>)
    case instanceMasks(InstanceMasksLayer<Scalar>)

    var output: LaneTensor<Scalar> {
        switch self {
        case .learned(let layer): layer.output
        case .maxpool(let layer): layer.output
        case .avgpool(let layer): layer.output
        case .dropout(let layer): layer.output
        case .softmax(let layer): layer.output
        case .cost(let layer): layer.input
        case .normalization(let layer): layer.output
        case .l2norm(let layer): layer.output
        case .logistic(let layer): layer.output
        case .route(let layer): layer.output
        case .shortcut(let layer): layer.output
        case .upsample(let layer): layer.output
        case .reorg(let layer): layer.output
        case .crop(let layer): layer.output
        case .recurrent(let layer): layer.output
        case .anchorBoxes(let layer): layer.output
        case .gridBoxes(let layer): layer.output
        case .instanceMasks(let layer): layer.output
        }
    }

    /// Whether it measures a loss.
    var ownsCost: Bool {
        switch self {
        case .softmax(let layer): !layer.softmax.noLoss
        case .anchorBoxes(let layer): !layer.boxes.onlyForward
        case .cost, .logistic, .gridBoxes, .instanceMasks: true
        default: false
        }
    }

    /// Whether its backward asks its output for nothing but its activation's slope.
    var takesSlopesFromOutput: Bool {
        switch self {
        case .learned, .shortcut: true
        case .dropout(let layer): layer.isInPlace
        default: false
        }
    }

    /// Its parameters, if it learns.
    var parameters: LayerParameters<Scalar>? {
        switch self {
        case .learned(let layer): layer.parameters
        case .recurrent(let layer): layer.parameters
        default: nil
        }
    }

    /// Does a worker's share of the forward pass.
    /// - Returns: the layer's cost, from the first worker.
    func forward(_ pass: Pass, hasTruth: Bool, _ worker: PassWorker) -> Double {
        switch self {
        case .learned(let layer): layer.forward(pass.mode, worker)
        case .recurrent(let layer): layer.forward(pass, worker)
        case .maxpool(let layer): layer.forward(worker)
        case .avgpool(let layer): layer.forward(worker)
        case .dropout(let layer): layer.forward(pass, worker)
        case .softmax(let layer): if worker.isFirst { return layer.forward(pass.mode, hasTruth: hasTruth) }
        case .cost(let layer): if worker.isFirst { return layer.forward(hasTruth: hasTruth) }
        case .normalization(let layer): layer.forward(worker)
        case .l2norm(let layer): layer.forward(worker)
        case .logistic(let layer): if worker.isFirst { return layer.forward(hasTruth: hasTruth) }
        case .route(let layer): layer.forward(worker)
        case .shortcut(let layer): layer.forward(worker)
        case .upsample(let layer): layer.forward(worker)
        case .reorg(let layer): layer.forward(worker)
        case .crop(let layer): layer.forward(pass, worker)
        case .anchorBoxes(let layer): return layer.forward(pass, hasTruth: hasTruth, worker)
        case .gridBoxes(let layer): return layer.forward(pass, hasTruth: hasTruth, worker)
        case .instanceMasks(let layer): return layer.forward(hasTruth: hasTruth, worker)
        }
        return 0
    }

    /// Whether it adds to the deltas of its inputs by itself; the others write them.
    var addsDeltas: Bool {
        switch self {
        case .route, .shortcut: true
        default: false
        }
    }

    /// Does a worker's share of the backward pass: adds to the momentum, and puts the inputs' deltas where they are asked for.
    func backward(
        _ pass: Pass, delta: LaneTensor<Scalar>, inputDeltas: [DeltaTarget<Scalar>?], hasTruth: Bool,
        _ worker: PassWorker
    ) {
        switch self {
        case .route(let layer): layer.backward(delta: delta, inputDeltas: inputDeltas, worker)
        case .shortcut(let layer): layer.backward(delta: delta, inputDeltas: inputDeltas, worker)
        default:
            let target = inputDeltas[0]
            if let target, !target.adds, case .learned(let layer) = self, layer.leavesDeltas {
                target.tensor.clear(worker)
                worker.meet()
            }
            backward(pass, delta: delta, inputDelta: target?.tensor, hasTruth: hasTruth, worker)
        }
    }

    /// The same for a layer with one input: writes its delta if it is asked for.
    private func backward(
        _ pass: Pass, delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>?, hasTruth: Bool, _ worker: PassWorker
    ) {
        if case .learned(let layer) = self { return layer.backward(delta: delta, inputDelta: inputDelta, worker) }
        if case .recurrent(let layer) = self { return layer.backward(delta: delta, inputDelta: inputDelta, worker) }
        guard let inputDelta else { return }
        switch self {
        case .learned, .recurrent, .route, .shortcut: break
        case .upsample(let layer): layer.backward(delta: delta, inputDelta: inputDelta, worker)
        case .reorg(let layer): layer.backward(delta: delta, inputDelta: inputDelta, worker)
        case .crop(let layer): layer.backward(pass, delta: delta, inputDelta: inputDelta, worker)
        case .maxpool(let layer): layer.backward(delta: delta, inputDelta: inputDelta, worker)
        case .avgpool(let layer): layer.backward(delta: delta, inputDelta: inputDelta, worker)
        case .dropout(let layer): layer.backward(pass, delta: delta, inputDelta: inputDelta, worker)
        case .softmax(let layer):
            if worker.isFirst { layer.backward(delta: delta, inputDelta: inputDelta, hasTruth: hasTruth) }
        case .cost(let layer):
            if worker.isFirst { layer.backward(delta: delta, inputDelta: inputDelta, hasTruth: hasTruth) }
        case .normalization(let layer): layer.backward(delta: delta, inputDelta: inputDelta, worker)
        case .l2norm(let layer): layer.backward(delta: delta, inputDelta: inputDelta, worker)
        case .logistic(let layer):
            if worker.isFirst { layer.backward(delta: delta, inputDelta: inputDelta, hasTruth: hasTruth) }
        case .anchorBoxes(let layer): layer.backward(inputDelta, hasTruth: hasTruth, worker)
        case .gridBoxes(let layer): layer.loss.backward(inputDelta, hasTruth: hasTruth, worker)
        case .instanceMasks(let layer): layer.loss.backward(inputDelta, hasTruth: hasTruth, worker)
        }
    }
}
