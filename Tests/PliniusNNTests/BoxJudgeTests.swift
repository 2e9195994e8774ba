import PliniusNN
import Testing

/// What boxes are worth, against cases worked out by hand and against a second way to judge.
@Suite struct BoxJudgeTests {
    private func detection(_ x: Float, _ probabilities: Float..., size: Float = 0.2) -> Detection {
        Detection(
            box: Box(x: x, y: 0.5, width: size, height: size), objectness: probabilities.max() ?? 0,
            probabilities: probabilities)
    }

    /// Truth as data sets give it: room for four boxes.
    private func truth(_ boxes: [(x: Float, kind: Int)]) -> [Float] {
        let rows: [Float] = boxes.flatMap { [$0.x, 0.5, 0.2, 0.2, Float($0.kind)] as [Float] }
        return rows + [Float](repeating: 0, count: 20 - rows.count)
    }

    /// Adds an image whose truth stands behind that of another.
    private func add(_ image: Int, _ found: [Detection], _ truth: [Float], to judge: inout BoxJudge) {
        let rows = [Float](repeating: 0.5, count: 20) + truth
        judge.add(image: image, found, rows.span, at: 20, most: 4)
    }

    @Test func oneOfTwoBoxesIsFoundAndOneIsAFalseAlarm() {
        var judge = BoxJudge()
        // 0.3 is met exactly, its double is thinned out; 0.7 is missed; at 0.1 is nothing.
        let found = [detection(0.3, 0.9, 0), detection(0.32, 0.8, 0), detection(0.1, 0.5, 0)]
        add(0, found, truth([(0.3, 0), (0.7, 0)]), to: &judge)
        // A box that the network is not sure of counts for the averages alone.
        add(1, [detection(0.5, 0, 0.2)], truth([(0.5, 1)]), to: &judge)
        let figures = judge.figures
        #expect(figures.truths == 3 && figures.hits == 1 && figures.found == 2)
        #expect(figures.overlap == 1.0 / 3)
        #expect(figures.classes.map(\.truths) == [2, 1] && figures.classes.map(\.index) == [0, 1])
        #expect(figures.classes.map(\.averagePrecision) == [0.5, 1])
        #expect(figures.averagePrecision == 0.75)
        // Recalls 0, .1, … .5 of the first class are met with precision 1.
        #expect(abs(figures.elevenPoints - (6.0 / 11 + 1) / 2) < 1e-12)
        #expect(abs(figures.coco - (51.0 / 101 + 1) / 2) < 1e-12)
    }

    @Test func nothingIsWorthNothing() {
        #expect(BoxJudge().figures == BoxFigures())
        var judge = BoxJudge()
        add(0, [], truth([(0.5, 3)]), to: &judge)
        #expect(judge.figures.averagePrecision == 0 && judge.figures.truths == 1)
        var alarms = BoxJudge()
        add(0, [detection(0.5, 0.9)], truth([]), to: &alarms)
        #expect(alarms.figures.found == 1 && alarms.figures.hits == 0 && alarms.figures.classes.isEmpty)
    }

    @Test func theTruthEndsWithItsList() {
        var judge = BoxJudge()
        add(0, [], truth([(0.2, 0), (0.4, 0), (0.6, 0), (0.8, 1)]), to: &judge)
        add(1, [], truth([(0.2, 0)]), to: &judge)
        #expect(judge.figures.truths == 5 && judge.figures.classes.map(\.truths) == [4, 1])
    }

    @Test func ofManyBoxesTheBestAreKept() {
        let count = BoxJudge.maximumCandidates + 500
        let found = (0..<count).map { index in
            detection(Float(index), Float(index + 1) / Float(count), size: 0.001)
        }
        let best = BoxJudge.best(found, of: 7)
        #expect(best.count == BoxJudge.maximumKept && best.allSatisfy { $0.image == 7 })
        #expect(best.map { Int($0.box.x) } == ((count - BoxJudge.maximumKept)..<count).reversed())
        // Twice as many as are compared: the worse half is not looked at, though nothing overlaps.
        let pairs = (0..<2 * BoxJudge.maximumCandidates).map { detection(Float($0), 0.5, size: 0.001) }
        #expect(BoxJudge.best(pairs, of: 0).allSatisfy { Int($0.box.x) < BoxJudge.maximumKept })
    }

    @Test(arguments: 0..<6) func plainLoopsFindTheSame(seed: UInt64) {
        var draw = Draw(seed: seed)
        let classes = 3
        var judge = BoxJudge()
        var plain = PlainJudge(classes: classes)
        for image in 0..<12 {
            let boxes = (0..<draw.below(4)).map { _ in (x: draw.unit(), kind: draw.below(classes)) }
            let found = (0..<draw.below(9)).map { _ -> Detection in
                let near = boxes.isEmpty || draw.below(3) == 0 ? draw.unit() : boxes[draw.below(boxes.count)].x
                let probabilities = (0..<classes).map { _ in draw.below(2) == 0 ? 0 : 0.01 + 0.9 * draw.unit() }
                return Detection(
                    box: Box(x: near + draw.unit() * 0.05, y: 0.5, width: 0.2, height: 0.2), objectness: 1,
                    probabilities: probabilities)
            }
            add(image, found, truth(boxes), to: &judge)
            plain.add(found, boxes.map { (Box(x: $0.x, y: 0.5, width: 0.2, height: 0.2), $0.kind) })
        }
        let (figures, expected) = (judge.figures, plain.figures)
        #expect(figures.truths == expected.truths && figures.truths > 5)
        #expect(figures.hits == expected.hits && figures.found == expected.found && figures.hits > 0)
        #expect(abs(figures.averagePrecision - expected.area) < 1e-9)
        #expect(abs(figures.elevenPoints - expected.elevenPoints) < 1e-9)
        #expect(abs(figures.overlap - expected.overlap) < 1e-6)
        #expect(0 < figures.coco && figures.coco < figures.averagePrecision)
    }
}

/// Numbers that are the same in every run.
private struct Draw {
    let seed: UInt64
    private var index = 0

    init(seed: UInt64) { self.seed = seed }

    mutating func unit() -> Float {
        index += 1
        return Float((noise(index, seed: seed) + 1) / 2)
    }

    mutating func below(_ count: Int) -> Int { min(Int(unit() * Float(count)), count - 1) }
}

/// Boxes judged without any of what is to be tested, as straight as it can be said.
private struct PlainJudge {
    let classes: Int
    /// Of each image and class, what is left of the found boxes.
    private var left: [[(box: Box<Float>, score: Float)]] = []
    private var expected: [[Box<Float>]] = []

    init(classes: Int) { self.classes = classes }

    private static func overlap(_ one: Box<Float>, _ other: Box<Float>) -> Double {
        func side(_ a: Float, _ aSize: Float, _ b: Float, _ bSize: Float) -> Double {
            let end = min(Double(a) + Double(aSize) / 2, Double(b) + Double(bSize) / 2)
            return max(0, end - max(Double(a) - Double(aSize) / 2, Double(b) - Double(bSize) / 2))
        }
        let shared = side(one.x, one.width, other.x, other.width) * side(one.y, one.height, other.y, other.height)
        return shared / (Double(one.width * one.height) + Double(other.width * other.height) - shared)
    }

    mutating func add(_ found: [Detection], _ boxes: [(Box<Float>, Int)]) {
        for kind in 0..<classes {
            var rest = found.map { (box: $0.box, score: $0.probabilities[kind]) }.filter { $0.score > 0 }
            rest.sort { $0.score > $1.score }
            var kept: [(box: Box<Float>, score: Float)] = []
            for candidate in rest where kept.allSatisfy({ Self.overlap($0.box, candidate.box) <= 0.45 }) {
                kept.append(candidate)
            }
            left.append(kept)
            expected.append(boxes.filter { $0.1 == kind }.map(\.0))
        }
    }

    var figures: (truths: Int, hits: Int, found: Int, area: Double, elevenPoints: Double, overlap: Double) {
        var (areas, points): ([Double], [Double]) = ([], [])
        var (hits, found) = (0, 0)
        for kind in 0..<classes {
            let groups = Array(stride(from: kind, to: left.count, by: classes))
            let count = groups.reduce(0) { $0 + expected[$1].count }
            let ranked = groups.flatMap { group in left[group].map { (group, $0.box, $0.score) } }
                .sorted { $0.2 > $1.2 }
            var taken: Set<[Int]> = []
            var marks: [Bool] = []
            for (group, box, score) in ranked {
                let best = expected[group].indices.max {
                    Self.overlap(expected[group][$0], box) < Self.overlap(expected[group][$1], box)
                }
                let isHit =
                    best.map { Self.overlap(expected[group][$0], box) > 0.5 && taken.insert([group, $0]).inserted }
                    ?? false
                marks.append(isHit)
                if score > 0.25 {
                    found += 1
                    if isHit { hits += 1 }
                }
            }
            guard count > 0 else { continue }
            // Precision at each number of boxes, then the best of any greater recall.
            let steps = marks.indices.map { last -> (recall: Double, precision: Double) in
                let met = Double(marks[...last].count { $0 })
                return (met / Double(count), met / Double(last + 1))
            }
            func best(from recall: Double) -> Double {
                steps.filter { $0.recall >= recall - 1e-12 }.map(\.precision).max() ?? 0
            }
            points.append((0...10).reduce(0) { $0 + best(from: Double($1) / 10) } / 11)
            areas.append((1...count).reduce(0) { $0 + best(from: Double($1) / Double(count)) } / Double(count))
        }
        var overlaps: [Double] = []
        for group in expected.indices {
            let first = group / classes * classes
            let sure = left[first..<first + classes].joined().filter { $0.score > 0.25 }
            overlaps += expected[group].map { box in sure.map { Self.overlap($0.box, box) }.max() ?? 0 }
        }
        func mean(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count) }
        return (overlaps.count, hits, found, mean(areas), mean(points), mean(overlaps))
    }
}
