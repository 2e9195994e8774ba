import Glibc
import PliniusNN
import Testing

/// `[detection]` and `[iseg]` against their rules, written a second time.
@Suite struct GridBoxesTests {
    struct Case: CustomStringConvertible, Sendable {
        var description: String
        var options = ""
        var softmax = false
        var roots = false
        var rescore = false
        var forced = false
        var boxes = 2
        var scales = (coordinates: 1.0, object: 1.0, noObject: 1.0, classes: 1.0)

        var text: String { "[detection]\nside=2\nclasses=3\nnum=\(boxes)\n\(options)" }
    }

    static let cases = [
        Case(description: "plain"), Case(description: "one box", boxes: 1),
        Case(description: "softmax", options: "softmax=1", softmax: true),
        Case(description: "roots", options: "sqrt=1", roots: true),
        Case(description: "rescore", options: "rescore=1\nsqrt=1", roots: true, rescore: true),
        Case(description: "forced", options: "forced=1", forced: true),
        Case(description: "forced, but there is one box", options: "forced=1", forced: true, boxes: 1),
        Case(
            description: "scales", options: "coord_scale=5\nobject_scale=2\nnoobject_scale=.5\nclass_scale=.25",
            scales: (5, 2, 0.5, 0.25)),
    ]

    private static let images = 10

    private static func trial(_ item: Case, threads: Int = 1) throws -> HeadTrial {
        try HeadTrial(
            item.text, Shape(channels: 3 + 5 * item.boxes, height: 2, width: 2), images: images, threads: threads)
    }

    /// Per image four cells of [object, three classes, x, y, w, h]; every other cell is empty, some boxes are small or far off.
    private static let truths = (0..<images).map { image in
        (0..<4).map { cell -> [Double] in
            func number(_ part: Int) -> Double {
                Double(Float((noise((image * 4 + cell) * 8 + part, seed: 5) + 1) / 2))
            }
            guard (image + cell) % 2 == 0 else { return [0, 1, 0, 0, 0.5, 0.5, 0.5, 0.5] }
            let kind = Int(number(0) * 3)
            let size = image % 3 == 0 ? 0.1 : 1.0
            return [1] + (0..<3).map { $0 == kind ? 1 : 0 } + [number(1), number(2)]
                + [number(3), number(4)].map { Double(Float($0 * size)) }
        }
    }

    /// The rules for one image: outputs and targets.
    private static func rules(_ item: Case, _ logits: [Double], _ truth: [[Double]]) -> ([Double], [Target]) {
        var o = logits
        let classes = 3
        if item.softmax {
            for cell in 0..<4 {
                let sum = (0..<classes).reduce(0.0) { $0 + exp(logits[cell * classes + $1]) }
                for k in 0..<classes { o[cell * classes + k] = exp(logits[cell * classes + k]) / sum }
            }
        }
        var targets = Array(repeating: Target(), count: logits.count)
        for cell in 0..<4 {
            let confidences = 4 * classes + cell * item.boxes
            for j in 0..<item.boxes { targets[confidences + j] = Target(weight: item.scales.noObject, goal: 0) }
            let entry = truth[cell]
            guard entry[0] != 0 else { continue }
            for k in 0..<classes {
                targets[cell * classes + k] = Target(weight: item.scales.classes, goal: entry[1 + k])
            }
            func place(_ j: Int) -> Int { 4 * (classes + item.boxes) + (cell * item.boxes + j) * 4 }
            func predicted(_ j: Int) -> PlainBox {
                let p = place(j)
                return PlainBox(
                    x: o[p] / 2, y: o[p + 1] / 2, w: item.roots ? o[p + 2] * o[p + 2] : o[p + 2],
                    h: item.roots ? o[p + 3] * o[p + 3] : o[p + 3])
            }
            // Both are moved by the cell in the product; the difference is the same.
            let box = PlainBox(x: entry[4] / 2, y: entry[5] / 2, w: entry[6], h: entry[7])
            let overlaps = (0..<item.boxes).map { predicted($0).iou(box) }
            let distances = (0..<item.boxes).map { j -> Double in
                let p = predicted(j)
                return (pow(p.x - box.x, 2) + pow(p.y - box.y, 2) + pow(p.w - box.w, 2) + pow(p.h - box.h, 2))
                    .squareRoot()
            }
            var chosen: Int
            if let best = overlaps.max(), best > 0 {
                chosen = overlaps.firstIndex(of: best) ?? 0
            } else {
                chosen = distances.firstIndex(of: distances.min() ?? 0) ?? 0
            }
            if item.forced { chosen = box.w * box.h < 0.1 ? min(1, item.boxes - 1) : 0 }
            targets[confidences + chosen] = Target(
                weight: item.scales.object, goal: item.rescore ? overlaps[chosen] : 1)
            for (part, goal) in entry[4...].enumerated() {
                targets[place(chosen) + part] = Target(
                    weight: item.scales.coordinates, goal: item.roots && part > 1 ? goal.squareRoot() : goal)
            }
        }
        return (o, targets)
    }

    @Test(arguments: cases)
    func `Outputs, deltas and cost follow the rules, and deltas are gradients`(_ item: Case) throws {
        let trial = try Self.trial(item)
        let cost = trial.run(Self.truths.map { $0.flatMap { $0 } })
        let count = trial.shape.count
        var (outputs, deltas, differences, sum): ([Double], [Double], [Double], Double) = ([], [], [], 0)
        for image in 0..<Self.images {
            let logits = Array(trial.logits[image * count..<(image + 1) * count])
            let (output, targets) = Self.rules(item, logits, Self.truths[image])
            outputs += output
            for (target, value) in zip(targets, output) {
                deltas.append(target.weight * (target.goal - value))
                sum += pow(target.weight * (target.goal - value), 2)
            }
            // Half of squares, and cross-entropies under a softmax; goals and choices stand still.
            func loss(_ logits: [Double]) -> Double {
                let (outputs, _) = Self.rules(item, logits, Self.truths[image])
                return outputs.indices.reduce(0.0) { sum, element in
                    let (target, output) = (targets[element], outputs[element])
                    return item.softmax && element < 12
                        ? sum - target.weight * target.goal * log(output)
                        : sum + target.weight * pow(target.goal - output, 2) / 2
                }
            }
            for element in logits.indices {
                var (above, below) = (logits, logits)
                above[element] += 1e-5
                below[element] -= 1e-5
                differences.append((loss(below) - loss(above)) / 2e-5)
            }
        }
        expectClose(trial.output, outputs)
        expectClose(trial.deltas, deltas)
        expectClose([cost], [sum])
        expectClose(trial.deltas, differences, tolerance: 1e-7)
        let others = try Self.trial(item, threads: 3)
        #expect(others.run(Self.truths.map { $0.flatMap { $0 } }) == cost)
        #expect(others.deltas == trial.deltas)
    }

    @Test func `At first a random box answers, as the stream says`() throws {
        let trial = try Self.trial(Case(description: "random", options: "random=1\nforced=1"))
        let truth = Self.truths.map { $0.flatMap { $0 } }
        // Ten images per update: 64,000 are seen when update 6,399 begins.
        for (iteration, isRandom) in [(0, true), (6_398, true), (6_399, false)] as [(UInt64, Bool)] {
            _ = trial.run(truth, Pass(mode: .training, seed: 12, iteration: iteration))
            let stream = RandomStream(seed: 12, purpose: .assignment, substream: 1)
            for image in 0..<Self.images {
                for cell in 0..<4 where Self.truths[image][cell][0] != 0 {
                    let word = stream.block(UInt64(image) << 32 | UInt64(cell), iteration: iteration).x
                    let isSmall = Self.truths[image][cell][6] * Self.truths[image][cell][7] < 0.1
                    let chosen = isRandom ? (word < 1 << 31 ? 0 : 1) : isSmall ? 1 : 0
                    let first = image * trial.shape.count + 4 * (3 + 2) + cell * 8
                    #expect(trial.deltas[first + chosen * 4] != 0)
                    #expect(trial.deltas[first + (1 - chosen) * 4] == 0)
                }
            }
        }
    }

    @Test func `A box answers though all are far off, and what is no box asks for nothing`() throws {
        let item = Case(description: "", boxes: 1)
        let trial = try HeadTrial(item.text, Shape(channels: 8, height: 2, width: 2), images: 1)
        var logits = trial.logits
        for place in 16..<32 { logits[place] = 1_000 }
        trial.logits = logits
        let nothing = [0, 1, 0, 0, 0.5, 0.5, 0.5, 0.5]
        let object = [1, 1, 0, 0, 0.5, 0.5, 0.25, 0.25]
        _ = trial.run([object + nothing + nothing + nothing])
        #expect(trial.deltas[16] == -999.5 && trial.deltas[20] == 0)
        let hostile: [[Double]] = [
            [1, 1, 0, 0, .nan, 0.5, 0.5, 0.5], [1, 1, 0, 0, 0.5, 0.5, -1, 0.5], [1, 1, 0, 0, 0.5, .infinity, 0.5, 0.5],
            [1, 1, 0, 0, 0.5, 0.5, 0.5, 0],
        ]
        let empty = trial.run([nothing + nothing + nothing + nothing])
        #expect(trial.run([hostile.flatMap { $0 }]) == empty)
    }

    // MARK: [iseg]

    private static let shape = Shape(channels: 5, height: 2, width: 3)

    /// Three classes and two coordinates on 2 x 3 pixels: an image with three instances, one without, one with odd ones.
    private static let masks: [[[Double]]] = [
        [[2, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0], [2, 0, 1, 0, 0, 0.5, 0]], [[-1, 1, 1, 1, 1, 1, 1]],
        [
            [1, 0, 0, 0, 0, 0, 0], [3, 1, 1, 1, 1, 1, 1], [1, 0, 1, 1, 0, 0, 0], [-1, 0, 0, 0, 0, 0, 0],
            [0, 1, 1, 1, 1, 1, 1],
        ],
    ]

    @Test func `Instances follow the rules`() throws {
        let images = 9
        let trial = try HeadTrial("[iseg]\nclasses=3\nids=2", Self.shape, images: images)
        let truths = (0..<images).map { image -> [[Double]] in
            let list = Self.masks[image % 3]
            return list + Array(repeating: [-1, 0, 0, 0, 0, 0, 0], count: 90 - list.count)
        }
        let cost = trial.run(truths.map { $0.flatMap { $0 } })
        var (outputs, deltas): ([Double], [Double]) = ([], [])
        for image in 0..<images {
            var o = Array(trial.logits[image * 30..<(image + 1) * 30])
            for element in 0..<18 { o[element] = 1 / (1 + exp(-o[element])) }
            var d = (0..<30).map { $0 < 18 ? -o[$0] : -0.1 * o[$0] }
            var instances: [(pixels: [Int], mean: [Double])] = []
            for entry in truths[image].prefix(while: { $0[0] >= 0 }) where entry[0] < 3 {
                let pixels = (0..<6).filter { entry[1 + $0] != 0 }
                for pixel in pixels {
                    let place = Int(entry[0]) * 6 + pixel
                    d[place] = entry[1 + pixel] - o[place]
                }
                guard !pixels.isEmpty else { continue }
                let mean = (0..<2).map { id in
                    pixels.reduce(0.0) { $0 + o[18 + id * 6 + $1] } / Double(pixels.count)
                }
                instances.append((pixels, mean))
            }
            for (own, instance) in instances.enumerated() {
                for pixel in instance.pixels {
                    for other in instances.indices {
                        for id in 0..<2 {
                            let place = 18 + id * 6 + pixel
                            let step = instances[other].mean[id] - o[place] < 0 ? -0.1 : 0.1
                            d[place] += own == other ? step : -step
                        }
                    }
                }
            }
            for element in 18..<30 { d[element] *= 0.01 }
            outputs += o
            deltas += d
        }
        expectClose(trial.output, outputs)
        expectClose(trial.deltas, deltas)
        expectClose([cost], [deltas.reduce(0.0) { $0 + $1 * $1 }])
        let others = try HeadTrial("[iseg]\nclasses=3\nids=2", Self.shape, images: images, threads: 3)
        #expect(others.run(truths.map { $0.flatMap { $0 } }) == cost)
        #expect(others.deltas == trial.deltas)
    }
}
