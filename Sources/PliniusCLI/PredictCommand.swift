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

    @OptionGroup var options: ModelOptions

    @Option(
        help: ArgumentHelp(
            "The file of results to make; an existing one is never overwritten.", valueName: "results.sealed"))
    var out: String

    @Option(
        help: ArgumentHelp("With --perun: what their owner calls the results.", valueName: "owner/name")
    )
    var outputAsset: String?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        let signals = StopSignals()
        try Output.report(asJSON: json) { () throws(HostError) in
            try options.model(options.key.source(predicting: outputAsset), signals).predict(into: out)
        } json: {
            Self.object($0)
        } text: { result in
            Output.print("\(out): \(ProgressReporter.describe(result))")
        }
    }

    private static func object(_ result: Prediction) -> JSONValue {
        .object([
            "id": .init(result.id), "count": .init(result.count), "outputs": .unsigned(UInt64(result.outputs)),
            "iteration": .init(result.iteration), "task": .init("\(result.task)"), "bytes": .init(result.byteCount),
            "imagesPerSecond": .init(result.imagesPerSecond),
        ])
    }
}
