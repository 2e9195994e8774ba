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

    @Option(
        help: ArgumentHelp("What the classes are called in the result, one name a line.", valueName: "file.names"))
    var names: String?

    func run() throws {
        let signals = StopSignals()
        try Output.report(asJSON: json) { () throws(HostError) in
            let names = try names.map { path throws(HostError) in try ClassNamesFile(path: path) }
            return try EvaluationFigures(
                options.model(options.key.source(), signals).evaluate(), names: names)
        } json: { figures in
            .object(figures.fields)
        } text: { figures in
            Output.print(figures.line)
            for line in figures.table { Output.print(line) }
        }
    }
}
