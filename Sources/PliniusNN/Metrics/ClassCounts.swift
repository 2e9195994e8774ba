import Glibc

/// How often each class was taken for each: what accuracy, precision, recall and overlaps of classes follow from.
public struct ClassCounts: Sendable {
    /// The most classes whose confusions are kept.
    public static let maximumConfusion = 256

    public let classes: Int
    /// Whether samples may have no class, and be taken for none; it stands behind the last class then.
    public let hasNone: Bool
    /// How many of the greatest outputs ``topCorrect`` looks at.
    public let top: Int
    /// Samples that were counted, and those of them that have a class.
    public private(set) var count = 0, labelled = 0
    /// Those whose greatest output was that of their class.
    public private(set) var correct = 0
    /// Those whose class had one of the ``top`` greatest outputs.
    public private(set) var topCorrect = 0
    /// Sum of -ln of what was put out for the right class, over what has one.
    public private(set) var loss = 0.0
    /// How many samples of a class were taken for each; (classes, classes), one more of both with none; empty if there are too many.
    public private(set) var confusion: [UInt64]

    /// Mean over the classes of intersection over union; those that are neither there nor taken for are left out; 0 if there is none.
    ///
    /// Needs ``confusion``.
    public var meanOverlap: Double {
        let side = classes + (hasNone ? 1 : 0)
        var (sum, present) = (0.0, 0)
        for own in 0..<classes where !confusion.isEmpty {
            let union = (0..<side).reduce(0) {
                $0 + confusion[own * side + $1] + ($1 == own ? 0 : confusion[$1 * side + own])
            }
            guard union > 0 else { continue }
            sum += Double(confusion[own * side + own]) / Double(union)
            present += 1
        }
        return present == 0 ? 0 : sum / Double(present)
    }

    /// Begins to count.
    public init(classes: Int, top: Int = 1, hasNone: Bool = false) {
        self.classes = classes
        self.top = min(top, classes)
        self.hasNone = hasNone
        let side = classes + (hasNone ? 1 : 0)
        confusion = Array(repeating: 0, count: side <= Self.maximumConfusion ? side * side : 0)
    }

    /// Counts a sample: it is of the class whose truth is 1, and is taken for the one with the greatest output, the first of equals.
    ///
    /// With ``hasNone`` a sample without a class counts, too, and one whose outputs do not exceed 0.5 is taken for none; otherwise it is
    /// passed over.
    /// - Parameters:
    ///   - outputs: that of the first class at `place`, those of the others `stride` behind each other.
    ///   - truth: as many, from `truthPlace`.
    public mutating func add(
        _ outputs: Span<Float>, at place: Int, _ truth: Span<Float>, at truthPlace: Int, stride: Int = 1
    ) {
        var best = 0
        var label = classes
        for other in 0..<classes {
            if outputs[place + other * stride] > outputs[place + best * stride] { best = other }
            if truth[truthPlace + other * stride] == 1 { label = other }
        }
        if hasNone, !(outputs[place + best * stride] > 0.5) { best = classes }
        guard hasNone || label < classes else { return }
        count += 1
        if !confusion.isEmpty { confusion[label * (classes + (hasNone ? 1 : 0)) + best] += 1 }
        if best == label { correct += 1 }
        guard label < classes else { return }
        labelled += 1
        let own = outputs[place + label * stride]
        loss -= log(Double(max(own, .leastNormalMagnitude)))
        // What is no number is no rank.
        let before = (0..<classes).count { other in
            let rival = outputs[place + other * stride]
            return other < label ? !(rival < own) : other > label && !(rival <= own)
        }
        if before < top { topCorrect += 1 }
    }
}
