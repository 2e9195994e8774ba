import Glibc
import PliniusWire

/// Appends every event to a file, one JSON object a line; a resumed run goes on in the same file.
public final class EventLog: EventSink {
    private let file: OpenFile
    private var isBroken = false

    /// Opens the file to append to it.
    /// - Throws: `HostError.Code.usage` if it cannot be written.
    public init(path: String) throws(HostError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o644)
        guard descriptor >= 0 else { throw HostError(.usage, Errno.current.explain("the event file \(path)")) }
        file = OpenFile(descriptor: descriptor, path: path)
    }

    public func receive(_ event: HostEvent) {
        guard var fields = event.fields else { return }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        fields["time"] = .number(Double(now.tv_sec) + Double(now.tv_nsec / 1_000_000) / 1000)
        guard !isBroken else { return }
        // One write a line: whoever follows the file never sees half of one.
        if !OutputFile.write(Array((JSONValue.object(fields).line + "\n").utf8), to: file.descriptor) {
            isBroken = true
            StandardError.print("note: events are no longer written: \(Errno.current.explain(file.path))")
        }
    }
}

extension HostEvent {
    fileprivate var fields: [String: JSONValue]? {
        switch self {
        case .event(let event): event.fields
        case .note(let text): ["event": "note", "message": .init(text)]
        case .failed(let error):
            ["event": "failure", "message": .init(error.message), "exitCode": .init(error.code.exitCode)]
        }
    }
}

extension Event {
    /// The event as it stands in the log; `nil` for what concerns host and enclave alone.
    fileprivate var fields: [String: JSONValue]? {
        switch self {
        case .hello, .allocate, .publish, .awaiting, .relay, .provisioned, .keep, .reopened, .status, .prediction,
            .failure:
            nil
        case .warning(let text): ["event": "warning", "message": .init(text)]
        case .start(let event): event.fields
        case .resume(let event):
            [
                "event": "resume", "verdict": .init(event.verdict), "iteration": .init(event.iteration),
                "generation": .init(event.generation), "slot": .integer(Int64(event.slot)),
                "message": .init(event.message),
            ]
        case .iteration(let event):
            [
                "event": "iteration", "iteration": .init(event.iteration), "epoch": .init(event.epoch),
                "loss": .init(event.loss),
                "averageLoss": .init(event.averageLoss), "learningRate": .init(event.learningRate),
                "imagesPerSecond": .init(event.imagesPerSecond),
                "iterationMilliseconds": .init(nanoseconds: event.iterationNanoseconds),
                "mirrorMilliseconds": .init(nanoseconds: event.mirrorNanoseconds),
                "batchMilliseconds": .init(nanoseconds: event.batchNanoseconds),
            ]
        case .mirror(let event):
            [
                "event": "mirror", "iteration": .init(event.iteration), "generation": .init(event.generation),
                "bytes": .init(event.bytes), "milliseconds": .init(nanoseconds: event.nanoseconds),
            ]
        case .evaluation(let event):
            EvaluationFigures(event).summary.merging(["event": "evaluation"]) { $1 }
        case .validation(let event):
            EvaluationFigures(event.evaluation).summary.merging(
                ["event": "validation", "isBest": .init(event.isBest), "best": event.best?.json ?? .null]
            ) { $1 }
        case .finish(let event):
            [
                "event": "finish", "iterations": .init(event.iterations), "loss": .init(event.loss),
                "averageLoss": .init(event.averageLoss),
                "wallSeconds": .number(Double(event.wallNanoseconds) / 1e9),
                "earlyEnd": .init(event.earlyEnd), "best": event.best?.json ?? .null,
            ]
        case .stopped(let event):
            ["event": "stopped", "reason": .init(event.reason), "iteration": .init(event.iteration)]
        }
    }
}

extension BestModel {
    /// The model as it stands in results and in the log.
    var json: JSONValue {
        .object(["run": .init(run), "iteration": .init(iteration), "score": .init(score)])
    }
}

extension StartEvent {
    fileprivate var fields: [String: JSONValue] {
        [
            "event": "start", "run": .init(run), "runID": .init(runID), "configDigest": .init(configDigest),
            "task": .init("\(task)"),
            "layers": .integer(Int64(layers)), "parameters": .init(parameters), "batch": .integer(Int64(batch)),
            "iterations": .init(iterations), "executor": .init(executor), "threads": .integer(Int64(threads)),
            "tee": .init(tee), "tier": .init(tier), "tierSurvives": .init(tierSurvives), "cipher": .init(cipher),
            "provider": .init(provider), "mirrorBytes": .init(mirrorBytes), "trainCount": .init(trainCount),
            "seed": .init(seed), "resumedFrom": .init(resumedFrom), "verdict": .init(verdict),
        ]
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self = .text(value) }

    fileprivate init(nanoseconds: UInt64) { self = .number(Double(nanoseconds) / 1e6) }
}
