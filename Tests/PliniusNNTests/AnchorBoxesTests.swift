import Glibc
import PliniusNN
import Testing

/// `[yolo]` and `[region]` against their rules, written a second time.
@Suite struct AnchorBoxesTests {
    struct Case: CustomStringConvertible, Sendable {
        var description: String
        var text: String
        var oracle: @Sendable () -> AnchorOracle
        var iteration: UInt64 = 100_000
    }

    private static let images = 11
    private static let grid = (width: 4, height: 3)
    private static let anchors = "num=3\nanchors=1,0.75, 2.5,1, 3.5,2.75\n"

    /// Anchors are pixels of a network of 4x3 in one, cells of a grid of 4x3 in the other: the same.
    @Sendable private static func oracle(
        _ mask: [Int] = [0, 1, 2], classes: Int, _ change: (inout AnchorOracle) -> Void = { _ in }
    ) -> AnchorOracle {
        var oracle = AnchorOracle(
            grid: grid, anchors: [(1, 0.75), (2.5, 1), (3.5, 2.75)].map { (w: $0.0 / 4, h: $0.1 / 3) }, mask: mask,
            classes: classes)
        change(&oracle)
        return oracle
    }

    static let cases = [
        Case(description: "yolo", text: "[yolo]\nclasses=3\n\(anchors)", oracle: { oracle(classes: 3) }),
        Case(
            description: "yolo of one class and anchor, thresholds",
            text: "[yolo]\nclasses=1\nmask=2\nignore_thresh=.3\n\(anchors)",
            oracle: { oracle([2], classes: 1) { $0.threshold = Double(Float(0.3)) } }),
        Case(
            description: "yolo, mask out of order",
            text: "[yolo]\nclasses=2\nmask=2,0\n\(anchors)", oracle: { oracle([2, 0], classes: 2) }),
        Case(
            description: "yolo with a truth threshold",
            text: "[yolo]\nclasses=3\ntruth_thresh=.25\nignore_thresh=.125\n\(anchors)",
            oracle: {
                oracle(classes: 3) {
                    $0.threshold = 0.125
                    $0.truthThreshold = 0.25
                }
            }),
        Case(
            description: "region", text: "[region]\nclasses=3\n\(anchors)",
            oracle: {
                oracle(classes: 3) {
                    $0.isRegion = true
                    $0.matchesAnchors = false
                }
            }),
        Case(
            description: "region at first", text: "[region]\nclasses=3\nbias_match=1\n\(anchors)",
            oracle: {
                oracle(classes: 3) {
                    $0.isRegion = true
                    $0.drawsToAnchors = true
                }
            }, iteration: 1162),
        Case(
            description: "region a batch later", text: "[region]\nclasses=3\nbias_match=1\n\(anchors)",
            oracle: { oracle(classes: 3) { $0.isRegion = true } }, iteration: 1163),
        Case(
            description: "region with all scales, softmax and rescore",
            text: "[region]\nclasses=3\nbias_match=1\nsoftmax=1\nrescore=1\nthresh=.25\ncoord_scale=1.5\n"
                + "object_scale=5\nnoobject_scale=.5\nclass_scale=2\n\(anchors)",
            oracle: {
                oracle(classes: 3) {
                    $0.isRegion = true
                    $0.softmax = true
                    $0.rescore = true
                    $0.threshold = 0.25
                    $0.scales = (1.5, 5, 0.5, 2)
                }
            }),
        Case(
            description: "region with a background", text: "[region]\nclasses=3\nbackground=1\nrescore=1\n\(anchors)",
            oracle: {
                oracle(classes: 3) {
                    $0.isRegion = true
                    $0.matchesAnchors = false
                    $0.background = true
                }
            }),
        Case(
            description: "region with a background under softmax",
            text: "[region]\nclasses=2\nbackground=1\nsoftmax=1\n\(anchors)",
            oracle: {
                oracle(classes: 2) {
                    $0.isRegion = true
                    $0.matchesAnchors = false
                    $0.background = true
                    $0.softmax = true
                }
            }),
    ]

    private static func trial(_ item: Case, threads: Int = 1) throws -> HeadTrial {
        let oracle = item.oracle()
        let channels = oracle.mask.count * (5 + oracle.classes)
        return try HeadTrial(
            item.text + "max=7", Shape(channels: channels, height: grid.height, width: grid.width), images: images,
            threads: threads)
    }

    @Test(arguments: cases)
    func `Outputs, deltas and cost follow the rules`(_ item: Case) throws {
        let oracle = item.oracle()
        let trial = try Self.trial(item)
        let truths = AnchorOracle.truths(images: Self.images, classes: oracle.classes, maximum: 7)
        let pass = Pass(mode: .training, seed: 3, iteration: item.iteration)
        let cost = trial.run(truths.map { $0.flatMap { $0 } }, pass)
        let count = trial.shape.count
        var (outputs, deltas, sum): ([Double], [Double], Double) = ([], [], 0)
        for image in 0..<Self.images {
            let output = oracle.outputs(Array(trial.logits[image * count..<(image + 1) * count]))
            for (element, target) in oracle.targets(output, truth: truths[image]).enumerated() {
                let entry = element / trial.shape.area % (5 + oracle.classes)
                deltas.append(oracle.delta(target, output[element], entry: entry))
                sum += pow(target.weight * (target.goal - output[element]), 2)
            }
            outputs += output
        }
        expectClose(trial.output, outputs)
        expectClose(trial.deltas, deltas)
        expectClose([cost], [sum])
    }

    /// The deltas are the gradient of cross-entropies and halves of squares, with goals that stand still.
    @Test(arguments: cases.filter { !$0.description.contains("background") || $0.description.contains("softmax") })
    func `Deltas are gradients`(_ item: Case) throws {
        let oracle = item.oracle()
        let trial = try Self.trial(item)
        let truths = AnchorOracle.truths(images: Self.images, classes: oracle.classes, maximum: 7)
        let pass = Pass(mode: .training, seed: 3, iteration: item.iteration)
        _ = trial.run(truths.map { $0.flatMap { $0 } }, pass)
        let deltas = trial.deltas
        let image = 6
        let range = image * trial.shape.count..<(image + 1) * trial.shape.count
        let logits = Array(trial.logits[range])
        let targets = oracle.targets(oracle.outputs(logits), truth: truths[image])
        func loss(_ logits: [Double]) -> Double {
            let outputs = oracle.outputs(logits)
            return outputs.indices.reduce(0.0) { sum, element in
                let (target, output) = (targets[element], outputs[element])
                let entry = element / trial.shape.area % (5 + oracle.classes)
                if oracle.softmax, entry > 4 || oracle.background && entry == 4 {
                    return sum - target.weight * target.goal * log(output)
                }
                let isLogistic = entry > 4 || entry < 2 && !oracle.isRegion || entry == 4 && !oracle.isRegion
                if isLogistic {
                    return sum - target.weight * (target.goal * log(output) + (1 - target.goal) * log(1 - output))
                }
                return sum + target.weight * pow(target.goal - output, 2) / 2
            }
        }
        // A background under softmax asks for two things at once where there is an object; there it is no gradient.
        let isLeftOut = { (element: Int) in
            oracle.background && element / trial.shape.area % (5 + oracle.classes) > 3
        }
        var differences: [Double] = []
        for element in logits.indices where !isLeftOut(element) {
            var (above, below) = (logits, logits)
            above[element] += 1e-5
            below[element] -= 1e-5
            differences.append((loss(below) - loss(above)) / 2e-5)
        }
        let found = Array(deltas[range]).enumerated().filter { !isLeftOut($0.offset) }.map(\.element)
        expectClose(found, differences, tolerance: 1e-7, floor: 1e-3)
    }

    @Test func `Bits do not depend on the number of threads`() throws {
        for item in [Self.cases[0], Self.cases[5]] {
            let oracle = item.oracle()
            let truth = AnchorOracle.truths(images: Self.images, classes: oracle.classes, maximum: 7)
                .map { $0.flatMap { $0 } }
            let (one, three) = (try Self.trial(item), try Self.trial(item, threads: 3))
            let costs = [one.run(truth), three.run(truth)]
            #expect(costs[0] == costs[1])
            #expect(one.deltas == three.deltas)
        }
    }

    /// Grid 13 x 13, network 416 x 416, anchor 116 x 90, cell (6, 4): the example of Darknet's specification.
    @Test func `The golden numbers of one box`() throws {
        let shadow = try Shadow(
            """
            [net]
            height=416
            width=416
            channels=1
            [maxpool]
            size=32
            stride=32
            [local]
            filters=6
            size=1
            activation=linear
            [yolo]
            classes=1
            anchors=116,90
            """)
        let cell = 4 * 13 + 6
        var weights = Array(repeating: 0.0, count: 6 * 169)
        for (entry, logit) in [0.2, -0.3, 0.1, 0.4].enumerated() { weights[cell * 6 + entry] = logit }
        shadow[1, .weights] = weights
        shadow[1, .biases] = Array(repeating: 0, count: 6 * 169)
        let truth: [Float] = [0.5, 0.35, 0.3, 0.25, 0]
        shadow.load(
            Array(repeating: 1, count: 416 * 416), truth: truth + Array(repeating: 0, count: 89 * 5))
        let pass = Pass(mode: .training)
        _ = shadow.network.forward(pass)
        shadow.network.backward(pass)
        let found = Array(shadow[1, .weightMomentum][cell * 6..<cell * 6 + 4])
        expectClose(found, [-0.095930, 0.239552, -0.051740, -0.491681], tolerance: 3e-6)
        let output = shadow.output(ofLayer: 2).map { Float($0) }
        let boxes = shadow.description.layers[2].detections(in: output.span, threshold: 0.4)
        #expect(boxes.count == 169)
        let box = boxes[cell].box
        expectClose(
            [box.x, box.y, box.width, box.height].map(Double.init), [0.503833, 0.340427, 0.308173, 0.322751],
            tolerance: 2e-6)
        let iou = box.iou(Box(x: 0.5, y: 0.35, width: 0.3, height: 0.25))
        expectClose([Double(iou)], [0.754050], tolerance: 2e-6)
    }

    // MARK: Repairs

    private static func boxes(_ list: [[Double]], maximum: Int) -> [Double] {
        list.flatMap { $0 } + Array(repeating: 0, count: (maximum - list.count) * 5)
    }

    @Test func `A box at the border belongs to the last cell`() throws {
        let trial = try HeadTrial("[yolo]\nclasses=1\nanchors=1,1", Shape(channels: 6, height: 2, width: 2), images: 1)
        _ = trial.run([Self.boxes([[1, 1, 0.5, 0.5, 0]], maximum: 90)])
        let deltas = trial.deltas
        // x asks to lie at the far end of its cell.
        expectClose([deltas[3]], [1.75 * (1 - 1 / (1 + exp(-trial.logits[3])))])
        #expect(deltas[0] == 0 && deltas[1] == 0 && deltas[2] == 0)
    }

    @Test func `Both classes are right where two boxes share a cell, whatever the first class says`() throws {
        let trial = try HeadTrial("[yolo]\nclasses=3\nanchors=1,1", Shape(channels: 8, height: 1, width: 1), images: 1)
        // The first class's probability rounds to 0, so that its delta is 0 where it is not asked for.
        var logits = trial.logits
        logits[5] = -800
        trial.logits = logits
        let box = [0.5, 0.5, 0.5, 0.5]
        _ = trial.run([Self.boxes([box + [1], box + [2]], maximum: 90)])
        let deltas = trial.deltas
        #expect(deltas[5] == 0 && deltas[6] > 0 && deltas[7] > 0)
    }

    @Test func `A list may be longer than 90`() throws {
        let trial = try HeadTrial(
            "[yolo]\nclasses=1\nanchors=1,1\nmax=101", Shape(channels: 6, height: 1, width: 2), images: 1)
        #expect(trial.shadow.description.truthCount == 505)
        let list = Array(repeating: [0.25, 0.5, 0.5, 0.5, 0], count: 100) + [[0.75, 0.5, 0.5, 0.5, 0]]
        _ = trial.run([Self.boxes(list, maximum: 101)])
        // Objectness is asked for in both cells.
        #expect(trial.deltas[8] > 0 && trial.deltas[9] > 0)
    }

    @Test func `What is no box asks for nothing`() throws {
        let head = "[region]\nclasses=2\nanchors=1,1\nmax=8"
        let nothing = try HeadTrial(head, Shape(channels: 7, height: 2, width: 2), images: 1)
        let empty = nothing.run([Self.boxes([], maximum: 8)])
        let hostile = try HeadTrial(head, Shape(channels: 7, height: 2, width: 2), images: 1)
        let list: [[Double]] = [
            [0.5, 0.5, 0, 0.5, 0], [0.5, 0.5, 0.5, -1, 0], [.nan, 0.5, 0.5, 0.5, 0], [0.5, .infinity, 0.5, 0.5, 0],
            [0.5, 0.5, 0.5, 0.5, 2], [0.5, 0.5, 0.5, 0.5, -1], [0.5, 0.5, 0.5, 0.5, .nan], [0.5, 0.5, .nan, 0.5, 0],
        ]
        #expect(hostile.run([Self.boxes(list, maximum: 8)]) == empty)
        #expect(hostile.deltas == nothing.deltas)
        // Far outside is the border.
        #expect(hostile.run([Self.boxes([[1e30, -1e30, 0.5, 0.5, 0]], maximum: 8)]).isFinite)
    }

    @Test func `Inference and training without truth measure nothing`() throws {
        let trial = try HeadTrial("[yolo]\nclasses=1", Shape(channels: 6, height: 2, width: 2), images: 2)
        #expect(trial.run([]) == 0)
        #expect(trial.deltas.allSatisfy { $0 == 0 })
        _ = trial.run([Self.boxes([], maximum: 90), Self.boxes([], maximum: 90)])
        #expect(trial.shadow.network.forward(Pass(mode: .inference)) == 0)
    }
}
