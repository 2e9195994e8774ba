/// One box that a network has found.
public struct Detection: Hashable, Sendable {
    /// In parts of the network's input.
    public var box: Box<Float>
    /// How sure the network is that there is an object.
    public var objectness: Float
    /// For each class objectness times its probability, or 0 where that does not exceed the threshold.
    public var probabilities: [Float]

    public init(box: Box<Float>, objectness: Float, probabilities: [Float]) {
        self.box = box
        self.objectness = objectness
        self.probabilities = probabilities
    }
}

extension LayerDescription {
    /// Reads the boxes out of what a `[yolo]`, `[region]` or `[detection]` layer has made of one image; none for other layers.
    ///
    /// Boxes whose objectness does not exceed the threshold are left out, but for a `[region]` with a background: there the
    /// classes alone decide.
    /// - Parameter output: the layer's output for the image.
    public func detections(in output: Span<Float>, threshold: Float) -> [Detection] {
        precondition(
            output.count == self.output.count, "an image's output has \(self.output.count) numbers, not \(output.count)"
        )
        return switch kind {
        case .yolo(let boxes), .region(let boxes): detections(boxes, in: output, threshold)
        case .detection(let grid): Self.detections(grid, in: output, threshold)
        default: []
        }
    }

    private func detections(_ boxes: AnchorBoxes, in output: Span<Float>, _ threshold: Float) -> [Detection] {
        let area = input.area
        var found: [Detection] = []
        for cell in 0..<area {
            for (index, anchor) in boxes.mask.enumerated() {
                let first = index * boxes.entries * area + cell
                let objectness = boxes.background ? 1 : output[first + 4 * area]
                guard objectness > threshold else { continue }
                let entries = SIMD4(
                    output[first], output[first + area], output[first + 2 * area], output[first + 3 * area])
                let box = boxes.box(
                    entries, anchor: anchor, row: cell / input.width, column: cell % input.width, grid: input)
                var probabilities = (0..<boxes.classes).map { output[first + (5 + $0) * area] }
                let chosen = boxes.tree?.chosen(probabilities)
                for kind in 0..<boxes.classes {
                    // In a tree one class has all, at the level where the network is sure enough.
                    probabilities[kind] = chosen.map { $0 == kind ? objectness : 0 } ?? objectness * probabilities[kind]
                }
                found.append(Detection(box, objectness, probabilities, threshold))
            }
        }
        return found
    }

    private static func detections(_ grid: GridBoxes, in output: Span<Float>, _ threshold: Float) -> [Detection] {
        var found: [Detection] = []
        for cell in 0..<grid.cells {
            for index in 0..<grid.boxes {
                let objectness = output[grid.objectness(cell, index)]
                guard objectness > threshold else { continue }
                let place = grid.place(cell, index)
                let entries = SIMD4(output[place], output[place + 1], output[place + 2], output[place + 3])
                let probabilities = (0..<grid.classes).map { objectness * output[cell * grid.classes + $0] }
                found.append(Detection(grid.box(entries, cell: cell), objectness, probabilities, threshold))
            }
        }
        return found
    }
}

extension Detection {
    fileprivate init(_ box: Box<Float>, _ objectness: Float, _ probabilities: [Float], _ threshold: Float) {
        self.init(box: box, objectness: objectness, probabilities: probabilities.map { $0 > threshold ? $0 : 0 })
    }
}

/// How boxes that overlap are thinned out, so that each object keeps one.
public enum Suppression: Hashable, Sendable, CaseIterable {
    /// Of each pair, in any order, each class keeps the greater probability, of equals the first.
    case pairs
    /// In each class, in descending order, a box sets the others' probability to 0.
    case classes
    /// In descending order of objectness, a box sets all that the others say to 0.
    case objectness
}

extension [Detection] {
    /// Sets to 0 what boxes say that overlap a better one by more than the threshold; Darknet's three ways to do it.
    ///
    /// Places stay; of equals the first counts as better.
    /// - Complexity: O(count²) overlaps, for each class under `classes`.
    public mutating func suppress(_ way: Suppression, overlap threshold: Float) {
        switch way {
        case .pairs:
            for (one, other) in indices.flatMap({ one in indices[(one + 1)...].map { (one, $0) } })
            where self[one].box.iou(self[other].box) > threshold {
                for kind in self[one].probabilities.indices {
                    let isLess = self[one].probabilities[kind] < self[other].probabilities[kind]
                    self[isLess ? one : other].probabilities[kind] = 0
                }
            }
        case .classes:
            for kind in first?.probabilities.indices ?? 0..<0 {
                suppress(overlap: threshold, by: { $0.objectness == 0 ? 0 : $0.probabilities[kind] }) {
                    $0.probabilities[kind] = 0
                }
            }
        case .objectness:
            suppress(overlap: threshold, by: \.objectness) { loser in
                loser.objectness = 0
                for kind in loser.probabilities.indices { loser.probabilities[kind] = 0 }
            }
        }
    }

    private mutating func suppress(
        overlap threshold: Float, by score: (Detection) -> Float, _ silence: (inout Detection) -> Void
    ) {
        let order = indices.filter { score(self[$0]) > 0 }.sorted { (score(self[$1]), $0) < (score(self[$0]), $1) }
        for (rank, winner) in order.enumerated() where score(self[winner]) > 0 {
            for loser in order[(rank + 1)...] where self[winner].box.iou(self[loser].box) > threshold {
                silence(&self[loser])
            }
        }
    }
}
