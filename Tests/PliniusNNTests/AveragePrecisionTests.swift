import PliniusNN
import Testing

/// Average precision against figures that exact fractions give for the same boxes (COCO's reference program agrees on its two),
/// and against curves worked out by hand.
@Suite struct AveragePrecisionTests {
    /// Image, class, left, top, width and height.
    private static let truths: [(Int, Int, Float, Float, Float, Float)] = [
        (0, 0, 7, 12, 6, 4), (0, 0, 2, 10, 8, 7), (0, 2, 5, 5, 4, 6), (0, 1, 12, 3, 9, 7),
        (
            1, 2, 10, 1, 5,
            8
        ), (1, 2, 11, 12, 9, 6), (1, 2, 12, 9, 9, 4), (1, 1, 5, 1, 6, 7), (2, 1, 11, 1, 5, 9),
        (
            2, 2, 12,
            4, 4, 4
        ), (3, 0, 10, 5, 7, 5), (3, 2, 9, 10, 9, 8), (3, 0, 10, 5, 5, 8), (3, 1, 4, 5, 8, 4),
        (
            5, 2,
            8, 3, 4, 8
        ), (5, 2, 4, 4, 9, 5), (5, 1, 7, 3, 5, 8), (5, 0, 11, 8, 4, 5), (6, 0, 10, 5, 8, 9),
        (
            7,
            2, 4, 5, 7, 8
        ), (7, 1, 4, 2, 9, 7), (7, 0, 2, 6, 8, 9), (7, 1, 1, 7, 5, 4),
    ]

    /// The same, and a score.
    private static let predictions: [(Int, Int, Float, Float, Float, Float, Float)] = [
        (0, 1, 13, 4, 8, 6, 747), (0, 0, 3, 10, 9, 6, 338), (3, 0, 10, 5, 6, 8, 191),
        (
            5, 2, 8, 3, 5, 9,
            683
        ), (2, 1, 11, 1, 5, 9, 165), (6, 0, 10, 6, 8, 10, 540), (0, 2, 4, 6, 5, 6, 995),
        (
            2, 1, 6, 8, 5,
            5, 340
        ), (7, 2, 4, 5, 8, 9, 708), (3, 2, 9, 9, 10, 8, 162), (3, 2, 9, 9, 9, 7, 761),
        (
            0, 1, 12, 4,
            10, 6, 874
        ), (3, 1, 4, 5, 7, 4, 779), (6, 3, 9, 8, 9, 7, 476), (7, 0, 12, 2, 8, 4, 486),
        (
            3, 0, 11,
            6, 8, 4, 442
        ), (0, 0, 6, 11, 6, 4, 23), (0, 1, 13, 3, 8, 7, 187), (5, 0, 11, 7, 5, 6, 455),
        (
            7, 0,
            5, 6, 6, 6, 69
        ), (1, 2, 10, 1, 6, 8, 433), (4, 0, 10, 9, 8, 6, 118), (2, 2, 12, 3, 3, 3, 458),
        (
            5,
            2, 8, 2, 4, 8, 667
        ), (5, 2, 8, 3, 4, 7, 77), (0, 0, 8, 11, 6, 4, 765), (3, 0, 10, 6, 8, 6, 369),
        (
            5,
            2, 5, 4, 9, 5, 806
        ), (5, 2, 5, 4, 8, 5, 742), (5, 2, 4, 4, 8, 5, 982), (0, 1, 1, 9, 7, 8, 617),
        (
            7,
            0, 3, 7, 7, 9, 353
        ), (3, 0, 4, 5, 7, 4, 776), (1, 2, 10, 1, 6, 8, 39), (0, 1, 1, 2, 8, 7, 243),
        (
            4,
            2, 2, 4, 4, 5, 389
        ), (3, 1, 3, 4, 8, 3, 866), (0, 0, 1, 9, 8, 6, 509), (1, 2, 9, 1, 4, 8, 103),
        (
            3,
            2, 9, 10, 10, 9, 33
        ), (0, 0, 6, 11, 5, 4, 530), (2, 1, 12, 0, 4, 9, 811), (7, 3, 3, 10, 7, 5, 395),
        (7, 1, 2, 7, 4, 4, 475), (3, 0, 10, 5, 6, 8, 520), (3, 0, 11, 5, 7, 5, 836),
    ]

    private static func box(_ left: Float, _ top: Float, _ width: Float, _ height: Float) -> Box<Float> {
        Box(x: left + width / 2, y: top + height / 2, width: width, height: height)
    }

    private static let expected = truths.map { ClassBox(image: $0.0, kind: $0.1, box: box($0.2, $0.3, $0.4, $0.5)) }
    private static let found = predictions.map {
        ClassBox(image: $0.0, kind: $0.1, box: box($0.2, $0.3, $0.4, $0.5), score: $0.6)
    }

    @Test func `Random boxes`() {
        let curves = (0..<3).map {
            PrecisionRecallCurve(predictions: Self.found, truths: Self.expected, kind: $0, threshold: 0.5)
        }
        expectClose(
            curves.map { $0.averagePrecision(.area) },
            [0.5385487528344671, 0.4387755102040816, 0.530952380952381])
        expectClose(
            curves.map { $0.averagePrecision(.points(11)) },
            [0.536075036075036, 0.4383116883116883, 0.5253246753246753])
        expectClose(
            [
                meanAveragePrecision(predictions: Self.found, truths: Self.expected),
                meanAveragePrecision(predictions: Self.found, truths: Self.expected, interpolation: .points(11)),
                meanAveragePrecision(
                    predictions: Self.found, truths: Self.expected, matching: .coco, interpolation: .points(101)),
                cocoAveragePrecision(predictions: Self.found, truths: Self.expected),
            ], [0.5027588813303099, 0.4999037999037999, 0.5032505631515533, 0.25381509900074256])
        let recall = boxRecall(predictions: Self.found, truths: Self.expected, threshold: 0.5)
        expectClose([recall.recall, recall.overlap], [0.7391304347826086, 0.6423438075030513], tolerance: 1e-7)
    }

    /// Boxes of 2 x 2 in image 0, moved to the right by `shift`: by 1 they overlap by a third.
    private static func boxes(_ shifts: [(Float, score: Float)], kind: Int = 0, image: Int = 0) -> [ClassBox] {
        shifts.map { ClassBox(image: image, kind: kind, box: box($0.0, 0, 2, 2), score: $0.score) }
    }

    @Test func `A curve by hand`() {
        // Hit, false alarm, hit, false alarm; a third true box is not found.
        let truths = Self.boxes([(0, 1), (10, 1), (20, 1)])
        let predictions = Self.boxes([(30, 0.8), (10, 0.7), (0, 0.9), (0, 0.1)])
        let curve = PrecisionRecallCurve(predictions: predictions, truths: truths, kind: 0, threshold: 0.5)
        #expect(curve.truths == 3 && curve.hits == [1, 1, 2, 2])
        // A third of 1, a third of 2/3, a third of 0.
        expectClose([curve.averagePrecision(.area)], [5.0 / 9])
        // Recalls 0 to .3 at 1, .4 to .6 at 2/3.
        expectClose([curve.averagePrecision(.points(11))], [(4 + 3 * 2.0 / 3) / 11])
        // Recalls 0 to .33 at 1, .34 to .66 at 2/3.
        expectClose([curve.averagePrecision(.points(101))], [(34 + 33 * 2.0 / 3) / 101])
    }

    @Test func `What is taken, and what overlaps exactly`() {
        // Both predictions overlap the first true box most; the second by a third.
        let truths = Self.boxes([(0, 1), (1, 1)])
        let predictions = Self.boxes([(0, 0.9), (0, 0.8)])
        func hits(_ threshold: Float, _ matching: PrecisionRecallCurve.Matching) -> [Int] {
            PrecisionRecallCurve(
                predictions: predictions, truths: truths, kind: 0, threshold: threshold, matching: matching
            ).hits
        }
        #expect(hits(0.3, .voc) == [1, 1])
        #expect(hits(0.3, .coco) == [1, 2])
        #expect(hits(1, .voc) == [0, 0])
        #expect(hits(1, .coco) == [1, 1])
    }

    @Test func `COCO looks at a hundred boxes of an image`() {
        let truths = Self.boxes([(0, 1)])
        let predictions = Self.boxes(Array(repeating: (50, 0.9), count: 100) + [(0, 0.5)])
        for (matching, hits) in [(PrecisionRecallCurve.Matching.voc, 1), (.coco, 0)] {
            let curve = PrecisionRecallCurve(
                predictions: predictions, truths: truths, kind: 0, threshold: 0.5, matching: matching)
            #expect(curve.hits.last == hits)
        }
    }

    @Test func `Other classes and images do not count, and nothing is 0`() {
        let truths = Self.boxes([(0, 1)])
        let others = Self.boxes([(0, 1)], kind: 1) + Self.boxes([(0, 1)], image: 1)
        #expect(meanAveragePrecision(predictions: others, truths: truths) == 0)
        #expect(meanAveragePrecision(predictions: others + truths, truths: truths) == 0.5)
        #expect(meanAveragePrecision(predictions: truths, truths: []) == 0)
        #expect(cocoAveragePrecision(predictions: [], truths: truths) == 0)
        let empty = PrecisionRecallCurve(predictions: truths, truths: [], kind: 0, threshold: 0.5)
        #expect(empty.averagePrecision(.area) == 0 && empty.averagePrecision(.points(11)) == 0)
        // Whatever its class, but not whatever its image.
        #expect(boxRecall(predictions: others, truths: truths, threshold: 0.5) == (1, 1))
        #expect(boxRecall(predictions: [others[1]], truths: truths, threshold: 0.5) == (0, 0))
        #expect(boxRecall(predictions: others, truths: [], threshold: 0.5) == (0, 0))
    }
}
