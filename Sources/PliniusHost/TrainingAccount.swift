import PliniusWire

/// What a run has told so far: how far it is, how far the pool is, how long things took.
struct TrainingAccount {
    private let isNewPool: Bool
    private let clock = ContinuousClock.now
    private var start: StartEvent?
    private var last: IterationEvent?
    private var evaluation: Evaluation?
    private var best: BestModel?
    /// Updates that the pool holds for certain; `nil` as long as nothing was said about it.
    private var durable: UInt64?
    private var iterationTimes = TimingSamples()
    private var mirrorTimes = TimingSamples()
    private var batchTimes = TimingSamples()

    init(isNewPool: Bool) {
        self.isNewPool = isNewPool
    }

    mutating func note(_ event: Event) {
        switch event {
        case .start(let event):
            start = event
            durable = event.resumedFrom ?? 0
        case .iteration(let event):
            last = event
            iterationTimes.add(nanoseconds: event.iterationNanoseconds)
            batchTimes.add(nanoseconds: event.batchNanoseconds)
            guard event.mirrorNanoseconds > 0 else { return }
            mirrorTimes.add(nanoseconds: event.mirrorNanoseconds)
            durable = event.iteration
        case .mirror(let event):
            durable = event.iteration
        case .validation(let event):
            best = event.best
        case .evaluation(let event):
            evaluation = event
        default:
            return
        }
    }

    /// Sums a run up that ended as it should.
    func report(for answer: Event) -> TrainingReport {
        var report = TrainingReport()
        switch answer {
        case .finish(let result):
            report.isComplete = true
            (report.iterations, report.loss, report.averageLoss) = (result.iterations, result.loss, result.averageLoss)
            report.earlyEnd = result.earlyEnd.isEmpty ? nil : result.earlyEnd
            report.best = result.best
        case .stopped(let event):
            report.hasNotBegun = start == nil
            report.leaseEnd = event.isLeaseOver ? event.reason : nil
            (report.iterations, report.loss, report.averageLoss) = (event.iteration, last?.loss, last?.averageLoss)
            report.best = best
        default:
            preconditionFailure("a run ends by finishing or by stopping")
        }
        report.run = start?.run ?? "unknown"
        report.resumedFrom = start?.resumedFrom
        report.task = start?.task
        report.evaluation = evaluation
        report.wallSeconds = clock.duration(to: .now) / .seconds(1)
        report.iterationMilliseconds = iterationTimes.summary
        report.mirrorMilliseconds = mirrorTimes.summary
        report.batchMilliseconds = batchTimes.summary
        report.tier = start?.tier ?? "unknown"
        report.executor = start?.executor ?? "unknown"
        report.tee = start?.tee ?? "unknown"
        return report
    }

    /// Says what the pool holds after the enclave died.
    var whatIsSafe: String {
        if let durable {
            return ". The pool holds iteration \(durable) at least; the same command resumes there"
        }
        return isNewPool
            ? ". No pool was made; the same command starts from the beginning"
            : ". The pool holds what it held before; the same command goes on from there"
    }
}
