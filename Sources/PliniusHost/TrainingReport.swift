public import PliniusWire

/// The result of a training run, with the fields that `--json` prints.
public struct TrainingReport: Sendable {
    /// Whether training reached its end; `false` after a signal.
    public internal(set) var isComplete = false
    /// Whether a signal came before training went on: the pool is as it was.
    public internal(set) var hasNotBegun = false
    /// Why the keys may not be used any more, if that ended training; the pool holds what was trained.
    public internal(set) var leaseEnd: String?
    /// Why training was complete before the last iteration, if it was.
    public internal(set) var earlyEnd: String?
    /// The best model, as far as validation has told of it.
    public internal(set) var best: BestModel?
    /// What the pool calls the run.
    public internal(set) var run = ""
    /// Updates that the pool holds.
    public internal(set) var iterations: UInt64 = 0
    public internal(set) var resumedFrom: UInt64?
    /// Of the last batch, per image.
    public internal(set) var loss: Float?
    public internal(set) var averageLoss: Float?
    /// `nil` if that was not told yet.
    public internal(set) var task: ModelTask?
    /// How well the model does on the test set.
    public internal(set) var evaluation: Evaluation?
    /// Share of the test set that is classified rightly.
    public var testAccuracy: Double? { evaluation.flatMap { EvaluationFigures($0).accuracy } }
    /// From the start of the enclave to its end.
    public internal(set) var wallSeconds = 0.0
    public internal(set) var iterationMilliseconds: TimingSummary?
    public internal(set) var mirrorMilliseconds: TimingSummary?
    public internal(set) var batchMilliseconds: TimingSummary?
    public internal(set) var tier = ""
    public internal(set) var executor = ""
    public internal(set) var tee = ""

    /// The object that `--json` prints.
    public var json: JSONValue {
        var object: [String: JSONValue] = [
            "complete": .init(isComplete), "run": .init(run), "iterations": .init(iterations),
            "resumedFrom": .init(resumedFrom),
            "loss": .init(loss), "averageLoss": .init(averageLoss), "wallSeconds": .init(wallSeconds),
            "iterationMilliseconds": .init(iterationMilliseconds), "mirrorMilliseconds": .init(mirrorMilliseconds),
            "batchMilliseconds": .init(batchMilliseconds), "tier": .init(tier), "executor": .init(executor),
            "tee": .init(tee),
        ]
        if let leaseEnd { object["leaseEnd"] = .init(leaseEnd) }
        if let task { object["task"] = .init("\(task)") }
        if let evaluation { object["test"] = .object(EvaluationFigures(evaluation).summary) }
        if let earlyEnd { object["earlyEnd"] = .init(earlyEnd) }
        if let best { object["best"] = best.json }
        if let testAccuracy { object["testAccuracy"] = .init(testAccuracy) }
        return .object(object)
    }
}
