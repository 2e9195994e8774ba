public import PliniusWire

/// Tells the person at the terminal how a run goes: one living line there, a plain line now and then elsewhere.
public final class ProgressReporter: EventSink {
    private let isLive: Bool
    private let interval: Duration
    private var iterations: UInt64 = 0
    private var verdict = ""
    private var pace = Pace()
    private var lastShown: ContinuousClock.Instant?
    /// An iteration that has not been shown.
    private var pending: IterationEvent?
    private var lineIsOpen = false

    /// Reports on standard error.
    public init() {
        isLive = StandardError.isTerminal
        interval = isLive ? .milliseconds(100) : .seconds(2)
    }

    /// Says in a line how well a model does while it trains.
    private static func describe(_ event: ValidationEvent) -> String {
        let best = event.best.map { "the best is iteration \($0.iteration), score \(fixed($0.score, digits: 4))" }
        return "validation: iteration \(event.evaluation.iteration), \(EvaluationFigures(event.evaluation).line); "
            + (event.isBest ? "the best so far" : best ?? "no score yet")
    }

    /// Says in a line what came of a prediction.
    /// - Parameter unit: What the results are made of.
    public static func describe(_ result: Prediction, unit: String = "numbers") -> String {
        "\(result.count) results of \(result.outputs) \(unit) by iteration \(result.iteration) are sealed as \(result.id), "
            + "\(fixed(result.imagesPerSecond, digits: 0)) images/s"
    }

    public func receive(_ event: HostEvent) {
        switch event {
        case .note(let text): say("note: \(text)")
        // The program prints the error itself, whatever the run was part of.
        case .failed: flush()
        case .event(let event): receive(event)
        }
    }

    private func receive(_ event: Event) {
        switch event {
        case .warning(let text): say("warning: \(text)")
        case .start(let event): start(event)
        case .resume(let event): resume(event)
        case .iteration(let event): iteration(event)
        case .validation(let event): say(Self.describe(event))
        case .evaluation(let event): say("test: \(EvaluationFigures(event).line)")
        case .finish(let result):
            say("finished: iteration \(result.iterations), average loss \(fixed(result.averageLoss, digits: 4))")
            if !result.earlyEnd.isEmpty { say("ended early: \(result.earlyEnd)") }
            if let best = result.best {
                say("best: iteration \(best.iteration), score \(fixed(best.score, digits: 4)), as run \(best.run)")
            }
        case .hello, .allocate, .publish, .awaiting, .relay, .provisioned, .keep, .reopened, .mirror, .status,
            .prediction, .stopped, .failure:
            return
        }
    }

    private func start(_ event: StartEvent) {
        iterations = event.iterations
        verdict = event.verdict
        pace = Pace()
        say(
            event.tee.hasPrefix("simulated")
                ? "enclave: \(event.tee), a process of its own that no hardware protects from this machine's administrator"
                : "enclave: its owner's key is released to \(event.tee)")
        say("run \(event.run) (\(event.runID)), seed \(event.seed): \(event.verdict)")
        say(
            "network (\(event.task)): \(event.layers) layers, \(event.parameters) parameters, batch \(event.batch) of "
                + "\(event.trainCount) images; \(event.executor) on \(event.threads) "
                + (event.threads == 1 ? "thread" : "threads")
        )
        say(
            "mirror: \(bytes(event.mirrorBytes)) with \(event.cipher) (\(event.provider)), tier \(event.tier): "
                + event.tierSurvives
        )
    }

    /// Says of the recovery what the start has not said already.
    private func resume(_ event: ResumeEvent) {
        let isSaid = event.message.hasPrefix(verdict)
        let rest = (isSaid ? event.message.dropFirst(verdict.count) : event.message[...]).drop { $0 == " " }
        if !rest.isEmpty { say("resume: \(rest)") }
    }

    private func iteration(_ event: IterationEvent) {
        pace.note(event)
        pending = event
        let now = ContinuousClock.now
        if let lastShown, lastShown.duration(to: now) < interval, event.iteration != iterations { return }
        lastShown = now
        show(event)
    }

    private func show(_ event: IterationEvent) {
        pending = nil
        let left = iterations > event.iteration ? iterations - event.iteration : 0
        let line =
            "iteration \(event.iteration)/\(iterations)  epoch \(event.epoch)  loss \(fixed(event.averageLoss, digits: 4))"
            + "  rate \(fixed(event.learningRate, digits: 6))  \(fixed(pace.imagesPerSecond, digits: 0)) images/s"
            + "  ETA \(clock(seconds: pace.secondsPerIteration * Double(left)))"
        guard isLive else { return StandardError.print(line) }
        StandardError.write("\r" + line.prefix(max(1, StandardError.columns - 1)) + "\u{1B}[K")
        lineIsOpen = true
    }

    private func say(_ line: String) {
        flush()
        StandardError.print(line)
    }

    private func flush() {
        if let pending { show(pending) }
        if lineIsOpen { StandardError.write("\n") }
        lineIsOpen = false
    }
}

/// How quick a run is at present: an exponential average over some twenty iterations.
private struct Pace {
    private(set) var secondsPerIteration = 0.0
    private(set) var imagesPerSecond: Float = 0

    mutating func note(_ event: IterationEvent) {
        let seconds = Double(event.iterationNanoseconds) / 1e9
        let isFirst = secondsPerIteration == 0
        secondsPerIteration = isFirst ? seconds : 0.95 * secondsPerIteration + 0.05 * seconds
        imagesPerSecond = isFirst ? event.imagesPerSecond : 0.95 * imagesPerSecond + 0.05 * event.imagesPerSecond
    }
}
