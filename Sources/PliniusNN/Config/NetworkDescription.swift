/// A network as its configuration describes it: checked, with all shapes known, and the layout of its state.
public struct NetworkDescription: Sendable {
    public let options: NetOptions
    /// Shape of one image.
    public let input: Shape
    public let layers: [LayerDescription]
    /// What the data path does to images.
    public let augmentation: Augmentation
    /// What was passed over in the text.
    public let warnings: [ConfigWarning]
    /// Where the state of each layer lies.
    public let layout: ArenaLayout

    /// The last layer that is not a cost: the one that predicts.
    public var outputLayer: Int { layers.lastIndex { !$0.isCost } ?? 0 }
    /// What training compares with, for each image.
    public var truth: LayerDescription.Truth {
        layers.lazy.filter { $0.truthLayer == nil }.compactMap(\.truth).first ?? .predictions(count: outputs)
    }
    /// Floats of truth per image.
    public var truthCount: Int { truth.count }

    /// Images per pass to predict `count` of them in their order: a recurrent layer sees as many as it was trained with, as
    /// the steps of one sequence.
    public func inferenceBatch(of count: Int) -> Int {
        options.timeSteps > 1 ? options.timeSteps : min(options.miniBatch, count)
    }

    /// Whether the outputs of all layers for so many images are within the bounds of a mini-batch.
    public func fits(imagesPerPass count: Int) -> Bool {
        1...65_536 ~= count
            && layers.reduce(input.count) { $0 + $1.output.count } * count <= Self.maximumFloats
    }

    /// Most layers that a network may have.
    static let maximumLayers = 1024
    /// Most floats in the whole arena, and in the outputs of all layers for a mini-batch.
    static let maximumFloats = 1 << 31
    private static let maximumWarnings = 1000

    /// Whether a tensor of these extents is within bounds.
    static func fits(_ extents: [Int]) -> Bool {
        var count = 1
        for extent in extents {
            let product = count.multipliedReportingOverflow(by: extent)
            guard !product.overflow, product.partialValue <= maximumFloats else { return false }
            count = product.partialValue
        }
        return true
    }

    /// Parses a configuration in Darknet's format.
    ///
    /// The text may come from anybody: whatever it says, this returns or throws, and sizes are bounded.
    /// - Parameters:
    ///   - file: its name, for messages.
    /// - Throws: `ConfigError` with file, line, key, what was expected and what was found.
    public init(parsing text: String, file: String) throws(ConfigError) {
        let sections = try ConfigSection.sections(of: text, file: file)
        guard let first = sections.first, ["net", "network"].contains(first.name) else {
            let found = sections.first.map { "[\($0.name)]" } ?? "nothing"
            throw ConfigError(
                file: file, line: sections.first?.line ?? 0, key: nil,
                message: "expected [net] to begin with, found \(found)")
        }
        var reader = SectionReader(first, file: file)
        let options = try NetOptions(&reader)
        let input = try Shape(&reader)
        var standard = Augmentation()
        // Where Darknet learns sequences, it leaves them as they are.
        if options.compatibility == .strict, options.timeSteps == 1 {
            let detects = sections.contains { ["yolo", "region", "detection"].contains($0.name) }
            standard = .darknet(input, detects: detects)
        }
        var augmentation = try Augmentation(&reader, input, standard: standard)
        reader.finish()
        guard 1...Self.maximumLayers ~= sections.count - 1 else {
            throw reader.error(nil, "expected 1 to \(Self.maximumLayers) layers, found \(sections.count - 1)")
        }

        var warnings = reader.warnings
        var layers: [LayerDescription] = []
        var layout = ArenaLayout()
        var shapes = [input]
        var outputFloats = input.count * options.miniBatch
        for (index, section) in sections.dropFirst().enumerated() {
            var reader = SectionReader(section, file: file)
            var layer = try LayerDescription(&reader, index: index, shapes: shapes, options: options)
            if layer.truth != nil { layer.truthLayer = layers.lastIndex(where: \.isTruth) }
            if layer.isStrict { try layer.beStrict(reader, after: layers) }
            reader.finish()
            warnings += reader.warnings
            guard warnings.count <= Self.maximumWarnings else {
                throw reader.error(
                    nil, "more than \(Self.maximumWarnings) keys without meaning up to here: is this Darknet's format?")
            }
            layer.appendState(to: &layout, adam: options.adam != nil)
            // What a recurrent layer's parts make is kept until backward has run.
            outputFloats += layer.parts.reduce(0) { $0 + $1.output.count } * options.miniBatch
            guard layout.floatCount <= Self.maximumFloats, outputFloats <= Self.maximumFloats else {
                throw reader.error(
                    nil,
                    "the network is too large: up to here it takes \(layout.floatCount) numbers of state and "
                        + "\(outputFloats) of outputs for \(options.miniBatch) images; "
                        + "\(Self.maximumFloats) of each are allowed")
            }
            if layer.isHead, layer.truth.map({ $0.count * options.miniBatch > Self.maximumFloats }) ?? false {
                throw reader.error(nil, "the truth of a mini-batch takes more than \(Self.maximumFloats) numbers")
            }
            if let head = layer.sources.first(where: { $0 >= 0 && layers[$0].isHead }) {
                throw reader.error(
                    nil, "reads the layer of line \(layers[head].line), whose predictions no layer takes up")
            }
            shapes.append(layer.output)
            layers.append(layer)
        }
        guard layers.contains(where: { !$0.isCost }) else {
            throw ConfigError(
                file: file, line: first.line, key: nil, message: "expected a layer that predicts, found costs only")
        }
        // All losses compare with the same truth: that of the heads, or one number for each that the network predicts.
        let outputs = layers.last { !$0.isCost }?.output.count ?? 0
        // Where some compare with a layer, the others need not be over what the network predicts.
        let losses = layers.filter { $0.truth != nil && $0.truthLayer == nil }
        let teaches = layers.contains { $0.truthLayer != nil }
        let head = losses.first(where: \.isHead) ?? (teaches ? losses.first : nil)
        for layer in layers {
            guard let truth = layer.truth else { continue }
            if let source = layer.truthLayer {
                guard truth != .predictions(count: layers[source].output.count) else { continue }
                throw ConfigError(
                    file: file, line: layer.line, key: nil,
                    message: "a loss over \(truth), but the layer of line \(layers[source].line) with truth=1 makes "
                        + "\(layers[source].output.count) values")
            }
            guard truth != head?.truth ?? .predictions(count: outputs) else { continue }
            let other = head.flatMap { head in head.truth.map { "a loss on line \(head.line) is over \($0)" } }
            throw ConfigError(
                file: file, line: layer.line, key: nil,
                message: "a loss over \(truth), but \(other ?? "the network predicts \(outputs)")")
        }
        let predicting = layers.last { !$0.isCost }?.index
        for layer in layers where layer.index != predicting {
            guard case .softmax(let softmax) = layer.kind, softmax.tree != nil else { continue }
            throw ConfigError(
                file: file, line: layer.line, key: "tree",
                message: "only the layer that predicts may have a tree of classes, and that is layer \(predicting ?? 0)"
            )
        }
        try augmentation.add(layers, input, file: file, line: first.line)
        if !layers.contains(where: \.measuresLoss) {
            let message = "the network has no loss and cannot learn: end it with [softmax] or [cost]"
            warnings.append(ConfigWarning(file: file, line: first.line, message: message))
        }
        self.options = options
        self.input = input
        self.layers = layers
        self.augmentation = augmentation
        self.warnings = warnings
        self.layout = layout
    }
}

extension Shape {
    /// Reads the image's shape from a `[net]` section.
    fileprivate init(_ reader: inout SectionReader) throws(ConfigError) {
        let height = try reader.integer("height", default: 0, in: 0...65_536)
        let width = try reader.integer("width", default: 0, in: 0...65_536)
        let channels = try reader.integer("channels", default: 0, in: 0...65_536)
        let inputs = try reader.integer("inputs", default: height * width * channels, in: 0...1 << 31)
        if height > 0, width > 0, channels > 0 {
            guard inputs == height * width * channels else {
                throw reader.error(
                    "inputs", "expected height x width x channels = \(height * width * channels), found \(inputs)")
            }
            self.init(channels: channels, height: height, width: width)
        } else {
            guard inputs > 0 else {
                throw reader.error(nil, "expected height, width and channels, or inputs; found no input")
            }
            self.init(channels: inputs, height: 1, width: 1)
        }
        guard count <= NetworkDescription.maximumFloats else {
            throw reader.error(
                nil, "expected images of at most \(NetworkDescription.maximumFloats) values, found \(count)")
        }
    }
}

extension LayerDescription {
    fileprivate var isCost: Bool { if case .cost = kind { true } else { false } }

    /// Whether training has something to make smaller here.
    package var measuresLoss: Bool { truth != nil }
}
