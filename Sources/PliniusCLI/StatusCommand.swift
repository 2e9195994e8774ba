import ArgumentParser
import PliniusHost
import PliniusWire

/// `plinius status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what a pool and its runs tell without a key; none of it is authenticated.",
        discussion: "Exits with 3 if there is a run that nothing can be told of; the others are shown all the same."
    )

    @Option(help: ArgumentHelp("The file that holds the runs.", valueName: "file"))
    var pool: String

    @Option(name: .customLong("run"), help: ArgumentHelp("Show this run only.", valueName: "name"))
    var runName: String?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        let signals = StopSignals()
        var isWhole = true
        try Output.report(asJSON: json) { () throws(HostError) in
            let status = try PoolInspection.status(of: pool, run: runName, signals: signals)
            isWhole = status.runs.allSatisfy(\.problem.isEmpty)
            return status
        } json: {
            Self.object($0)
        } text: { status in
            for line in Self.lines(status) { Output.print(line) }
        }
        if !isWhole { throw ExitCode(HostError.Code.integrity.exitCode) }
    }

    // MARK: JSON

    private static func object(_ status: PoolStatus) -> JSONValue {
        .object([
            "tier": .init(status.tier), "tierSurvives": .init(status.tierSurvives),
            "byteCount": .init(status.byteCount), "freeBytes": .init(status.freeBytes),
            "largestFreeBytes": .init(status.largestFreeBytes), "runCount": .init(status.runCount),
            "runs": .array(status.runs.map(object)),
        ])
    }

    private static func object(_ run: RunStatus) -> JSONValue {
        guard run.problem.isEmpty else {
            return .object([
                "name": .init(run.name), "problem": .init(run.problem), "byteCount": .init(run.byteCount),
            ])
        }
        let slots = run.slots.map { slot in
            JSONValue.object([
                "state": .init(slot.state), "iteration": .init(slot.iteration), "generation": .init(slot.generation),
                "sequence": .init(slot.sequence),
            ])
        }
        return .object([
            "name": .init(run.name), "runID": .init(run.runID), "configDigest": .init(run.configDigest),
            "datasetID": .init(run.datasetID), "seed": .init(run.seed), "initSeed": .init(run.initSeed),
            "score": .init(run.score), "cipher": .init(run.cipher),
            "executor": .init(run.executor), "threads": .unsigned(UInt64(run.threads)),
            "iteration": .init(run.iteration), "loss": .init(run.loss), "averageLoss": .init(run.averageLoss),
            "generation": .init(run.generation), "byteCount": .init(run.byteCount), "slots": .array(slots),
        ])
    }

    // MARK: Text

    private static func lines(_ status: PoolStatus) -> [String] {
        var lines = [
            "pool          \(bytes(status.byteCount)), \(bytes(status.freeBytes)) free "
                + "(\(bytes(status.largestFreeBytes)) in a row), \(status.runCount) \(status.runCount == 1 ? "run" : "runs")",
            "tier          \(status.tier): \(status.tierSurvives)",
        ]
        for run in status.runs { lines += [""] + self.lines(run) }
        if status.runCount > UInt64(status.runs.count) {
            lines += ["", "Shown are \(status.runs.count) of \(status.runCount) runs; --run NAME shows any."]
        }
        return lines + ["", "Read without the key: nothing of this is authenticated."]
    }

    private static func lines(_ run: RunStatus) -> [String] {
        let name = "run           \(run.name)"
        guard run.problem.isEmpty else { return [name, "problem       \(run.problem)"] }
        return [
            name,
            "iteration     \(run.iteration)\(run.score.map { ", score \(fixed($0, digits: 4))" } ?? "")",
            "loss          \(fixed(run.loss, digits: 4)), average \(fixed(run.averageLoss, digits: 4))",
            "generation    \(run.generation)",
            "size          \(bytes(run.byteCount))",
            "id            \(run.runID)",
            "seed          \(run.seed)\(run.initSeed.map { ", of the initial parameters \($0)" } ?? "")",
            "sealed with   \(run.cipher)",
            "trained on    \(run.executor), \(run.threads) \(run.threads == 1 ? "thread" : "threads")",
            "data set      \(run.datasetID)",
            "network       \(run.configDigest)",
        ]
            + run.slots.enumerated().map { index, slot in
                "slot \(index == 0 ? "A" : "B")        \(slot.state), iteration \(slot.iteration), "
                    + "generation \(slot.generation), commit \(slot.sequence)"
            }
    }
}
