/// Whether the faults of Darknet that change numbers are repaired, or done as Darknet does them.
///
/// The faults are those of its code for processors; docs/darknet.md lists them, and says which ones `strict` has.
public enum Compatibility: String, CaseIterable, Sendable {
    case fixed
    /// For comparisons with Darknet, and with what it has trained.
    case strict
}

extension LayerDescription {
    package var isStrict: Bool { compatibility == .strict }

    /// Whether Darknet computes this layer's numbers in a way of its own, which the reference kernels alone have.
    package var hasStrictNumbers: Bool {
        guard isStrict else { return false }
        return switch kind {
        case .convolutional(let layer): layer.batchNormalize || readsFlat
        case .connected(let layer): layer.batchNormalize
        case .cost(let cost): cost.form == .smooth
        case .softmax, .activation: true
        default: false
        }
    }

    /// Whether a 1×1 convolution with strides or padding takes its input as if it had the output's positions.
    package var readsFlat: Bool {
        guard isStrict, case .convolutional(let layer) = kind else { return false }
        return layer.size == 1 && (layer.stride > 1 || layer.padding > 0)
    }

    /// Whether it puts its input's delta in the place of what later readers of that input have asked for.
    package var overwritesDeltas: Bool {
        guard isStrict else { return false }
        return switch kind {
        case .convolutional(let layer): layer.size == 1
        case .reorg, .normalization, .activation: true
        default: false
        }
    }

    /// The shape that it takes its input for.
    var flatInput: Shape { Shape(channels: input.channels, height: output.height, width: output.width) }

    /// Whether it puts a delta into the place of all of it.
    package var clearsDeltas: Bool { overwritesDeltas && !readsFlat }

    /// Makes of the layer what Darknet makes of its keys.
    /// - Parameter layers: the layers before this one.
    /// - Throws: `ConfigError` for what makes Darknet read outside of its memory.
    mutating func beStrict(_ reader: SectionReader, after layers: [LayerDescription]) throws(ConfigError) {
        // A dropout changes what it reads in its place, so that later readers of that find the same.
        func dropped(_ source: Int) -> Int {
            var source = source
            while source + 1 < layers.count, case .dropout = layers[source + 1].kind { source += 1 }
            return source
        }
        switch kind {
        case .convolutional(var layer):
            guard !readsFlat || output.area <= input.area else {
                throw reader.error(
                    "padding", "under compat=strict 1x1 windows would read beyond the image: leave it out")
            }
            if layer.signs == .weights { layer.signs = .none }
            kind = .convolutional(layer)
        case .cost(var cost):
            if cost.form == .wgan { cost.form = .sse }
            kind = .cost(cost)
        case .route(var route):
            route.layers = route.layers.map(dropped)
            kind = .route(route)
        case .shortcut(var shortcut):
            shortcut.from = dropped(shortcut.from)
            kind = .shortcut(shortcut)
        default: break
        }
    }
}
