import Glibc
import PliniusNN
import Testing

/// Counts of classes against cases worked out by hand, and against a second way to count.
@Suite struct ClassCountsTests {
    private func counts(
        _ outputs: [[Float]], _ labels: [Int?], top: Int = 1, hasNone: Bool = false
    ) -> ClassCounts {
        var counts = ClassCounts(classes: outputs[0].count, top: top, hasNone: hasNone)
        for (output, label) in zip(outputs, labels) {
            let truth = output.indices.map { $0 == label ? Float(1) : 0 }
            counts.add(output.span, at: 0, truth.span, at: 0)
        }
        return counts
    }

    @Test func fourImagesInThreeClasses() {
        let found = counts(
            [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25]], [0, 1, 2, 0], top: 2)
        #expect(found.count == 4 && found.labelled == 4 && found.correct == 2)
        // Of the equals of the third image, the first is among the best two.
        #expect(found.topCorrect == 3)
        #expect(found.confusion == [1, 1, 0, 0, 1, 0, 1, 0, 0])
        #expect(abs(found.loss - (log(2) + log(4.0 / 3) + log(4) + log(4))) < 1e-6)
        // Class 0: 1 of 3; class 1: 1 of 2; class 2: 0 of 1.
        #expect(abs(found.meanOverlap - (1.0 / 3 + 1.0 / 2) / 3) < 1e-12)
    }

    @Test func whatHasNoClassIsPassedOverOrIsOneMoreClass() {
        let outputs: [[Float]] = [[0.9, 0.1], [0.4, 0.5], [0.2, 0.6], [0.3, 0.1]]
        let labels = [0, nil, nil, 1]
        let without = counts(outputs, labels)
        #expect(without.count == 2 && without.confusion == [1, 0, 1, 0] && without.correct == 1)
        #expect(without.meanOverlap == 0.25)
        let with = counts(outputs, labels, hasNone: true)
        // What is 0.5 and not above is nothing.
        #expect(with.confusion == [1, 0, 0, 0, 0, 1, 0, 1, 1])
        #expect(with.count == 4 && with.labelled == 2 && with.correct == 2)
        // Class 0: 1 of 1; class 1: 0 of 2.
        #expect(with.meanOverlap == 0.5)
    }

    @Test func classesThatNeverOccurAreNoPartOfTheMean() {
        #expect(counts([[1, 0, 0], [1, 0, 0]], [0, 0]).meanOverlap == 1)
        #expect(ClassCounts(classes: 3).meanOverlap == 0)
    }

    @Test func whatIsNoNumberHasNoRank() {
        let none = Float.nan
        #expect(counts([[none, none, none]], [2], top: 2).topCorrect == 0)
        #expect(counts([[none, 0.5, 0.1]], [1], top: 2).topCorrect == 1)
        #expect(counts([[none, 0.5]], [1], hasNone: true).confusion == [0, 0, 0, 0, 0, 1, 0, 0, 0])
    }

    @Test func tooManyClassesHaveNoMatrix() {
        #expect(ClassCounts(classes: 256).confusion.count == 65_536)
        #expect(ClassCounts(classes: 257).confusion.isEmpty && ClassCounts(classes: 257).meanOverlap == 0)
        #expect(ClassCounts(classes: 255, hasNone: true).confusion.count == 65_536)
        var many = ClassCounts(classes: 300, top: 5)
        let row = (0..<300).map { Float($0) }
        let truth = (0..<300).map { $0 == 296 ? Float(1) : 0 }
        many.add(row.span, at: 0, truth.span, at: 0)
        #expect(many.count == 1 && many.correct == 0 && many.topCorrect == 1)
    }

    @Test(arguments: [(2, 1), (5, 3), (12, 5), (3, 5)]) func sortingFindsTheSame(classes: Int, top: Int) {
        let images = 200
        // Few levels, so that there are equals.
        let outputs = (0..<images).map { image in
            (0..<classes).map { Float(((noise(image * classes + $0, seed: 5) + 1) * 4).rounded(.down) / 8) }
        }
        let labels = (0..<images).map { image -> Int? in
            Int((noise(image, seed: 6) + 1) / 2 * Double(classes))
        }
        let found = counts(outputs, labels, top: top)
        var (correct, among, loss) = (0, 0, 0.0)
        var pairs: [[Int]: UInt64] = [:]
        for (output, label) in zip(outputs, labels) {
            let order = output.indices.sorted { output[$0] == output[$1] ? $0 < $1 : output[$0] > output[$1] }
            let label = label ?? -1
            if order[0] == label { correct += 1 }
            if order.prefix(top).contains(label) { among += 1 }
            loss += -log(max(Double(output[label]), Double(Float.leastNormalMagnitude)))
            pairs[[label, order[0]], default: 0] += 1
        }
        #expect(found.correct == correct && found.topCorrect == among && abs(found.loss - loss) < 1e-6 * loss)
        var overlaps: [Double] = []
        for kind in 0..<classes {
            for other in 0..<classes { #expect(found.confusion[kind * classes + other] == pairs[[kind, other]] ?? 0) }
            let either = pairs.filter { $0.key.contains(kind) }.values.reduce(0, +)
            if either > 0 { overlaps.append(Double(pairs[[kind, kind]] ?? 0) / Double(either)) }
        }
        #expect(abs(found.meanOverlap - overlaps.reduce(0, +) / Double(overlaps.count)) < 1e-12)
    }

    @Test func planesOfClassesAreReadPixelByPixel() throws {
        // Two images of 2 pixels in 3 classes, class behind class.
        let output: [Float] = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1]
        let truth: [Float] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]
        var found = ClassCounts(classes: 3)
        for image in 0..<2 {
            for pixel in 0..<2 {
                found.add(output.span, at: image * 6 + pixel, truth.span, at: image * 6 + pixel, stride: 2)
            }
        }
        #expect(found.confusion == [1, 0, 0, 0, 0, 0, 0, 1, 2])
    }
}

/// Errors of numbers against two passes over them.
@Suite struct TargetErrorsTests {
    @Test func twoPassesFindTheSame() {
        let (samples, targets) = (57, 3)
        // Far from zero: a sum of squares less the square of a sum would lose every digit.
        let truth = (0..<samples * targets).map { Float(noise($0, seed: 1)) + 1000 }
        let output = (0..<samples * targets).map { truth[$0] + Float(noise($0, seed: 2)) / 10 }
        var errors = TargetErrors(targets: targets)
        for sample in 0..<samples { errors.add(output.span, truth.span, at: sample * targets) }
        #expect(errors.count == samples)
        for target in 0..<targets {
            let places = (0..<samples).map { $0 * targets + target }
            let differences = places.map { Double(output[$0]) - Double(truth[$0]) }
            let mean = places.reduce(0.0) { $0 + Double(truth[$1]) } / Double(samples)
            let spread = places.reduce(0.0) { $0 + (Double(truth[$1]) - mean) * (Double(truth[$1]) - mean) }
            #expect(abs(errors.squares[target] - differences.reduce(0) { $0 + $1 * $1 }) < 1e-12)
            #expect(abs(errors.magnitudes[target] - differences.reduce(0) { $0 + abs($1) }) < 1e-12)
            #expect(abs(errors.means[target] - mean) < 1e-9 && abs(errors.spreads[target] - spread) < 1e-9)
        }
    }
}
