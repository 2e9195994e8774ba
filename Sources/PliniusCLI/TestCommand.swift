import ArgumentParser
import PliniusHost
import PliniusWire

/// `plinius test`.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Evaluate a model in a pool on a sealed data set; the pool is left as it is."
    )

    @Option(help: ArgumentHelp("The network, as a Darknet configuration.", valueName: "cfg"))
    var config: String

    @Option(help: ArgumentHelp("The sealed data set to evaluate on.", valueName: "file.sealed"))
    var data: String

    @Option(help: ArgumentHelp("The file that holds the run.", valueName: "file"))
    var pool: String

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The name of the run; the only one of the pool if there is none.", valueName: "name")
    )
    var runName: String?

    @OptionGroup var key: KeyOption

    @Option(help: ArgumentHelp("What computes: onednn or reference; what trained if there is none.", valueName: "name"))
    var executor: String?

    @Option(help: ArgumentHelp("Threads that compute; as many as trained.", valueName: "n"))
    var threads: UInt32?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        let signals = StopSignals()
        try Output.report(asJSON: json) { () throws(HostError) in
            var test = PoolTest(
                config: config,
                data: data,
                pool: pool,
                key: try key.source(),
                sinks: [ProgressReporter()],
                signals: signals
            )
            test.run = runName
            test.executor = executor
            test.threads = threads
            return try test.evaluate()
        } json: { result in
            .object([
                "accuracy": .init(result.accuracy), "count": .init(result.count), "correct": .init(result.correct),
                "loss": .init(result.loss), "imagesPerSecond": .init(result.imagesPerSecond),
                "iteration": .init(result.iteration),
            ])
        } text: { result in
            Output.print(ProgressReporter.describe(result))
        }
    }
}
