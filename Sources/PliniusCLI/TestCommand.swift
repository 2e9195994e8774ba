import ArgumentParser
import PliniusHost
import PliniusWire

/// `plinius test`.
struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Evaluate a model in a pool on a sealed data set; the pool is left as it is."
    )

    @OptionGroup var options: ModelOptions

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        let signals = StopSignals()
        try Output.report(asJSON: json) { () throws(HostError) in
            try options.model(options.key.source(), signals).evaluate()
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
