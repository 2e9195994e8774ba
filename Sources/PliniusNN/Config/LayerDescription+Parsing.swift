extension LayerDescription {
    private enum Section {
        case convolutional, connected, maxpool, avgpool, dropout, softmax, cost, batchnorm
        case region, yolo, detection, iseg
        case local, deconvolutional, normalization, l2norm, logistic
        case route, shortcut, activation, upsample, reorg, crop
        case rnn, gru, lstm, crnn

        /// Darknet's names, and its short ones.
        static let names: [String: Section] = [
            "convolutional": .convolutional, "conv": .convolutional, "connected": .connected, "conn": .connected,
            "maxpool": .maxpool, "max": .maxpool, "avgpool": .avgpool, "avg": .avgpool, "dropout": .dropout,
            "softmax": .softmax, "soft": .softmax, "cost": .cost, "batchnorm": .batchnorm,
            "region": .region, "yolo": .yolo, "detection": .detection, "iseg": .iseg,
            "local": .local, "deconvolutional": .deconvolutional, "deconv": .deconvolutional,
            "normalization": .normalization, "lrn": .normalization, "l2norm": .l2norm, "logistic": .logistic,
            "route": .route, "shortcut": .shortcut, "activation": .activation, "upsample": .upsample,
            "reorg": .reorg, "crop": .crop, "rnn": .rnn, "gru": .gru, "lstm": .lstm, "crnn": .crnn,
        ]
    }

    /// Reads a layer's section and works its shapes out.
    /// - Parameters:
    ///   - shapes: those of the network's input and of all layers before.
    ///   - options: of the network.
    init(
        _ reader: inout SectionReader, index: Int, shapes: [Shape], options: NetOptions
    ) throws(ConfigError) {
        let name = reader.section.name
        guard let section = Section.names[name] else {
            let names = Section.names.keys.sorted().joined(separator: ", ")
            throw reader.error(nil, "there is no layer [\(name)]: expected one of \(names)")
        }
        self.index = index
        var input = shapes[index]
        line = reader.section.line
        compatibility = options.compatibility
        switch section {
        case .convolutional: (kind, output) = try Self.convolution(&reader, input)
        case .connected: (kind, output) = try Self.connected(&reader)
        case .maxpool: (kind, output) = try Self.maxPool(&reader, input)
        case .avgpool: (kind, output) = (.avgpool, Shape(channels: input.channels, height: 1, width: 1))
        case .dropout:
            kind = .dropout(probability: try reader.number("probability", default: 0.5, in: 0...0.999))
            output = input
        case .softmax: (kind, output) = (try Self.softmax(&reader, input), input)
        case .cost:
            (kind, output) = (.cost(try Self.cost(&reader)), input)
        case .batchnorm: (kind, output) = (.batchnorm, input)
        case .local: (kind, output) = try Self.local(&reader, input)
        case .deconvolutional: (kind, output) = try Self.deconvolution(&reader, input)
        case .normalization: (kind, output) = (try Self.normalization(&reader), input)
        case .l2norm: (kind, output) = (.l2norm, input)
        case .logistic: (kind, output) = (.logistic, input)
        case .route: (kind, input, output) = try Self.route(&reader, shapes)
        case .shortcut: (kind, output) = (try Self.shortcut(&reader, shapes), input)
        case .activation:
            (kind, output) = (.activation(try reader.choice("activation", default: .linear)), input)
        case .upsample: (kind, output) = try Self.upsample(&reader, input)
        case .reorg: (kind, output) = try Self.reorg(&reader, input)
        case .crop: (kind, output) = try Self.crop(&reader, input)
        case .rnn: (kind, output) = try Self.recurrent(&reader, .rnn, input)
        case .gru: (kind, output) = try Self.recurrent(&reader, .gru, input)
        case .lstm: (kind, output) = try Self.recurrent(&reader, .lstm, input)
        case .crnn: (kind, output) = try Self.recurrent(&reader, .crnn, input)
        case .region: (kind, output) = try Self.region(&reader, input, batch: options.batch)
        case .yolo: (kind, output) = try Self.yolo(&reader, input, image: shapes[0], batch: options.batch)
        case .detection: (kind, output) = try Self.detection(&reader, input, batch: options.batch)
        case .iseg: (kind, output) = try Self.instanceMasks(&reader, input)
        }
        self.input = input
        learningRateScale = try reader.number("learning_rate", default: 1, in: 0...1e6)
        stopsBackward = try reader.flag("stopbackward")
        isTruth = try reader.flag("truth")
        exchange.isSaved = try !reader.flag("dontsave")
        exchange.isLoaded = try !reader.flag("dontload")
        if [.convolutional, .deconvolutional, .connected].contains(section) {
            exchange.loadsScales = try !reader.flag("dontloadscales")
            try reader.refuse("smooth", because: "it is a penalty that Darknet's code for processors has not")
        }
        if case .convolutional(let convolution) = kind {
            exchange.loadedFilters = try reader.integer("numload", in: 0...convolution.filters).flatMap {
                $0 > 0 ? $0 : nil
            }
            exchange.isFlipped = try reader.flag("flipped")
            guard convolution.groups == 1 || !exchange.isFlipped else {
                throw reader.error("flipped", "expected no groups beside, found \(convolution.groups)")
            }
        }
        guard NetworkDescription.fits([output.channels, output.height, output.width]) else {
            throw reader.error(nil, "its output of \(output) is more than \(NetworkDescription.maximumFloats) numbers")
        }
    }

    private static func convolution(
        _ reader: inout SectionReader, _ input: Shape
    ) throws(ConfigError) -> (Kind, Shape) {
        let filters = try reader.integer("filters", default: 1, in: 1...1 << 20)
        let size = try reader.integer("size", default: 1, in: 1...1024)
        let stride = try reader.integer("stride", default: 1, in: 1...1024)
        let padding = try reader.integer("padding", default: 0, in: 0...1024)
        let pads = try reader.integer("pad", default: 0, in: 0...1024) != 0
        let isBinary = try reader.flag("binary")
        let convolution = Convolution(
            filters: filters, size: size, stride: stride, padding: pads ? size / 2 : padding,
            groups: try reader.integer("groups", default: 1, in: 1...1 << 20),
            batchNormalize: try reader.flag("batch_normalize"),
            activation: try reader.choice("activation", default: .logistic),
            signs: try reader.flag("xnor") ? .weightsAndInputs : isBinary ? .weights : .none)
        try reader.refuse("dot", because: "it is a penalty that Darknet's code for processors has not")
        guard input.channels % convolution.groups == 0, filters % convolution.groups == 0 else {
            throw reader.error(
                "groups",
                "expected a divisor of \(input.channels) input channels and of \(filters) filters, "
                    + "found \(convolution.groups)")
        }
        let output = Shape(
            channels: filters,
            height: try extent(reader, input.height, size: size, stride: stride, padding: 2 * convolution.padding),
            width: try extent(reader, input.width, size: size, stride: stride, padding: 2 * convolution.padding))
        try checkWeights(reader, filters, input.channels / convolution.groups, size, size)
        return (.convolutional(convolution), output)
    }

    private static func connected(_ reader: inout SectionReader) throws(ConfigError) -> (Kind, Shape) {
        let connected = Connected(
            outputs: try reader.integer("output", default: 1, in: 1...1 << 24),
            batchNormalize: try reader.flag("batch_normalize"),
            activation: try reader.choice("activation", default: .logistic))
        return (.connected(connected), Shape(channels: connected.outputs, height: 1, width: 1))
    }

    private static func recurrent(
        _ reader: inout SectionReader, _ cell: Recurrent.Cell, _ input: Shape
    ) throws(ConfigError) -> (Kind, Shape) {
        let isImage = cell == .crnn
        let outputs = try reader.integer(isImage ? "output_filters" : "output", default: 1, in: 1...1 << 20)
        var recurrent = Recurrent(
            cell: cell, outputs: outputs, hidden: outputs, batchNormalize: try reader.flag("batch_normalize"),
            shortcut: false,
            activation: .tanh)
        switch cell {
        case .rnn, .crnn:
            if isImage { recurrent.hidden = try reader.integer("hidden_filters", default: 1, in: 1...1 << 20) }
            recurrent.shortcut = try reader.flag("shortcut")
            recurrent.activation = try reader.choice("activation", default: .logistic)
        case .gru: if try !reader.flag("tanh") { recurrent.activation = .logistic }
        case .lstm: break
        }
        let output = Shape(channels: outputs, height: isImage ? input.height : 1, width: isImage ? input.width : 1)
        guard recurrent.hidden * output.area <= NetworkDescription.maximumFloats else {
            throw reader.error("hidden_filters", "its state is more than \(NetworkDescription.maximumFloats) numbers")
        }
        return (.recurrent(recurrent), output)
    }

    private static func maxPool(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> (Kind, Shape) {
        let stride = try reader.integer("stride", default: 1, in: 1...1024)
        let size = try reader.integer("size", default: stride, in: 1...1024)
        let padding = try reader.integer("padding", default: size - 1, in: 0...2048)
        guard padding / 2 < size else {
            throw reader.error("padding", "\(padding) makes a first window that sees nothing of the image")
        }
        let output = Shape(
            channels: input.channels,
            height: try extent(reader, input.height, size: size, stride: stride, padding: padding),
            width: try extent(reader, input.width, size: size, stride: stride, padding: padding))
        // The last window begins inside the image, or its maximum would be that of nothing.
        for (count, extent) in [(output.height, input.height), (output.width, input.width)] {
            guard (count - 1) * stride - padding / 2 < extent else {
                throw reader.error("padding", "\(padding) makes a last window that sees nothing of the image")
            }
        }
        return (.maxpool(MaxPool(size: size, stride: stride, padding: padding)), output)
    }
    private static func cost(_ reader: inout SectionReader) throws(ConfigError) -> Cost {
        let form = try reader.choice("type", default: Cost.Form.sse)
        return Cost(
            form: form, scale: try reader.number("scale", default: 1),
            backgroundScale: form == .seg ? try reader.number("noobj", default: 1, in: 0...1e9) : 1,
            smoothing: try reader.number("smooth", default: 0, in: 0...1),
            threshold: try reader.number("thresh", default: 0, in: 0...1e9))
    }

    private static func softmax(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> Kind {
        let softmax = Softmax(
            groups: try reader.integer("groups", default: 1, in: 1...1 << 24),
            temperature: try reader.number("temperature", default: 1, in: 1e-6...1e6),
            noLoss: try reader.flag("noloss"), isSpatial: try reader.flag("spatial"), tree: try reader.tree())
        if let tree = softmax.tree, tree.parents.count != input.count {
            throw reader.error(
                "tree", "expected a parent for each of the \(input.count) inputs, found \(tree.parents.count)")
        }
        if softmax.isSpatial || softmax.tree != nil {
            guard softmax.groups == 1, !softmax.isSpatial || softmax.tree == nil else {
                throw reader.error(nil, "expected one of groups, spatial and tree, found several")
            }
        }
        guard input.count % softmax.groups == 0 else {
            throw reader.error("groups", "expected a divisor of the \(input.count) inputs, found \(softmax.groups)")
        }
        return .softmax(softmax)
    }

    /// Windows along one side of an image.
    static func extent(
        _ reader: SectionReader, _ input: Int, size: Int, stride: Int, padding: Int
    ) throws(ConfigError) -> Int {
        guard input + padding >= size else {
            throw reader.error(
                "size", "a window of \(size) does not fit into an image side of \(input) with \(padding) of padding")
        }
        return (input + padding - size) / stride + 1
    }

    /// Places the layer's tensors: what it learns, its statistics, and the solver's state.
    func appendState(to layout: inout ArenaLayout, adam: Bool) {
        for (index, part) in parts.enumerated() { part.appendState(ofPart: index, to: &layout, adam: adam) }
    }

    private func appendState(ofPart part: Int, to layout: inout ArenaLayout, adam: Bool) {
        // Without extents there is no such tensor.
        var (biases, scales, weights): ([Int], [Int], [Int]) = ([], [], [])
        switch kind {
        case .convolutional(let layer):
            biases = [layer.filters]
            if layer.batchNormalize { scales = biases }
            weights = [layer.filters, input.channels / layer.groups, layer.size, layer.size]
        case .connected(let layer):
            biases = [layer.outputs]
            if layer.batchNormalize { scales = biases }
            weights = [layer.outputs, input.count]
        case .batchnorm: (biases, scales) = ([input.channels], [input.channels])
        case .local(let layer):
            biases = [layer.filters, output.height, output.width]
            weights = [output.area, layer.filters, input.channels, layer.size, layer.size]
        case .deconvolutional(let layer):
            biases = [layer.filters]
            if layer.batchNormalize { scales = biases }
            weights = [input.channels, layer.filters, layer.size, layer.size]
        default: return
        }
        for role in TensorRole.allCases where adam || role.rawValue <= TensorRole.weightMomentum.rawValue {
            let shape =
                switch role {
                case .biases, .biasMomentum, .biasMean, .biasSquare: biases
                case .scales, .rollingMean, .rollingVariance, .scaleMomentum, .scaleMean, .scaleSquare: scales
                case .weights, .weightMomentum, .weightMean, .weightSquare: weights
                }
            if !shape.isEmpty { layout.append(layer: index, part: part, role: role, shape: shape) }
        }
    }
}
