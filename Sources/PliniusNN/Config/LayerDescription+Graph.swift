extension LayerDescription {
    private static var maximumSources: Int { 64 }

    /// Reads a `[route]`; its output has the channels of all its sources, or is flat if their images differ in size.
    static func route(
        _ reader: inout SectionReader, _ shapes: [Shape]
    ) throws(ConfigError) -> (kind: Kind, input: Shape, output: Shape) {
        let numbers = try reader.integers("layers", in: referenceRange)
        guard numbers.count <= maximumSources else {
            throw reader.error("layers", "expected at most \(maximumSources) layers, found \(numbers.count)")
        }
        var layers: [Int] = []
        for number in numbers { layers.append(try layer(number, of: "layers", reader, shapes)) }
        let groups = try reader.integer("groups", default: 1, in: 1...1 << 20)
        let group = try reader.integer("group_id", default: 0, in: 0...groups - 1)
        let sources = layers.map { shapes[$0 + 1] }
        guard let first = sources.first else { throw reader.error("layers", "expected a layer, found none") }
        for source in sources where source.channels % groups != 0 {
            throw reader.error(
                "groups", "expected a divisor of the \(source.channels) channels of each layer, found \(groups)")
        }
        let kind = Kind.route(Route(layers: layers, groups: groups, group: group))
        if sources.allSatisfy({ $0.height == first.height && $0.width == first.width }) {
            let channels = sources.reduce(0) { $0 + $1.channels / groups }
            return (kind, first, Shape(channels: channels, height: first.height, width: first.width))
        }
        return (kind, first, Shape(channels: sources.reduce(0) { $0 + $1.count / groups }, height: 1, width: 1))
    }

    /// Reads a `[shortcut]`; its output has the shape of the layer before.
    static func shortcut(_ reader: inout SectionReader, _ shapes: [Shape]) throws(ConfigError) -> Kind {
        guard let number = try reader.integer("from", in: referenceRange) else {
            throw reader.error("from", "is missing: expected the layer that is added")
        }
        let shortcut = Shortcut(
            from: try layer(number, of: "from", reader, shapes),
            activation: try reader.choice("activation", default: .linear),
            alpha: try reader.number("alpha", default: 1), beta: try reader.number("beta", default: 1))
        let (before, other) = (shapes[shapes.count - 1], shapes[shortcut.from + 1])
        guard
            other.width / before.width == other.height / before.height,
            before.width / other.width == before.height / other.height
        else {
            throw reader.error(
                "from", "expected one ratio between the sides of \(before) and \(other), found one for each side")
        }
        return .shortcut(shortcut)
    }

    private static var referenceRange: ClosedRange<Int> {
        -NetworkDescription.maximumLayers...NetworkDescription.maximumLayers
    }

    /// Resolves a reference: a negative number counts back from the layer that is read.
    private static func layer(
        _ number: Int, of key: String, _ reader: SectionReader, _ shapes: [Shape]
    ) throws(ConfigError) -> Int {
        let index = shapes.count - 1
        let layer = number < 0 ? index + number : number
        guard -1..<index ~= layer else {
            let last = index > 0 ? ", or 0 to \(index - 1)" : ""
            throw reader.error(key, "expected a layer before this one, \(-index - 1) to -1\(last); found \(number)")
        }
        return layer
    }
}
