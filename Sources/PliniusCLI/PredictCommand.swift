import ArgumentParser
import PliniusHost
import PliniusWire

/// `plinius predict`.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract:
            "Have a model in a pool predict a sealed data set; the results are sealed, the pool is left as it is.",
        discussion: """
            The network's outputs for each image go to a file that only the owner of the results can open: whoever has the run's key, or, \
            with --perun, whoever the policies say owns what comes out. plinius-owner open reads it. Labels of the data set are not looked at.

            The file appears when it is complete, or not at all: not after a signal, and not if the owner's lease ends before.
            """
    )

    @Option(help: ArgumentHelp("The network, as a Darknet configuration.", valueName: "cfg"))
    var config: String

    @Option(help: ArgumentHelp("The sealed data set to predict.", valueName: "file.sealed"))
    var data: String

    @Option(help: ArgumentHelp("The file that holds the run.", valueName: "file"))
    var pool: String

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The name of the run; the only one of the pool if there is none.", valueName: "name")
    )
    var runName: String?

    @Option(
        help: ArgumentHelp(
            "The file of results to make; an existing one is never overwritten.", valueName: "results.sealed"))
    var out: String

    @OptionGroup var key: KeyOption

    @Option(
        help: ArgumentHelp("With --perun: what their owner calls the results.", valueName: "owner/name")
    )
    var outputAsset: String?

    @Option(help: ArgumentHelp("What computes: onednn or reference; what trained if there is none.", valueName: "name"))
    var executor: String?

    @Option(help: ArgumentHelp("Threads that compute; as many as trained.", valueName: "n"))
    var threads: UInt32?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        let signals = StopSignals()
        try Output.report(asJSON: json) { () throws(HostError) in
            try predict(signals)
        } json: {
            Self.object($0)
        } text: { result in
            Output.print("\(out): \(ProgressReporter.describe(result))")
        }
    }

    private func predict(_ signals: StopSignals) throws(HostError) -> Prediction {
        var prediction = PoolPrediction(
            config: config,
            data: data,
            pool: pool,
            key: try key.source(predicting: outputAsset),
            results: out,
            sinks: [ProgressReporter()],
            signals: signals
        )
        prediction.run = runName
        prediction.executor = executor
        prediction.threads = threads
        return try prediction.predict()
    }

    private static func object(_ result: Prediction) -> JSONValue {
        .object([
            "id": .init(result.id), "count": .init(result.count), "outputs": .unsigned(UInt64(result.outputs)),
            "iteration": .init(result.iteration), "bytes": .init(result.byteCount),
            "imagesPerSecond": .init(result.imagesPerSecond),
        ])
    }
}
