import PliniusNN

extension LayerDescription {
    /// Floating-point operations of one image forward, a multiplication and an addition being two.
    ///
    /// Counted are the products of weights and inputs, those with padding included. Bounds on a network keep the sum over all
    /// layers below 2^62: weights and their momentum are at most 2^31 numbers, and so are outputs.
    var operations: Int { 2 * parts.reduce(0) { $0 + $1.products } }

    private var products: Int {
        switch kind {
        case .convolutional(let layer): output.count * (input.channels / layer.groups) * layer.size * layer.size
        case .connected: input.count * output.count
        case .local(let layer): output.count * input.channels * layer.size * layer.size
        case .deconvolutional(let layer): input.count * layer.filters * layer.size * layer.size
        default: 0
        }
    }

    /// The name of its section.
    var kindName: String {
        switch kind {
        case .convolutional: "convolutional"
        case .connected: "connected"
        case .maxpool: "maxpool"
        case .avgpool: "avgpool"
        case .dropout: "dropout"
        case .softmax: "softmax"
        case .cost: "cost"
        case .batchnorm: "batchnorm"
        case .region: "region"
        case .yolo: "yolo"
        case .detection: "detection"
        case .iseg: "iseg"
        case .local: "local"
        case .deconvolutional: "deconvolutional"
        case .normalization: "normalization"
        case .l2norm: "l2norm"
        case .logistic: "logistic"
        case .route: "route"
        case .shortcut: "shortcut"
        case .activation: "activation"
        case .upsample: "upsample"
        case .reorg: "reorg"
        case .crop: "crop"
        case .recurrent(let layer): "\(layer.cell)"
        }
    }

    /// Side of its windows in pixels, and the pixels from one to the next; nil where it has none.
    var window: (size: Int?, stride: Int?) {
        switch kind {
        case .convolutional(let layer): (layer.size, layer.stride)
        case .maxpool(let layer): (layer.size, layer.stride)
        case .local(let layer): (layer.size, layer.stride)
        case .deconvolutional(let layer): (layer.size, layer.stride)
        case .normalization(let layer): (layer.size, nil)
        case .upsample(let layer): (nil, layer.stride)
        case .reorg(let layer): (nil, layer.stride)
        case .recurrent(let layer) where layer.cell == .crnn: (3, 1)
        default: (nil, nil)
        }
    }

    /// Whether it takes means and variances over a mini-batch.
    var normalizesBatches: Bool {
        switch kind {
        case .convolutional(let layer): layer.batchNormalize
        case .connected(let layer): layer.batchNormalize
        case .deconvolutional(let layer): layer.batchNormalize
        case .recurrent(let layer): layer.batchNormalize
        case .batchnorm: true
        default: false
        }
    }
}
