import ArgumentParser
import PliniusHost
import PliniusWire

/// `plinius status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what a pool tells without a key; none of it is authenticated."
    )

    @Option(help: ArgumentHelp("The file that holds the run.", valueName: "file"))
    var pool: String

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        let signals = StopSignals()
        try Output.report(asJSON: json) { () throws(HostError) in
            try PoolInspection.status(of: pool, signals: signals)
        } json: {
            Self.object($0)
        } text: { status in
            for line in Self.lines(status) { Output.print(line) }
        }
    }

    private static func object(_ status: PoolStatus) -> JSONValue {
        let slots = status.slots.map { slot in
            JSONValue.object([
                "state": .init(slot.state), "iteration": .init(slot.iteration), "generation": .init(slot.generation),
                "sequence": .init(slot.sequence),
            ])
        }
        return .object([
            "runID": .init(status.runID), "configDigest": .init(status.configDigest),
            "datasetID": .init(status.datasetID), "seed": .init(status.seed), "cipher": .init(status.cipher),
            "executor": .init(status.executor), "threads": .unsigned(UInt64(status.threads)),
            "iteration": .init(status.iteration), "generation": .init(status.generation), "tier": .init(status.tier),
            "tierSurvives": .init(status.tierSurvives), "byteCount": .init(status.byteCount), "slots": .array(slots),
        ])
    }

    private static func lines(_ status: PoolStatus) -> [String] {
        [
            "run         \(status.runID)",
            "iteration   \(status.iteration)",
            "generation  \(status.generation)",
            "tier        \(status.tier): \(status.tierSurvives)",
            "size        \(bytes(status.byteCount))",
            "seed        \(status.seed)",
            "sealed with \(status.cipher)",
            "trained on  \(status.executor), \(status.threads) \(status.threads == 1 ? "thread" : "threads")",
            "data set    \(status.datasetID)",
            "network     \(status.configDigest)",
        ]
            + status.slots.enumerated().map { index, slot in
                "slot \(index)      \(slot.state), iteration \(slot.iteration), generation \(slot.generation), "
                    + "commit \(slot.sequence)"
            } + ["Read without the key: nothing of this is authenticated."]
    }
}
