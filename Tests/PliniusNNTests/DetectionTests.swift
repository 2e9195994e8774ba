import PliniusNN
import Testing

/// Boxes read out of outputs, thinned out, and taken out of their letterbox: examples worked out by hand.
@Suite struct DetectionTests {
    private static func layer(_ text: String, channels: Int, side: Int = 2) throws -> LayerDescription {
        try parse("[net]\nheight=\(side)\nwidth=\(side)\nchannels=\(channels)\n\(text)").layers[0]
    }

    private static func numbers(_ box: Box<Float>) -> [Double] {
        [box.x, box.y, box.width, box.height].map(Double.init)
    }

    @Test func `A yolo's boxes`() throws {
        // Two anchors of 1 x 1 and 2 x 4 pixels in a network of 2 x 2; planes of x, y, w, h, objectness and two classes.
        let layer = try Self.layer("[yolo]\nclasses=2\nnum=3\nanchors=1,1,9,9,2,4\nmask=0,2", channels: 14)
        var output = [Float](repeating: 0, count: 14 * 4)
        func set(_ anchor: Int, cell: Int, _ entries: [Float]) {
            for (entry, value) in entries.enumerated() { output[(anchor * 7 + entry) * 4 + cell] = value }
        }
        set(0, cell: 1, [0.5, 0.25, 0, 0, 0.5, 0.5, 0.25])
        set(1, cell: 2, [0.5, 0.5, 0, 0, 0.75, 1, 0])
        set(1, cell: 3, [0.5, 0.5, 0, 0, 0.25, 1, 1])
        let found = layer.detections(in: output.span, threshold: 0.25)
        #expect(found.count == 2)
        // Cell 1 is the right one of the upper row.
        #expect(
            found[0]
                == Detection(
                    box: Box(x: 0.75, y: 0.125, width: 0.5, height: 0.5), objectness: 0.5, probabilities: [0, 0]))
        #expect(
            found[1]
                == Detection(
                    box: Box(x: 0.25, y: 0.75, width: 1, height: 2), objectness: 0.75, probabilities: [0.75, 0]))
        let more = layer.detections(in: output.span, threshold: 0.125)
        #expect(more.map(\.probabilities) == [[0.25, 0], [0.75, 0], [0.25, 0.25]])
    }

    @Test func `A region's boxes, with and without a background`() throws {
        var output = [Float](repeating: 0, count: 6 * 4)
        for (entry, value) in ([0.5, 0.5, 0, 0, 0.5, 0.75] as [Float]).enumerated() { output[entry * 4 + 3] = value }
        let plain = try Self.layer("[region]\nclasses=1\nanchors=1,.5", channels: 6)
        let box = Box<Float>(x: 0.75, y: 0.75, width: 0.5, height: 0.25)
        #expect(
            plain.detections(in: output.span, threshold: 0.25) == [
                Detection(box: box, objectness: 0.5, probabilities: [0.375])
            ])
        let background = try Self.layer("[region]\nclasses=1\nanchors=1,.5\nbackground=1", channels: 6)
        let found = background.detections(in: output.span, threshold: 0.25)
        #expect(found.count == 4)
        #expect(found[3] == Detection(box: box, objectness: 1, probabilities: [0.75]))
        #expect(found[0].probabilities == [0])
    }

    @Test(arguments: [false, true])
    func `A grid's boxes`(usesRoots: Bool) throws {
        // Four cells of one class, one box each: classes, objectness, boxes.
        let layer = try Self.layer("[detection]\nside=2\nclasses=1\nsqrt=\(usesRoots ? 1 : 0)", channels: 6)
        var output = [Float](repeating: 0, count: 24)
        output[2] = 0.5
        output[4 + 2] = 0.75
        output.replaceSubrange(8 + 2 * 4..<8 + 3 * 4, with: [0.5, 0.25, 0.5, 0.25])
        let size: (Float, Float) = usesRoots ? (0.25, 0.0625) : (0.5, 0.25)
        #expect(
            layer.detections(in: output.span, threshold: 0.25) == [
                Detection(
                    box: Box(x: 0.25, y: 0.625, width: size.0, height: size.1), objectness: 0.75,
                    probabilities: [0.375])
            ])
    }

    @Test func `Other layers have none`() throws {
        let layer = try Self.layer("[avgpool]", channels: 3)
        let output: [Float] = [1, 1, 1]
        #expect(layer.detections(in: output.span, threshold: 0).isEmpty)
    }

    @Test func `Overlap`() {
        let box = Box(x: 0.0, y: 0, width: 2, height: 2)
        #expect(box.iou(box) == 1)
        #expect(box.iou(Box(x: 1, y: 0, width: 2, height: 2)) == 1.0 / 3)
        #expect(box.iou(Box(x: 1, y: 1, width: 2, height: 2)) == 1.0 / 7)
        #expect(box.iou(Box(x: 0, y: 0, width: 1, height: 1)) == 0.25)
        // Darknet's is not a number for two empty boxes.
        let odd = [
            Box(x: 2.0, y: 0, width: 2, height: 2), Box(x: 0, y: 0, width: 0, height: 0),
            Box(x: 0, y: 0, width: -1, height: 2), Box(x: .nan, y: 0, width: 1, height: 1),
            Box(x: 0, y: 0, width: .infinity, height: 1),
        ]
        for one in odd {
            #expect(one.iou(box) == 0 && box.iou(one) == 0)
        }
        #expect(odd[1].iou(odd[1]) == 0)
    }

    @Test func `A letterbox is undone`() {
        // 100 x 50 into 28 x 28: 28 x 14, seven rows from the top.
        let wide = Box<Float>(x: 0.5, y: 0.5, width: 0.5, height: 0.25)
            .withoutLetterbox(image: (100, 50), input: (28, 28))
        expectClose(Self.numbers(wide), [0.5, 0.5, 0.5, 0.5])
        let corner = Box<Float>(x: 0.25, y: 0.25, width: 0.1, height: 0.1)
            .withoutLetterbox(image: (100, 50), input: (28, 28))
        expectClose(Self.numbers(corner), [0.25, 0, 0.1, 0.2], tolerance: 1e-7)
        // 30 x 100 into 416 x 208: 62 x 208 (62.4 cut), 177 columns from the left.
        let tall = Box<Float>(x: 0.5, y: 0.25, width: 0.149038, height: 0.5)
            .withoutLetterbox(image: (30, 100), input: (416, 208))
        expectClose(Self.numbers(tall), [0.5, 0.25, 1, 0.5], tolerance: 1e-5)
        let left = Box<Float>(x: 177 / 416, y: 0.5, width: 0.1, height: 0.5)
            .withoutLetterbox(image: (30, 100), input: (416, 208))
        expectClose([Double(left.x)], [0], tolerance: 1, floor: 1e-6)
    }

    /// Boxes of 1 x 1 along a line: neighbours half a width apart overlap by a third.
    private static func row(_ parts: [(x: Float, objectness: Float, probabilities: [Float])]) -> [Detection] {
        parts.map {
            Detection(
                box: Box(x: $0.x, y: 0, width: 1, height: 1), objectness: $0.objectness, probabilities: $0.probabilities
            )
        }
    }

    private static let chain = row([
        (0, 0.5, [0.25, 0.5]), (0.5, 0.9, [0.5, 0.25]), (1, 0.7, [0.25, 0.75]), (5, 0.1, [0.1, 0.1]),
        (5, 0.1, [0.1, 0.2]), (0.5, 0, [1, 1]),
    ])

    @Test(
        arguments: [
            // Pairs (0,1), (1,2) and (3,4) overlap; the silent box of objectness 0 takes part as the others.
            (
                Suppression.pairs, [[0.0, 0], [0, 0], [0, 0], [0.1, 0], [0, 0.2], [1, 1]],
                [0.5, 0.9, 0.7, 0.1, 0.1, 0] as [Float]
            ),
            // Class 0: 1 silences 0 and 2. Class 1: 2 silences 1, and 0 stays.
            (
                .classes, [[0, 0.5], [0.5, 0], [0, 0.75], [0.1, 0], [0, 0.2], [1, 1]], [0.5, 0.9, 0.7, 0.1, 0.1, 0]
            ),
            (.objectness, [[0, 0], [0.5, 0.25], [0, 0], [0.1, 0.1], [0, 0], [1, 1]], [0, 0.9, 0, 0.1, 0, 0]),
        ] as [(Suppression, [[Float]], [Float])])
    func `Boxes are thinned out`(way: Suppression, probabilities: [[Float]], objectness: [Float]) {
        var boxes = Self.chain
        boxes.suppress(way, overlap: 0.3)
        #expect(boxes.map(\.probabilities) == probabilities)
        #expect(boxes.map(\.objectness) == objectness)
        #expect(boxes.map(\.box) == Self.chain.map(\.box))
        // An overlap of a third is not more than a third.
        var others = Self.chain
        others.removeLast(3)
        let plain = others
        others.suppress(way, overlap: 1 / 3)
        #expect(others == plain)
        var none: [Detection] = []
        none.suppress(way, overlap: 0.5)
        #expect(none.isEmpty)
    }

    @Test func `Who is silenced silences nobody`() {
        var boxes = Self.row([(0, 0.9, [0.9]), (0.5, 0.8, [0.8]), (1, 0.7, [0.7])])
        boxes.suppress(.classes, overlap: 0.3)
        #expect(boxes.map(\.probabilities) == [[0.9], [0], [0.7]])
        boxes = Self.row([(0, 0.9, [0.9]), (0.5, 0.8, [0.8]), (1, 0.7, [0.7])])
        boxes.suppress(.objectness, overlap: 0.3)
        #expect(boxes.map(\.objectness) == [0.9, 0, 0.7])
    }
}
