import Glibc
import PliniusNN

/// A head over logits that are set one by one, and whose deltas can be read one by one.
///
/// A local layer lies below: image number k is 1 in channel k and 0 elsewhere, so that the layer's weights are the logits of all
/// images, and its gradients their deltas.
final class HeadTrial {
    let shadow: Shadow
    let shape: Shape
    let images: Int

    init(_ head: String, _ shape: Shape, images: Int, threads: Int = 1, seed: UInt64 = 1) throws {
        self.shape = shape
        self.images = images
        shadow = try Shadow(
            """
            [net]
            batch=\(images)
            channels=\(images)
            height=\(shape.height)
            width=\(shape.width)
            [local]
            filters=\(shape.channels)
            size=1
            activation=linear
            \(head)
            """, threads: threads)
        shadow[0, .biases] = Array(repeating: 0, count: shape.count)
        logits = (0..<images * shape.count).map { 2 * noise($0, seed: seed) }
    }

    /// (images, channels, height, width).
    var logits: [Double] {
        get { rows(shadow[0, .weights]) }
        set {
            var weights = newValue
            for (index, place) in places.enumerated() { weights[place] = newValue[index] }
            shadow[0, .weights] = weights
        }
    }

    /// What the head asked of its input in all passes so far; as the logits.
    var deltas: [Double] { rows(shadow[0, .weightMomentum]) }
    /// As the logits.
    var output: [Double] { shadow.output(ofLayer: 1) }

    /// One training pass.
    /// - Returns: the cost.
    func run(_ truth: [[Double]], _ pass: Pass = Pass(mode: .training, seed: 3, iteration: 100_000)) -> Double {
        let planes = (0..<images * images * shape.area).map { index -> Float in
            let (image, channel) = (index / shape.area).quotientAndRemainder(dividingBy: images)
            return image == channel ? 1 : 0
        }
        shadow.load(planes, truth: truth.flatMap { $0 }.map { Float($0) })
        shadow[0, .weightMomentum] = Array(repeating: 0, count: images * shape.count)
        let cost = shadow.network.forward(pass)
        shadow.network.backward(pass)
        return cost
    }

    private var places: [Int] {
        (0..<images * shape.count).map { index in
            let (image, element) = index.quotientAndRemainder(dividingBy: shape.count)
            let (channel, position) = element.quotientAndRemainder(dividingBy: shape.area)
            return (position * shape.channels + channel) * images + image
        }
    }

    private func rows(_ weights: [Double]) -> [Double] { places.map { weights[$0] } }
}

/// What a loss asks of one output: `weight * (goal - output)`.
struct Target {
    var weight = 0.0
    var goal = 0.0
}

/// A box as four numbers, and what is between two, written a second time.
struct PlainBox {
    var x: Double
    var y: Double
    var w: Double
    var h: Double

    func iou(_ other: PlainBox) -> Double {
        let width = min(x + w / 2, other.x + other.w / 2) - max(x - w / 2, other.x - other.w / 2)
        let height = min(y + h / 2, other.y + other.h / 2) - max(y - h / 2, other.y - other.h / 2)
        if width <= 0 || height <= 0 { return 0 }
        return width * height / (w * h + other.w * other.h - width * height)
    }
}

/// The rules of `[yolo]` and `[region]` for one image, cell by cell and box by box as Darknet goes.
struct AnchorOracle {
    var isRegion = false
    var grid: (width: Int, height: Int)
    /// In parts of the image.
    var anchors: [(w: Double, h: Double)]
    var mask: [Int]
    var classes: Int
    var threshold = 0.5
    var truthThreshold = 1.0
    var softmax = false
    var background = false
    var rescore = false
    var matchesAnchors = true
    var scales = (coordinates: 1.0, object: 1.0, noObject: 1.0, classes: 1.0)
    var drawsToAnchors = false

    func place(_ n: Int, _ entry: Int, _ i: Int, _ j: Int) -> Int {
        (n * (5 + classes) + entry) * grid.width * grid.height + j * grid.width + i
    }

    func outputs(_ logits: [Double]) -> [Double] {
        var outputs = logits
        for n in mask.indices {
            for j in 0..<grid.height {
                for i in 0..<grid.width {
                    func squash(_ entry: Int) {
                        outputs[place(n, entry, i, j)] = 1 / (1 + exp(-logits[place(n, entry, i, j)]))
                    }
                    squash(0)
                    squash(1)
                    if !background { squash(4) }
                    if softmax {
                        let entries = (background ? 4 : 5)..<(5 + classes)
                        let sum = entries.reduce(0.0) { $0 + exp(logits[place(n, $1, i, j)]) }
                        for entry in entries {
                            outputs[place(n, entry, i, j)] = exp(logits[place(n, entry, i, j)]) / sum
                        }
                    } else {
                        for entry in 5..<5 + classes { squash(entry) }
                    }
                }
            }
        }
        return outputs
    }

    func targets(_ o: [Double], truth: [[Double]]) -> [Target] {
        var targets = Array(repeating: Target(), count: o.count)
        let list = truth.prefix { $0[0] != 0 }.filter { $0[2] > 0 && $0[3] > 0 && $0[4] < Double(classes) }
        func predicted(_ n: Int, _ i: Int, _ j: Int) -> PlainBox {
            PlainBox(
                x: (Double(i) + o[place(n, 0, i, j)]) / Double(grid.width),
                y: (Double(j) + o[place(n, 1, i, j)]) / Double(grid.height),
                w: exp(o[place(n, 2, i, j)]) * anchors[mask[n]].w, h: exp(o[place(n, 3, i, j)]) * anchors[mask[n]].h)
        }
        func draw(_ n: Int, _ i: Int, _ j: Int, to box: PlainBox, scale: Double) {
            targets[place(n, 0, i, j)] = Target(weight: scale, goal: box.x * Double(grid.width) - Double(i))
            targets[place(n, 1, i, j)] = Target(weight: scale, goal: box.y * Double(grid.height) - Double(j))
            targets[place(n, 2, i, j)] = Target(weight: scale, goal: log(box.w / anchors[mask[n]].w))
            targets[place(n, 3, i, j)] = Target(weight: scale, goal: log(box.h / anchors[mask[n]].h))
        }
        func classify(_ n: Int, _ i: Int, _ j: Int, _ kind: Int) {
            let isShared = !softmax && (0..<classes).contains { targets[place(n, 5 + $0, i, j)].weight != 0 }
            for k in 0..<classes where !isShared || k == kind {
                targets[place(n, 5 + k, i, j)] = Target(weight: scales.classes, goal: k == kind ? 1 : 0)
            }
        }
        for j in 0..<grid.height {
            for i in 0..<grid.width {
                for n in mask.indices {
                    let box = predicted(n, i, j)
                    var best = 0.0
                    var nearest = 0
                    for (t, entry) in list.enumerated() {
                        let iou = box.iou(PlainBox(x: entry[0], y: entry[1], w: entry[2], h: entry[3]))
                        if iou > best {
                            best = iou
                            nearest = t
                        }
                    }
                    let objectness = place(n, 4, i, j)
                    targets[objectness] = Target(weight: scales.noObject, goal: background ? 1 : 0)
                    if best > threshold { targets[objectness] = Target() }
                    if best > truthThreshold {
                        let entry = list[nearest]
                        targets[objectness] = Target(weight: 1, goal: 1)
                        classify(n, i, j, Int(entry[4]))
                        draw(
                            n, i, j, to: PlainBox(x: entry[0], y: entry[1], w: entry[2], h: entry[3]),
                            scale: 2 - entry[2] * entry[3])
                    }
                    if drawsToAnchors {
                        let centre = PlainBox(
                            x: (Double(i) + 0.5) / Double(grid.width), y: (Double(j) + 0.5) / Double(grid.height),
                            w: anchors[mask[n]].w, h: anchors[mask[n]].h)
                        draw(n, i, j, to: centre, scale: 0.01)
                    }
                }
            }
        }
        for entry in list {
            let i = min(Int(entry[0] * Double(grid.width)), grid.width - 1)
            let j = min(Int(entry[1] * Double(grid.height)), grid.height - 1)
            var best = 0.0
            var chosen = 0
            for a in anchors.indices {
                var shape = PlainBox(x: 0, y: 0, w: anchors[a].w, h: anchors[a].h)
                if !matchesAnchors {
                    shape = predicted(a, i, j)
                    (shape.x, shape.y) = (0, 0)
                }
                let iou = shape.iou(PlainBox(x: 0, y: 0, w: entry[2], h: entry[3]))
                if iou > best {
                    best = iou
                    chosen = a
                }
            }
            guard let n = mask.firstIndex(of: chosen) else { continue }
            let box = PlainBox(x: entry[0], y: entry[1], w: entry[2], h: entry[3])
            let overlap = predicted(n, i, j).iou(box)
            draw(n, i, j, to: box, scale: scales.coordinates * (2 - entry[2] * entry[3]))
            targets[place(n, 4, i, j)] = Target(
                weight: scales.object, goal: background ? 0 : rescore ? overlap : 1)
            classify(n, i, j, Int(entry[4]))
        }
        return targets
    }

    /// What is handed to the input, where outputs ask for `target`.
    func delta(_ target: Target, _ output: Double, entry: Int) -> Double {
        let delta = target.weight * (target.goal - output)
        let isCurved = isRegion && (entry < 2 || entry == 4 && !background)
        return isCurved ? delta * output * (1 - output) : delta
    }

    /// Boxes that meet each case: none, many, in one cell, at the border, of a class that there is not.
    static func truths(images: Int, classes: Int, maximum: Int) -> [[[Double]]] {
        (0..<images).map { image in
            var boxes = (0..<image % maximum).map { index -> [Double] in
                func number(_ part: Int) -> Double { (noise((image * 64 + index) * 8 + part, seed: 77) + 1) / 2 }
                return [number(0), number(1), 0.05 + 0.9 * number(2), 0.05 + 0.9 * number(3)].map { Double(Float($0)) }
                    + [Double(Int(number(4) * Double(classes)))]
            }
            if image % 4 == 1, !boxes.isEmpty { (boxes[0][0], boxes[0][1]) = (1, 1) }
            if image % 4 == 2, boxes.count > 1 {
                // A second box in the same cell and of the same shape, but of another class.
                boxes[1] = boxes[0]
                boxes[1][4] = Double((Int(boxes[0][4]) + 1) % classes)
            }
            if image % 4 == 3, boxes.count > 2 { boxes[1][4] = Double(classes) }
            // What follows the end of the list is not looked at.
            if boxes.count + 1 < maximum { boxes += [[0, 0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5, 0]] }
            return boxes + Array(repeating: [0, 0, 0, 0, 0], count: maximum - boxes.count)
        }
    }
}
