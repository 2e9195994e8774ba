import PliniusNN

/// Turns layers into nodes.
struct ONNXLayers {
    private(set) var graph = ONNXGraph()
    /// What the network reads.
    let input: ONNXGraph.Value
    private let model: Model

    init(_ model: Model) {
        self.model = model
        input = ONNXGraph.Value(name: "images", shape: model.network.input)
    }

    /// Adds a layer.
    /// - Parameter values: The network's input, and what each layer before gives.
    /// - Returns: What it gives.
    /// - Throws: `ModelError`, `.unsupported`.
    mutating func add(_ layer: LayerDescription, after values: [ONNXGraph.Value]) throws(ModelError) -> ONNXGraph.Value
    {
        let before = values[layer.index]
        switch layer.kind {
        case .convolutional(let convolution):
            guard convolution.signs == .none else { throw noForm(of: layer, "[convolutional] with binary or xnor") }
            return convolve(before, convolution, layer)
        case .connected(let connected): return connect(before, connected, layer)
        case .activation(let activation):
            return output(of: layer, activate(before.name, activation, layer), isFlat: before.isFlat)
        case .route(let route): return self.route(route.layers.map { values[$0 + 1] }, route, layer)
        case .shortcut(let shortcut):
            let other = values[shortcut.from + 1]
            guard other.shape == before.shape else {
                throw noForm(of: layer, "[shortcut] between images of two shapes")
            }
            return add(other, to: before, shortcut, layer)
        case .upsample(let upsample):
            guard !upsample.reduces else { throw noForm(of: layer, "[upsample] with a negative stride") }
            return self.upsample(before, upsample, layer)
        case .crop(let crop): return self.crop(before, crop, layer)
        case .deconvolutional(let deconvolution): return deconvolve(before, deconvolution, layer)
        case .batchnorm:
            let value = channelled(before)
            return output(of: layer, normalize(value.name, layer), isFlat: value.isFlat)
        case .normalization(let normalization): return normalizeResponse(before, normalization, layer)
        case .l2norm:
            let value = channelled(before)
            let attributes: [(String, ONNXGraph.Attribute)] = [("axis", .number(1)), ("p", .number(2))]
            let result = graph.add("LpNormalization", [value.name], attributes, named: name(layer, "l2norm"))
            return output(of: layer, result, isFlat: value.isFlat)
        case .logistic:
            let result = graph.add("Sigmoid", [before.name], named: name(layer, "logistic"))
            return output(of: layer, result, isFlat: before.isFlat)
        case .maxpool(let pool): return maxPool(before, pool, layer)
        case .avgpool:
            let mean = graph.add("GlobalAveragePool", [image(before)], named: name(layer, "avgpool"))
            return output(of: layer, mean)
        case .softmax(let softmax):
            guard softmax.tree == nil else { throw noForm(of: layer, "[softmax] over a tree") }
            return self.softmax(before, softmax, layer)
        // Predicting, the one does nothing, and the other is none of the network's.
        case .dropout, .cost: return before
        default: throw noForm(of: layer, "[\("\(layer.kind)".prefix { $0.isLetter || $0.isNumber })]")
        }
    }

    private func noForm(of layer: LayerDescription, _ kind: String) -> ModelError {
        ModelError(
            .unsupported, "layer \(layer.index) (line \(layer.line) of the configuration)",
            "\(kind) has no form in ONNX: export as weights or safetensors")
    }

    /// Gives the last value the name that the file promises.
    mutating func finish(_ value: ONNXGraph.Value) -> ONNXGraph.Value {
        let name = graph.add("Identity", [value.name], named: "predictions")
        return ONNXGraph.Value(name: name, shape: value.shape, isFlat: value.isFlat)
    }

    // MARK: Layers

    private mutating func convolve(
        _ before: ONNXGraph.Value, _ convolution: LayerDescription.Convolution, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        let padding = convolution.padding
        var inputs = [image(before), parameter(.weights, of: layer)]
        if !convolution.batchNormalize { inputs.append(parameter(.biases, of: layer)) }
        var result = graph.add(
            "Conv", inputs,
            [
                ("kernel_shape", .numbers([convolution.size, convolution.size])),
                ("strides", .numbers([convolution.stride, convolution.stride])),
                ("pads", .numbers([padding, padding, padding, padding])), ("group", .number(convolution.groups)),
            ], named: name(layer, "convolutional"))
        if convolution.batchNormalize { result = normalize(result, layer) }
        return output(of: layer, activate(result, convolution.activation, layer))
    }

    private mutating func connect(
        _ before: ONNXGraph.Value, _ connected: LayerDescription.Connected, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        var inputs = [flat(before), parameter(.weights, of: layer)]
        if !connected.batchNormalize { inputs.append(parameter(.biases, of: layer)) }
        var result = graph.add("Gemm", inputs, [("transB", .number(1))], named: name(layer, "connected"))
        if connected.batchNormalize { result = normalize(result, layer) }
        return output(of: layer, activate(result, connected.activation, layer), isFlat: true)
    }

    private mutating func deconvolve(
        _ before: ONNXGraph.Value, _ deconvolution: LayerDescription.Deconvolution, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        let padding = deconvolution.padding
        var inputs = [image(before), parameter(.weights, of: layer)]
        if !deconvolution.batchNormalize { inputs.append(parameter(.biases, of: layer)) }
        var result = graph.add(
            "ConvTranspose", inputs,
            [
                ("kernel_shape", .numbers([deconvolution.size, deconvolution.size])),
                ("strides", .numbers([deconvolution.stride, deconvolution.stride])),
                ("pads", .numbers([padding, padding, padding, padding])),
            ], named: name(layer, "deconvolutional"))
        if deconvolution.batchNormalize { result = normalize(result, layer) }
        return output(of: layer, activate(result, deconvolution.activation, layer))
    }

    /// ONNX divides the sum of squares by the size of the window.
    private mutating func normalizeResponse(
        _ before: ONNXGraph.Value, _ normalization: LayerDescription.Normalization, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        let result = graph.add(
            "LRN", [image(before)],
            [
                ("size", .number(normalization.size)),
                ("alpha", .float(normalization.alpha * Float(normalization.size))),
                ("beta", .float(normalization.beta)), ("bias", .float(normalization.kappa)),
            ], named: name(layer, "normalization"))
        return output(of: layer, result)
    }

    private mutating func normalize(_ value: String, _ layer: LayerDescription) -> String {
        let parameters = [TensorRole.scales, .biases, .rollingMean].map { parameter($0, of: layer) }
        return graph.add(
            "BatchNormalization", [value] + parameters + [variance(of: layer)], [("epsilon", .float(0))],
            named: name(layer, "batchnorm"))
    }

    /// Darknet adds 1e-6 to the root of the variance, ONNX something to the variance.
    private mutating func variance(of layer: LayerDescription) -> String {
        guard let tensor = model.network.layout.tensor(layer: layer.index, role: .rollingVariance) else {
            preconditionFailure("a normalized layer has a variance")
        }
        let values = unsafe Array(model.arena.floats(of: tensor)).map { variance in
            let deviation = Double(variance).squareRoot() + 1e-6
            return Float(deviation * deviation)
        }
        return graph.constant("\(tensor.fullName).onnx", values)
    }

    private mutating func maxPool(
        _ before: ONNXGraph.Value, _ pool: LayerDescription.MaxPool, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        let first = pool.padding / 2
        // As much behind the image as the last window reaches: never a whole window, which runtimes refuse.
        func last(_ input: Int, _ output: Int) -> Int {
            max(0, (output - 1) * pool.stride + pool.size - input - first)
        }
        let pads = [
            first, first, last(layer.input.height, layer.output.height), last(layer.input.width, layer.output.width),
        ]
        let result = graph.add(
            "MaxPool", [image(before)],
            [
                ("kernel_shape", .numbers([pool.size, pool.size])), ("strides", .numbers([pool.stride, pool.stride])),
                ("pads", .numbers(pads)),
            ], named: name(layer, "maxpool"))
        return output(of: layer, result)
    }

    private mutating func softmax(
        _ before: ONNXGraph.Value, _ softmax: LayerDescription.Softmax, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        var value = softmax.isSpatial ? image(before) : flat(before)
        if softmax.temperature != 1 {
            value = apply("Mul", value, 1 / softmax.temperature, layer, "softmax")
        }
        guard softmax.groups > 1, !softmax.isSpatial else {
            let result = graph.add("Softmax", [value], [("axis", .number(1))], named: name(layer, "softmax"))
            return output(of: layer, result, isFlat: !softmax.isSpatial)
        }
        value = reshape(value, [0, softmax.groups, layer.output.count / softmax.groups], name(layer, "groups"))
        value = graph.add("Softmax", [value], [("axis", .number(2))], named: name(layer, "softmax"))
        return output(of: layer, reshape(value, [0, layer.output.count], name(layer, "flat")), isFlat: true)
    }

    // MARK: The graph

    private mutating func route(
        _ sources: [ONNXGraph.Value], _ route: LayerDescription.Route, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        // Images of different sizes are put together as the numbers that they are.
        let isFlat = sources.contains { $0.shape.height != layer.output.height || $0.shape.width != layer.output.width }
        var parts: [String] = []
        for source in sources {
            var part = image(source)
            if route.groups > 1 {
                let count = source.shape.channels / route.groups
                part = slice(
                    part, [route.group * count], to: [(route.group + 1) * count], axes: [1], name(layer, "part"))
            }
            if isFlat { part = graph.add("Flatten", [part], [("axis", .number(1))], named: name(layer, "flat")) }
            parts.append(part)
        }
        let result = graph.add("Concat", parts, [("axis", .number(1))], named: name(layer, "route"))
        return output(of: layer, result, isFlat: isFlat)
    }

    private mutating func add(
        _ other: ONNXGraph.Value, to before: ONNXGraph.Value, _ shortcut: LayerDescription.Shortcut,
        _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        let isFlat = before.isFlat && other.isFlat
        var terms = isFlat ? [before.name, other.name] : [image(before), image(other)]
        for (term, factor) in [shortcut.alpha, shortcut.beta].enumerated() where factor != 1 {
            terms[term] = apply("Mul", terms[term], factor, layer, "shortcut")
        }
        let sum = graph.add("Add", terms, named: name(layer, "shortcut"))
        return output(of: layer, activate(sum, shortcut.activation, layer), isFlat: isFlat)
    }

    private mutating func upsample(
        _ before: ONNXGraph.Value, _ upsample: LayerDescription.Upsample, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        let name = name(layer, "upsample")
        let stride = Float(upsample.stride)
        // No region of interest, then factors of the four extents.
        var result = graph.add(
            "Resize", [image(before), "", graph.constant("\(name).factors", [1, 1, stride, stride] as [Float])],
            [
                ("mode", .text("nearest")), ("coordinate_transformation_mode", .text("asymmetric")),
                ("nearest_mode", .text("floor")),
            ], named: name)
        if upsample.scale != 1 { result = apply("Mul", result, upsample.scale, layer, "upsample") }
        return output(of: layer, result)
    }

    /// The window in the middle, which is what predicts.
    private mutating func crop(
        _ before: ONNXGraph.Value, _ crop: LayerDescription.Crop, _ layer: LayerDescription
    ) -> ONNXGraph.Value {
        let first = [(layer.input.height - layer.output.height) / 2, (layer.input.width - layer.output.width) / 2]
        var result = slice(
            image(before), first, to: [first[0] + layer.output.height, first[1] + layer.output.width], axes: [2, 3],
            name(layer, "crop"))
        if crop.adjusts { result = apply("Add", apply("Mul", result, 2, layer, "crop"), -1, layer, "crop") }
        return output(of: layer, result)
    }

    private mutating func slice(
        _ value: String, _ starts: [Int], to ends: [Int], axes: [Int], _ name: String
    ) -> String {
        let bounds = [("starts", starts), ("ends", ends), ("axes", axes)].map { part, numbers in
            graph.constant("\(name).\(part)", numbers)
        }
        return graph.add("Slice", [value] + bounds, named: name)
    }

    // MARK: Activations

    private mutating func activate(_ value: String, _ activation: Activation, _ layer: LayerDescription) -> String {
        let word = activation.rawValue
        let name = name(layer, word)
        switch activation {
        case .linear: return value
        case .logistic: return graph.add("Sigmoid", [value], named: name)
        // 2σ(x) - 1 is tanh(x / 2).
        case .loggy: return graph.add("Tanh", [apply("Mul", value, 0.5, layer, word)], named: name)
        case .relu: return graph.add("Relu", [value], named: name)
        case .elu: return graph.add("Elu", [value], [("alpha", .float(1))], named: name)
        case .selu:
            return graph.add("Selu", [value], [("alpha", .float(1.6732)), ("gamma", .float(1.0507))], named: name)
        case .relie: return graph.add("LeakyRelu", [value], [("alpha", .float(0.01))], named: name)
        case .leaky: return graph.add("LeakyRelu", [value], [("alpha", .float(0.1))], named: name)
        case .ramp:
            let positive = graph.add("Relu", [value], named: name)
            return graph.add("Add", [positive, apply("Mul", value, 0.1, layer, word)], named: name)
        case .tanh: return graph.add("Tanh", [value], named: name)
        case .hardtan: return clip(value, -1, 1, layer, word)
        case .lhtan:
            // What lies outside of 0 to 1 goes on with a thousandth of the slope.
            return graph.add(
                "Add", [clip(value, 0, 1, layer, word), rest(value, 0, 1, 0.001, layer, word)], named: name)
        case .plse:
            let middle = apply(
                "Add", apply("Mul", clip(value, -4, 4, layer, word), 0.125, layer, word), 0.5, layer, word)
            return graph.add("Add", [middle, rest(value, -4, 4, 0.01, layer, word)], named: name)
        case .stair:
            let floor = graph.add("Floor", [value], named: name)
            let half = graph.add("Floor", [apply("Mul", value, 0.5, layer, word)], named: name)
            // Between an odd number and the next even one it climbs.
            let odd = graph.add("Sub", [floor, apply("Mul", half, 2, layer, word)], named: name)
            let climb = graph.add("Mul", [graph.add("Sub", [value, floor], named: name), odd], named: name)
            return graph.add("Add", [half, climb], named: name)
        }
    }

    private mutating func clip(
        _ value: String, _ low: Float, _ high: Float, _ layer: LayerDescription, _ word: String
    ) -> String {
        let name = name(layer, word)
        let bounds = [graph.constant("\(name).low", low), graph.constant("\(name).high", high)]
        return graph.add("Clip", [value] + bounds, named: name)
    }

    /// What a value is outside of bounds, times a factor.
    private mutating func rest(
        _ value: String, _ low: Float, _ high: Float, _ factor: Float, _ layer: LayerDescription, _ word: String
    ) -> String {
        let outside = graph.add("Sub", [value, clip(value, low, high, layer, word)], named: name(layer, word))
        return apply("Mul", outside, factor, layer, word)
    }

    /// An operation with a number.
    private mutating func apply(
        _ operation: String, _ value: String, _ number: Float, _ layer: LayerDescription, _ word: String
    ) -> String {
        let name = name(layer, word)
        return graph.add(operation, [value, graph.constant("\(name).number", number)], named: name)
    }

    // MARK: Parts

    /// Four extents, whatever it had.
    private mutating func image(_ value: ONNXGraph.Value) -> String {
        guard value.isFlat else { return value.name }
        let shape = value.shape
        return reshape(value.name, [0, shape.channels, shape.height, shape.width], "\(value.name).image")
    }

    /// Channels in the second extent, whether or not others follow.
    private mutating func channelled(_ value: ONNXGraph.Value) -> ONNXGraph.Value {
        guard value.isFlat, value.shape.area > 1 else { return value }
        return ONNXGraph.Value(name: image(value), shape: value.shape)
    }

    /// Two extents, whatever it had.
    private mutating func flat(_ value: ONNXGraph.Value) -> String {
        guard !value.isFlat else { return value.name }
        return graph.add("Flatten", [value.name], [("axis", .number(1))], named: "\(value.name).flat")
    }

    /// Other extents of the same values; 0 keeps the number of images.
    private mutating func reshape(_ value: String, _ extents: [Int], _ name: String) -> String {
        graph.add("Reshape", [value, graph.constant("\(name).extents", extents)], named: name)
    }

    private mutating func parameter(_ role: TensorRole, of layer: LayerDescription) -> String {
        guard let tensor = model.network.layout.tensor(layer: layer.index, role: role) else {
            preconditionFailure("the layer has a tensor for each of its parameters")
        }
        var bytes: [UInt8] = []
        model.append(tensor, to: &bytes)
        return graph.constant(tensor.fullName, tensor.shape, floats: bytes)
    }

    private func name(_ layer: LayerDescription, _ word: String) -> String { "layers.\(layer.index).\(word)" }

    private func output(of layer: LayerDescription, _ name: String, isFlat: Bool = false) -> ONNXGraph.Value {
        ONNXGraph.Value(name: name, shape: layer.output, isFlat: isFlat)
    }
}
