/// A box of one class in one image, predicted or true.
public struct ClassBox: Hashable, Sendable {
    public var image: Int
    public var kind: Int
    public var box: Box<Float>
    /// Of a prediction: how sure it is.
    public var score: Float

    public init(image: Int, kind: Int, box: Box<Float>, score: Float = 1) {
        self.image = image
        self.kind = kind
        self.box = box
        self.score = score
    }
}

/// How well predicted boxes meet the true ones of one class, as more and more of them are believed.
///
/// Predictions are taken by descending score, the first of equals first; each true box can be met once, and whoever meets none
/// is a false alarm.
public struct PrecisionRecallCurve: Sendable {
    /// Which true box a prediction is compared with.
    public enum Matching: Sendable {
        /// The one that it overlaps most, which must be more than the threshold; if that is taken, it is a false alarm. PASCAL VOC.
        case voc
        /// The one that it overlaps most among those that are not taken, which must reach the threshold; the last of equals.
        /// Of an image, the best 100 predictions of a class count. COCO.
        case coco
    }

    /// What is averaged.
    public enum Interpolation: Hashable, Sendable {
        /// The area under the curve, which never rises with recall. VOC since 2010.
        case area
        /// The best precision from each of so many equidistant recalls on: 11 is VOC 2007, 101 is COCO.
        case points(Int)
    }

    /// True boxes of the class.
    public let truths: Int
    /// Of each number of predictions, how many met a true box.
    public let hits: [Int]

    /// Matches predictions with true boxes; those of other classes are passed over.
    /// - Complexity: O(predictions × true boxes of the same image and class).
    public init(
        predictions: [ClassBox], truths: [ClassBox], kind: Int, threshold: Float, matching: Matching = .voc
    ) {
        let truths = Dictionary(grouping: truths.filter { $0.kind == kind }, by: \.image)
        self.truths = truths.values.reduce(0) { $0 + $1.count }
        var isTaken = truths.mapValues { Array(repeating: false, count: $0.count) }
        var counts: [Int: Int] = [:]
        var hits: [Int] = []
        let order = predictions.enumerated().filter { $0.element.kind == kind }
            .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
        for (_, prediction) in order {
            let image = prediction.image
            counts[image, default: 0] += 1
            if matching == .coco, counts[image, default: 0] > 100 { continue }
            var best: Float = 0
            var nearest: Int?
            for (index, truth) in (truths[image] ?? []).enumerated() {
                let overlap = prediction.box.iou(truth.box)
                switch matching {
                case .voc: if overlap > best { (best, nearest) = (overlap, index) }
                case .coco:
                    if overlap >= max(best, threshold), isTaken[image]?[index] == false {
                        (best, nearest) = (overlap, index)
                    }
                }
            }
            var isHit = false
            if let nearest, matching == .coco || best > threshold, isTaken[image]?[nearest] == false {
                isTaken[image]?[nearest] = true
                isHit = true
            }
            hits.append((hits.last ?? 0) + (isHit ? 1 : 0))
        }
        self.hits = hits
    }

    /// Average precision, 0 to 1; 0 if there is no true box.
    public func averagePrecision(_ interpolation: Interpolation) -> Double {
        guard truths > 0 else { return 0 }
        // From behind, the best precision of this or any greater recall.
        var best = 0.0
        let precisions =
            hits.indices.reversed().map { index in
                best = max(best, Double(hits[index]) / Double(index + 1))
                return best
            }.reversed() as [Double]
        switch interpolation {
        case .area:
            return zip(precisions, zip(hits, [0] + hits)).reduce(0.0) {
                $0 + $1.0 * Double($1.1.0 - $1.1.1) / Double(truths)
            }
        case .points(let count):
            let sum = (0..<count).reduce(0.0) { sum, point in
                // recall ≥ point / (count − 1), in whole numbers.
                let first = hits.firstIndex { $0 * (count - 1) >= point * truths }
                return sum + (first.map { precisions[$0] } ?? 0)
            }
            return sum / Double(count)
        }
    }
}

/// The mean of the average precisions of all classes that have a true box, and of all thresholds; 0 if there is none.
public func meanAveragePrecision(
    predictions: [ClassBox], truths: [ClassBox], thresholds: [Float] = [0.5],
    matching: PrecisionRecallCurve.Matching = .voc, interpolation: PrecisionRecallCurve.Interpolation = .area
) -> Double {
    let kinds = Set(truths.map(\.kind)).sorted()
    let precisions = kinds.flatMap { kind in
        thresholds.map {
            PrecisionRecallCurve(
                predictions: predictions, truths: truths, kind: kind, threshold: $0, matching: matching
            ).averagePrecision(interpolation)
        }
    }
    return precisions.isEmpty ? 0 : precisions.reduce(0, +) / Double(precisions.count)
}

/// COCO's main figure: the mean average precision over overlaps of .50, .55, … .95.
public func cocoAveragePrecision(predictions: [ClassBox], truths: [ClassBox]) -> Double {
    meanAveragePrecision(
        predictions: predictions, truths: truths, thresholds: (10..<20).map { Float($0) / 20 }, matching: .coco,
        interpolation: .points(101))
}

/// How many of the true boxes some prediction overlaps by more than the threshold, whatever its class, and the mean of the
/// greatest overlap of each; 0 and 0 if there is none.
public func boxRecall(predictions: [ClassBox], truths: [ClassBox], threshold: Float) -> (
    recall: Double, overlap: Double
) {
    guard !truths.isEmpty else { return (0, 0) }
    let images = Dictionary(grouping: predictions, by: \.image)
    let overlaps = truths.map { truth in (images[truth.image] ?? []).map { $0.box.iou(truth.box) }.max() ?? 0 }
    let count = Double(truths.count)
    return (
        Double(overlaps.count { $0 > threshold }) / count, overlaps.reduce(0.0) { $0 + Double($1) } / count
    )
}
