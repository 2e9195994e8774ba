public import PliniusNN

extension Model {
    /// Folds batch normalisation into weights and biases.
    ///
    /// Inference computes y = s·(x − μ) / (√v + 1e-6) + b with the rolling pair μ, v. With f = s / (√v + 1e-6) the same comes of the
    /// weights f·w and the biases b − f·μ. `[batchnorm]` sections stay as they are. Under `compat=strict` f = s / √(v + ε) as in
    /// Darknet's tool, with an ε of 1e-6 in connected layers and 1e-5 in others.
    ///
    /// - Parameter plain: The same network without `batch_normalize`, see ``ConfigEdit/denormalized(_:of:)``.
    /// - Throws: ``ModelError``, `.mismatch` if `plain` is another network, `.unsupported` if a folded value is no finite 32-bit number.
    /// - Complexity: O(parameters · tensors of the network).
    public func denormalized(as plain: NetworkDescription) throws(ModelError) -> Model {
        let arena = ParameterArena(layout: plain.layout)
        var filled = 0
        let layers = network.layers.flatMap { layer in layer.parts.enumerated().map { (layer.index, $0, $1) } }
        for (index, part, layer) in layers {
            for role in TensorRole.allCases where role.isExported {
                guard let source = network.layout.tensor(layer: index, part: part, role: role) else { continue }
                let isFolded = layer.hasFoldableNormalization && role != .weights && role != .biases
                let target = plain.layout.tensor(layer: index, part: part, role: role)
                guard target?.shape == (isFolded ? nil : source.shape) else {
                    throw ModelError(
                        .mismatch, source.fullName,
                        "the network that was to take it up is not this one without batch_normalize")
                }
                guard let target else { continue }
                let values = layer.hasFoldableNormalization ? folded(source, of: layer) : values(source)
                if let place = values.firstIndex(where: { !$0.isFinite }) {
                    throw ModelError(
                        .unsupported, source.fullName,
                        "with the normalisation folded in, value \(place) is \(values[place]): expected a finite number. Keep "
                            + "batch_normalize, or train until the rolling variance is well above zero")
                }
                arena.store(values, in: target)
                filled += 1
            }
        }
        guard plain.layout.tensors.count(where: \.role.isExported) == filled else {
            throw ModelError(.mismatch, "the folded network", "it has tensors that this one has not")
        }
        return Model(network: plain, arena: arena, iteration: iteration, imagesSeen: imagesSeen)
    }

    /// Weights times the factor of their output channel, or biases less the mean times the factor.
    private func folded(_ tensor: ArenaTensor, of layer: LayerDescription) -> [Float] {
        func statistic(_ role: TensorRole) -> [Double] {
            let tensor = network.layout.tensor(layer: tensor.layer, part: tensor.part, role: role)
            return tensor.map { self.values($0).map(Double.init) } ?? []
        }
        var epsilon = 1e-5
        if case .connected = layer.kind { epsilon = 1e-6 }
        let factors = zip(statistic(.scales), statistic(.rollingVariance)).map { scale, variance in
            scale / (layer.compatibility == .strict ? (variance + epsilon).squareRoot() : variance.squareRoot() + 1e-6)
        }
        let values = self.values(tensor)
        if tensor.role == .biases {
            let means = statistic(.rollingMean)
            return values.indices.map { Float(Double(values[$0]) - means[$0] * factors[$0]) }
        }
        // Values in a row that share an output channel: in a deconvolution the channels of the input are the outermost extent.
        let run = values.count / factors.count / (layer.isDeconvolutional ? tensor.shape[0] : 1)
        return values.indices.map { Float(Double(values[$0]) * factors[$0 / run % factors.count]) }
    }
}

extension LayerDescription {
    /// Whether it has weights whose sums are normalised over a mini-batch.
    var hasFoldableNormalization: Bool {
        switch kind {
        case .convolutional(let layer): layer.batchNormalize
        case .connected(let layer): layer.batchNormalize
        case .deconvolutional(let layer): layer.batchNormalize
        case .recurrent(let layer): layer.batchNormalize
        default: false
        }
    }

    fileprivate var isDeconvolutional: Bool { if case .deconvolutional = kind { true } else { false } }
}
