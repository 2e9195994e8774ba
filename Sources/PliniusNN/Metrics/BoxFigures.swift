/// How well the boxes that a network finds meet those of a data set.
public struct BoxFigures: Hashable, Sendable {
    /// One class.
    public struct Class: Hashable, Sendable {
        public var index: Int
        /// True boxes.
        public var truths: Int
        /// Average precision at an overlap of 0.5, the area under the curve.
        public var averagePrecision: Double
    }

    /// The classes that have true boxes, in their order; means are over them.
    public var classes: [Class] = []
    /// Mean average precision at an overlap of 0.5, the area under the curve.
    public var averagePrecision = 0.0
    /// The same by eleven points: VOC 2007.
    public var elevenPoints = 0.0
    /// The mean over overlaps of .50, .55, … .95, by COCO's rules.
    public var coco = 0.0
    /// True boxes.
    public var truths = 0
    /// Of the boxes that the network is sure of, those that met a true box of their class, and all.
    public var hits = 0, found = 0
    /// Mean over the true boxes of the greatest overlap with a box that the network is sure of, whatever its class.
    public var overlap = 0.0

    /// Says that nothing is there.
    public init() {}
}

/// Gathers boxes, to judge them once all images were seen.
public struct BoxJudge: Sendable {
    /// What a box has to exceed to be looked at, and to be sure: objectness times probability of its class.
    public static let leastScore: Float = 0.005, sureScore: Float = 0.25
    /// The overlap above which the better one of two boxes of a class stays, and that above which a true box is met.
    public static let suppression: Float = 0.45, meeting: Float = 0.5
    /// Boxes of an image that are compared with each other, and that are kept: the best ones.
    public static let maximumCandidates = 1000, maximumKept = 300

    private var predictions: [ClassBox] = []
    private var truths: [ClassBox] = []

    public init() {}

    /// Takes an image.
    /// - Parameters:
    ///   - image: a number that no other image has.
    ///   - found: what all heads have found above ``leastScore``, before suppression.
    ///   - truth: x, y, width, height and class of each box from `place` on, at most `most`; the first without a width ends the list.
    public mutating func add(image: Int, _ found: [Detection], _ truth: Span<Float>, at place: Int, most: Int) {
        predictions += Self.best(found, of: image)
        for first in stride(from: place, to: place + 5 * most, by: 5) {
            guard truth[first + 2] > 0 else { break }
            let box = Box(x: truth[first], y: truth[first + 1], width: truth[first + 2], height: truth[first + 3])
            truths.append(ClassBox(image: image, kind: Int(truth[first + 4]), box: box))
        }
    }

    /// What is left of detections: for each class a box, thinned out as Darknet's `do_nms_sort` does.
    public static func best(_ found: [Detection], of image: Int) -> [ClassBox] {
        let scores = found.map { $0.probabilities.max() ?? 0 }
        let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(maximumCandidates)
        // In their own order: that decides between equals.
        var candidates = order.sorted().map { found[$0] }
        candidates.suppress(.classes, overlap: suppression)
        let boxes = candidates.flatMap { candidate in
            candidate.probabilities.enumerated().filter { $0.element > 0 }.map {
                ClassBox(image: image, kind: $0.offset, box: candidate.box, score: $0.element)
            }
        }
        let best = boxes.indices.sorted { (boxes[$1].score, $0) < (boxes[$0].score, $1) }.prefix(maximumKept)
        return best.map { boxes[$0] }
    }

    /// Judges what was gathered.
    public var figures: BoxFigures {
        var figures = BoxFigures()
        let found = Dictionary(grouping: predictions, by: \.kind)
        let truths = Dictionary(grouping: truths, by: \.kind)
        for kind in Set(found.keys).union(truths.keys).sorted() {
            let (own, expected) = (found[kind] ?? [], truths[kind] ?? [])
            func curve(_ boxes: [ClassBox]) -> PrecisionRecallCurve {
                PrecisionRecallCurve(predictions: boxes, truths: expected, kind: kind, threshold: Self.meeting)
            }
            let sure = curve(own.filter { $0.score > Self.sureScore })
            figures.hits += sure.hits.last ?? 0
            figures.found += sure.hits.count
            guard !expected.isEmpty else { continue }
            let all = curve(own)
            let area = all.averagePrecision(.area)
            figures.classes.append(.init(index: kind, truths: expected.count, averagePrecision: area))
            figures.averagePrecision += area
            figures.elevenPoints += all.averagePrecision(.points(11))
            figures.coco += cocoAveragePrecision(predictions: own, truths: expected)
        }
        let count = Double(max(figures.classes.count, 1))
        figures.averagePrecision /= count
        figures.elevenPoints /= count
        figures.coco /= count
        figures.truths = self.truths.count
        figures.overlap =
            boxRecall(
                predictions: predictions.filter { $0.score > Self.sureScore }, truths: self.truths,
                threshold: Self.meeting
            ).overlap
        return figures
    }
}
