public import PliniusWire

/// The figures that follow from what the enclave counted, for programs and for people.
public struct EvaluationFigures: Sendable {
    private let evaluation: Evaluation
    /// By class; `nil` if nobody says.
    private let names: [String]?

    /// Takes an evaluation.
    /// - Parameter names: What the classes are called, in the order of their labels.
    /// - Throws: `HostError.Code.usage` if there are not as many names as classes.
    public init(_ evaluation: Evaluation, names: ClassNamesFile? = nil) throws(HostError) {
        self.init(evaluation)
        guard let names else { return }
        let known = evaluation.classes.map { Int($0.classes) }
        let least = evaluation.boxes?.classes.map { Int($0.index) + 1 }.max() ?? 0
        guard known == nil || known == names.names.count, names.names.count >= least else {
            throw HostError(
                .usage,
                "\(names.path) has \(names.names.count) names, and there are \(known.map { "\($0)" } ?? "\(least) or more") classes: "
                    + "give one name a line for each class")
        }
        self = EvaluationFigures(evaluation, names.names)
    }

    init(_ evaluation: Evaluation) { self.init(evaluation, nil) }

    private init(_ evaluation: Evaluation, _ names: [String]?) {
        self.evaluation = evaluation
        self.names = names
    }

    // MARK: Classes

    /// How one class was told from the others; each figure is `nil` where it would divide by zero.
    struct ClassFigures: Hashable, Sendable {
        let index: Int
        /// What is of the class, what was taken for it, and what is both.
        let support, taken, hits: UInt64

        var precision: Double? { Self.ratio(Double(hits), Double(taken)) }
        var recall: Double? { Self.ratio(Double(hits), Double(support)) }
        /// The harmonic mean of both.
        var f1: Double? { Self.ratio(2 * Double(hits), Double(support) + Double(taken)) }
        /// Intersection over union.
        var overlap: Double? { Self.ratio(Double(hits), Double(support) + Double(taken) - Double(hits)) }

        private static func ratio(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? part / whole : nil }
    }

    /// The rows of the matrix; empty if there is none.
    private var matrix: [[UInt64]] {
        guard let counts = evaluation.classes, !counts.confusion.isEmpty else { return [] }
        let side = Int(counts.classes) + (counts.hasNone ? 1 : 0)
        guard side <= Evaluation.maximumListCount, counts.confusion.count == side * side else { return [] }
        return (0..<side).map { Array(counts.confusion[$0 * side..<($0 + 1) * side]) }
    }

    /// Of each class, without that of no class.
    var classFigures: [ClassFigures] {
        let matrix = matrix
        return matrix.indices.prefix(Int(evaluation.classes?.classes ?? 0)).map { index in
            ClassFigures(
                index: index, support: matrix[index].reduce(0, &+), taken: matrix.reduce(0) { $0 &+ $1[index] },
                hits: matrix[index][index])
        }
    }

    private static func share(_ part: UInt64, of whole: UInt64) -> Double {
        whole > 0 ? Double(part) / Double(whole) : 0
    }

    private static func f1(_ boxes: Evaluation.Boxes) -> Double {
        let sum = Double(boxes.found) + Double(boxes.truths)
        return sum > 0 ? 2 * Double(boxes.hits) / sum : 0
    }

    /// Share of samples whose class is the most likely one; `nil` if the task is another.
    var accuracy: Double? {
        guard let classes = evaluation.classes, evaluation.task != .segment else { return nil }
        return Self.share(classes.correct, of: classes.count)
    }

    /// The share of a target's variance that is explained; `nil` if it has none.
    private static func determination(_ target: Evaluation.Targets.Target) -> Double? {
        target.variance > 0 ? 1 - Double(target.squaredError) / Double(target.variance) : nil
    }

    /// What the score is.
    private var scoreName: String {
        switch evaluation.task {
        case .classify: "accuracy"
        case .detect: "mAP@.5"
        case .segment: "mean IoU"
        case .regress: "-RMSE"
        case .sequence: "-perplexity"
        }
    }

    // MARK: JSON

    /// The figures of the whole.
    public var summary: [String: JSONValue] {
        var fields: [String: JSONValue] = [
            "iteration": .init(evaluation.iteration), "task": .init("\(evaluation.task)"),
            "count": .init(evaluation.count), "score": .init(evaluation.score),
            "scoreName": .init(scoreName), "imagesPerSecond": .init(evaluation.imagesPerSecond),
        ]
        if let classes = evaluation.classes {
            fields["accuracy"] = .init(Self.share(classes.correct, of: classes.count))
            fields["correct"] = .init(classes.correct)
            fields["loss"] = .init(classes.loss)
            switch evaluation.task {
            case .segment:
                fields["pixels"] = .init(classes.count)
                fields["meanIoU"] = .init(evaluation.score)
            case .sequence:
                fields["perplexity"] = .init(-evaluation.score)
                fields["bitsPerCharacter"] = .init(Double(classes.loss) * 1.442_695_040_888_963_4)
            default: break
            }
            if classes.top > 1 {
                fields["top"] = .object([
                    "k": .unsigned(UInt64(classes.top)), "correct": .init(classes.topCorrect),
                    "accuracy": .init(Self.share(classes.topCorrect, of: classes.count)),
                ])
            }
        }
        if let boxes = evaluation.boxes {
            fields["mAP50"] = .init(boxes.averagePrecision)
            fields["mAP50VOC2007"] = .init(boxes.elevenPoints)
            fields["mAP"] = .init(boxes.coco)
            fields["objects"] = .init(boxes.truths)
            fields["found"] = .init(boxes.found)
            fields["hits"] = .init(boxes.hits)
            fields["precision"] = .init(Self.share(boxes.hits, of: boxes.found))
            fields["recall"] = .init(Self.share(boxes.hits, of: boxes.truths))
            fields["f1"] = .init(Self.f1(boxes))
            fields["meanIoU"] = .init(boxes.overlap)
        }
        if let targets = evaluation.targets {
            fields["meanSquaredError"] = .init(targets.squaredError)
            fields["meanAbsoluteError"] = .init(targets.absoluteError)
            fields["rmse"] = .init(-evaluation.score)
        }
        return fields
    }

    /// The summary, and the figures of each class or target.
    public var fields: [String: JSONValue] {
        var fields = summary
        if let boxes = evaluation.boxes {
            fields["classes"] = .array(
                boxes.classes.map { figure in
                    object(
                        Int(figure.index), ["objects": .init(figure.truths), "ap50": .init(figure.averagePrecision)])
                })
        } else if evaluation.classes != nil {
            fields["classes"] = .array(
                classFigures.map { figure in
                    let own: [String: JSONValue] = [
                        "count": .init(figure.support), "precision": .init(figure.precision),
                        "recall": .init(figure.recall), "f1": .init(figure.f1), "iou": .init(figure.overlap),
                    ]
                    return object(figure.index, own)
                })
            fields["confusion"] = .array(matrix.map { .array($0.map { .unsigned($0) }) })
        }
        if let targets = evaluation.targets {
            fields["targets"] = .array(
                targets.targets.map { target in
                    .object([
                        "meanSquaredError": .init(target.squaredError),
                        "meanAbsoluteError": .init(target.absoluteError), "r2": .init(Self.determination(target)),
                    ])
                })
        }
        return fields
    }

    private func object(_ index: Int, _ fields: [String: JSONValue]) -> JSONValue {
        var object = fields
        object["class"] = .integer(Int64(index))
        if let names, names.indices.contains(index) { object["name"] = .init(names[index]) }
        return .object(object)
    }

    // MARK: Text

    /// How well the model does, in a line.
    public var line: String {
        let pace = ", \(fixed(evaluation.imagesPerSecond, digits: 0)) images/s"
        func percent(_ share: Double) -> String { "\(fixed(100 * share, digits: 2)) %" }
        if let classes = evaluation.classes {
            let (count, share) = (classes.count, percent(Self.share(classes.correct, of: classes.count)))
            switch evaluation.task {
            case .segment:
                return
                    "mean IoU \(fixed(evaluation.score, digits: 4)); \(classes.correct) of \(count) pixels are right, \(share)"
                    + pace
            case .sequence:
                return
                    "perplexity \(fixed(-evaluation.score, digits: 3)); \(classes.correct) of \(count) characters are right, "
                    + share + pace
            default:
                let top = percent(Self.share(classes.topCorrect, of: count))
                return
                    "\(classes.correct) of \(count) images are right, \(share); among the first \(classes.top) \(top); loss "
                    + fixed(classes.loss, digits: 4) + pace
            }
        }
        if let boxes = evaluation.boxes {
            return
                "mAP@.5 \(fixed(boxes.averagePrecision, digits: 4)), by 11 points \(fixed(boxes.elevenPoints, digits: 4)), "
                + "mAP@[.5:.95] \(fixed(boxes.coco, digits: 4)); above .25 precision "
                + "\(fixed(Self.share(boxes.hits, of: boxes.found), digits: 4)), recall "
                + "\(fixed(Self.share(boxes.hits, of: boxes.truths), digits: 4)), mean IoU \(fixed(boxes.overlap, digits: 4))"
                + pace
        }
        if let targets = evaluation.targets {
            return
                "mean squared error \(fixed(targets.squaredError, digits: 6)), its root \(fixed(-evaluation.score, digits: 6)), "
                + "mean absolute error \(fixed(targets.absoluteError, digits: 6))" + pace
        }
        return "nothing was measured"
    }

    /// A line for each class or target below a line of titles; empty if there is nothing of the kind.
    public var table: [String] {
        func text(_ figure: Double?) -> String { figure.map { fixed($0, digits: 4) } ?? "-" }
        func name(_ index: Int) -> String {
            names.map { $0.indices.contains(index) ? $0[index] : "\(index)" } ?? "\(index)"
        }
        var rows: [[String]] = []
        if let boxes = evaluation.boxes {
            rows = [["class", "objects", "AP@.5"]]
            rows += boxes.classes.map {
                [name(Int($0.index)), "\($0.truths)", text(Double($0.averagePrecision))]
            }
        } else if let targets = evaluation.targets {
            rows = [["target", "mean squared error", "mean absolute error", "R2"]]
            rows += targets.targets.enumerated().map { index, target in
                [
                    "\(index)", fixed(target.squaredError, digits: 6), fixed(target.absoluteError, digits: 6),
                    text(Self.determination(target)),
                ]
            }
        } else if evaluation.task == .segment {
            rows = [["class", "pixels", "IoU", "precision", "recall"]]
            rows += classFigures.map {
                [name($0.index), "\($0.support)", text($0.overlap), text($0.precision), text($0.recall)]
            }
        } else {
            rows = [["class", "count", "precision", "recall", "F1"]]
            rows += classFigures.filter { $0.support > 0 || $0.taken > 0 }.map {
                [name($0.index), "\($0.support)", text($0.precision), text($0.recall), text($0.f1)]
            }
        }
        guard rows.count > 1 else { return [] }
        var lines = aligned(rows)
        // Wider ones are for programs.
        if evaluation.task == .classify, 2...20 ~= matrix.count {
            let titles = ["is \\ taken for"] + matrix.indices.map { "\($0)" }
            lines += [""] + aligned([titles] + matrix.enumerated().map { [name($0)] + $1.map { "\($0)" } })
        }
        return lines
    }

    /// Lines whose first column is flush left, and the others right.
    private func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }
    }
}
