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

            With --generate, a network that predicts characters continues each text of the data set, a record with all its characters. The \
            temperature takes the place of the softmax's own, probabilities below 1e-4 count as none, and the same seed draws the same. \
            What is sealed is the continuation without the text.

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

    @Option(help: ArgumentHelp("Continue each text by so many characters, instead of predicting it.", valueName: "n"))
    var generate: UInt32?

    @Option(
        help: ArgumentHelp("With --generate: below 1 likelier characters, above less likely ones. 0.7 if not given."))
    var temperature: Float?

    @Option(help: ArgumentHelp("With --generate: which characters are drawn. 0 if not given.", valueName: "s"))
    var seed: UInt64?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    /// How texts are continued, if that is asked for.
    private var generation: GenerationRequest? {
        get throws(HostError) {
            guard let generate else {
                guard temperature == nil, seed == nil else {
                    throw HostError(.usage, "--temperature and --seed are for --generate, which is not given")
                }
                return nil
            }
            guard options.batch == nil else {
                throw HostError(
                    .usage,
                    "--batch is for predictions: --generate takes as many texts at once as there were sequences in training"
                )
            }
            // As Darknet has it.
            return GenerationRequest(count: generate, temperature: temperature ?? 0.7, seed: seed ?? 0)
        }
    }

    func run() throws {
        let signals = StopSignals()
        try Output.report(asJSON: json) { () throws(HostError) in
            try options.model(options.key.source(predicting: outputAsset), signals).predict(
                into: out,
                generating: generation
            )
        } json: {
            Self.object($0)
        } text: { result in
            Output.print(
                "\(out): \(ProgressReporter.describe(result, unit: generate == nil ? "numbers" : "characters"))")
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
