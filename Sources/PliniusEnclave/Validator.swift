import PliniusMirror
import PliniusNN
import PliniusWire
import _PliniusSupport

/// Measures a model while it trains, keeps the best one, and says when it gets no better.
struct Validator {
    let data: DatasetUnion
    let evaluator: Evaluator
    let best: BestMirror
    let schedule: ValidationSchedule
    /// How many validations without a better score end training; `nil` for any number.
    let patience: UInt64?
    let control: Control

    /// Evaluates the model, mirrors it if it is the best so far, and tells the host.
    /// - Returns: nanoseconds that it took.
    func validate(_ arena: ParameterArena, _ progress: Progress) throws(SessionError) -> UInt64 {
        let start = monotonicNanoseconds()
        var event = ValidationEvent()
        event.evaluation = try reporting { try evaluator.evaluate(on: data, iteration: progress.iteration) }
        var progress = progress
        progress.score = event.evaluation.score
        event.isBest = try best.offer(arena, progress)
        event.best = result
        control.send(.validation(event))
        return monotonicNanoseconds() - start
    }

    /// The best model, as the host is told; `nil` if none has a score.
    var result: BestModel? {
        best.progress.score.map {
            BestModel(run: best.mirror.identity.name.description, iteration: best.progress.iteration, score: $0)
        }
    }

    /// Why training ends after so many updates; `nil` if it goes on.
    ///
    /// It follows from the best model's iteration, so that a resumed run ends where an undisturbed one does.
    func earlyEnd(after updates: UInt64) -> String? {
        let tried = schedule.count(upTo: updates)
        let untilBest = schedule.count(upTo: best.progress.iteration)
        guard let patience, tried >= untilBest, tried - untilBest >= patience else { return nil }
        return "no better score in \(tried - untilBest) validations since iteration \(best.progress.iteration)"
    }
}
