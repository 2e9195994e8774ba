/// A network as its configuration describes it: checked, with all shapes known, and the layout of its state.
public struct NetworkDescription: Sendable {
    public let options: NetOptions
    /// Shape of one image.
    public let input: Shape
    public let layers: [LayerDescription]
    /// What was passed over in the text.
    public let warnings: [ConfigWarning]
    /// Where the state of each layer lies.
    public let layout: ArenaLayout

    /// The last layer that is not a cost: the one that predicts.
    public var outputLayer: Int { layers.lastIndex { if case .cost = $0.kind { false } else { true } } ?? 0 }
    /// Predictions per image.
    public var outputs: Int { layers[outputLayer].output.count }

    /// Most layers that a network may have.
    static let maximumLayers = 1024
    /// Most floats in a layer's output for a mini-batch, in a layer's weights, or in the whole arena.
    static let maximumFloats = 1 << 31

    /// Parses a configuration in Darknet's format.
    ///
    /// The text may come from anybody: whatever it says, this returns or throws, and sizes are bounded.
    /// - Parameters:
    ///   - file: its name, for messages.
    /// - Throws: `ConfigError` with file, line, key, what was expected and what was found.
    public init(parsing text: String, file: String) throws(ConfigError) {
        let sections = try ConfigSection.sections(of: text, file: file)
        guard let first = sections.first, ["net", "network"].contains(first.name) else {
            throw ConfigError(
                file: file,
                line: sections.first?.line ?? 0,
                key: nil,
                message: "the first section is \(sections.first.map { "[\($0.name)]" } ?? "missing"): expected [net]"
            )
        }
        guard sections.count > 1 else {
            throw ConfigError(file: file, line: first.line, key: nil, message: "the network has no layers")
        }
        guard sections.count <= Self.maximumLayers else {
            throw ConfigError(
                file: file,
                line: sections[Self.maximumLayers].line,
                key: nil,
                message: "a network may have \(Self.maximumLayers) layers"
            )
        }
        var reader = SectionReader(first, file: file)
        let options = try NetOptions(&reader)
        let input = try Shape(&reader)
        reader.finish()
        var warnings = reader.warnings

        var layers: [LayerDescription] = []
        var layout = ArenaLayout()
        var shape = input
        for (index, section) in sections.dropFirst().enumerated() {
            var reader = SectionReader(section, file: file)
            let layer = try LayerDescription(&reader, index: index, input: shape, miniBatch: options.miniBatch)
            reader.finish()
            warnings += reader.warnings
            layer.appendState(to: &layout)
            guard layout.floatCount <= Self.maximumFloats else {
                throw reader.error(nil, "the network's state takes more than \(Self.maximumFloats) numbers up to here")
            }
            shape = layer.output
            layers.append(layer)
        }
        guard layers.contains(where: { if case .cost = $0.kind { false } else { true } }) else {
            throw ConfigError(file: file, line: first.line, key: nil, message: "the network has nothing but costs")
        }
        self.options = options
        self.input = input
        self.layers = layers
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
                    "inputs",
                    "is \(inputs), but height x width x channels is \(height * width * channels)"
                )
            }
            self.init(channels: channels, height: height, width: width)
        } else {
            guard inputs > 0 else {
                throw reader.error(nil, "no input: give height, width and channels, or inputs")
            }
            self.init(channels: inputs, height: 1, width: 1)
        }
        guard count <= NetworkDescription.maximumFloats else {
            throw reader.error(
                "width",
                "an image has \(count) values: at most \(NetworkDescription.maximumFloats) are allowed"
            )
        }
    }
}
