extension LayerDescription {
    static func yolo(
        _ reader: inout SectionReader, _ input: Shape, image: Shape, batch: Int
    ) throws(ConfigError) -> (Kind, Shape) {
        let anchors = try Self.anchors(&reader)
        let mask = try reader.integers("mask", default: Array(anchors.indices), in: 0...anchors.count - 1)
        guard Set(mask).count == mask.count else { throw reader.error("mask", "expected each anchor once") }
        var boxes = AnchorBoxes(
            classes: try classes(&reader, default: 20), anchors: anchors,
            unit: SIMD2(Float(image.width), Float(image.height)), mask: mask,
            maximumBoxes: try reader.integer("max", default: 90, in: 1...10_000),
            ignoreThreshold: try reader.number("ignore_thresh", default: 0.5, in: 0...1),
            truthThreshold: try reader.number("truth_thresh", default: 1, in: 0...1),
            jitter: try jitter(&reader), resizes: try reader.flag("random"),
            batch: batch)
        try finish(&reader, &boxes, input)
        return (.yolo(boxes), input)
    }

    static func region(
        _ reader: inout SectionReader, _ input: Shape, batch: Int
    ) throws(ConfigError) -> (Kind, Shape) {
        try fourCoordinates(&reader)
        let anchors = try Self.anchors(&reader)
        var boxes = AnchorBoxes(
            classes: try classes(&reader, default: 20), anchors: anchors,
            unit: SIMD2(Float(input.width), Float(input.height)), mask: Array(anchors.indices),
            maximumBoxes: try reader.integer("max", default: 30, in: 1...10_000),
            ignoreThreshold: try reader.number("thresh", default: 0.5, in: 0...1),
            softmax: try reader.flag("softmax"), background: try reader.flag("background"),
            rescores: try reader.flag("rescore"), matchesAnchors: try reader.flag("bias_match"),
            coordinateScale: try scale(&reader, "coord_scale"), objectScale: try scale(&reader, "object_scale"),
            noObjectScale: try scale(&reader, "noobject_scale"), classScale: try scale(&reader, "class_scale"),
            jitter: try jitter(&reader), resizes: try reader.flag("random"),
            batch: batch)
        boxes.tree = try reader.tree()
        if let tree = boxes.tree, tree.parents.count != boxes.classes || boxes.background {
            throw reader.error(
                "tree",
                "expected a parent for each of \(boxes.classes) classes, and no background; found "
                    + "\(tree.parents.count)\(boxes.background ? " and a background" : "")")
        }
        try finish(&reader, &boxes, input)
        return (.region(boxes), input)
    }

    static func detection(
        _ reader: inout SectionReader, _ input: Shape, batch: Int
    ) throws(ConfigError) -> (Kind, Shape) {
        try fourCoordinates(&reader)
        let grid = GridBoxes(
            classes: try classes(&reader, default: 1), side: try reader.integer("side", default: 7, in: 1...1024),
            boxes: try reader.integer("num", default: 1, in: 1...1024), softmax: try reader.flag("softmax"),
            usesRoots: try reader.flag("sqrt"), rescores: try reader.flag("rescore"),
            forcesBySize: try reader.flag("forced"), random: try reader.flag("random"),
            coordinateScale: try scale(&reader, "coord_scale"), objectScale: try scale(&reader, "object_scale"),
            noObjectScale: try scale(&reader, "noobject_scale"), classScale: try scale(&reader, "class_scale"),
            jitter: try jitter(&reader), batch: batch)
        try reader.refuse("reorg")
        guard input.count == grid.count else {
            throw reader.error(
                nil,
                "expected \(grid.side)x\(grid.side) cells x (\(grid.classes) classes + \(grid.boxes) boxes x 5) = "
                    + "\(grid.count) inputs, found \(input.count)")
        }
        return (.detection(grid), input)
    }

    static func instanceMasks(_ reader: inout SectionReader, _ input: Shape) throws(ConfigError) -> (Kind, Shape) {
        let masks = InstanceMasks(
            classes: try classes(&reader, default: 20), ids: try reader.integer("ids", default: 32, in: 1...65_536))
        guard input.channels == masks.classes + masks.ids else {
            throw reader.error(
                nil,
                "expected \(masks.classes) classes + \(masks.ids) ids = \(masks.classes + masks.ids) input channels, "
                    + "found \(input.channels)")
        }
        return (.iseg(masks), input)
    }

    private static func classes(_ reader: inout SectionReader, default standard: Int) throws(ConfigError) -> Int {
        try reader.integer("classes", default: standard, in: 1...65_536)
    }

    private static func jitter(_ reader: inout SectionReader) throws(ConfigError) -> Float? {
        // Below 1, so that some of each side is left.
        reader.has("jitter") ? try reader.number("jitter", default: 0, in: 0...0.99) : nil
    }

    private static func scale(_ reader: inout SectionReader, _ key: String) throws(ConfigError) -> Float {
        try reader.number(key, default: 1, in: 0...1e6)
    }

    /// Darknet gives `[detection]` one coordinate where none is said, and then reads four.
    private static func fourCoordinates(_ reader: inout SectionReader) throws(ConfigError) {
        let count = try reader.integer("coords", default: 4, in: 0...1024)
        guard count == 4 else { throw reader.error("coords", "expected 4 (x, y, w, h), found \(count)") }
    }

    private static func anchors(_ reader: inout SectionReader) throws(ConfigError) -> [SIMD2<Float>] {
        let count = try reader.integer("num", default: 1, in: 1...1024)
        let sides = try reader.numbers("anchors", default: Array(repeating: 0.5, count: 2 * count), in: 1e-6...1e6)
        guard sides.count == 2 * count else {
            throw reader.error(
                "anchors", "expected width and height for each of num=\(count) anchors, found \(sides.count) numbers")
        }
        return (0..<count).map { SIMD2(sides[2 * $0], sides[2 * $0 + 1]) }
    }

    /// Reads what both kinds have, and checks the input.
    private static func finish(
        _ reader: inout SectionReader, _ boxes: inout AnchorBoxes, _ input: Shape
    ) throws(ConfigError) {
        boxes.onlyForward = try reader.flag("onlyforward")
        try reader.refuse("map", because: "classes have their numbers from the sealed data set")
        if boxes.resizes {
            reader.warn("random", "is passed over: the size of the images is that of the sealed data set")
        }
        let channels = boxes.mask.count * boxes.entries
        guard input.channels == channels else {
            throw reader.error(
                nil,
                "expected \(boxes.mask.count) anchors x (5 + \(boxes.classes) classes) = \(channels) input channels, "
                    + "found \(input.channels)")
        }
    }
}
