import ArgumentParser
import PliniusModels
import PliniusNN

/// Cuts the first layers off a model.
struct PartialCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "partial", abstract: "Writes the first layers of a model as a file of their own.",
        discussion: """
            plinius-owner model partial --config CFG --layers N --out F MODEL

            A network of other last layers takes the file by import --cutoff N. --config-out writes the configuration of \
            these layers alone.
            """)

    @OptionGroup var config: ModelConfig

    @OptionGroup var output: ModelOutput

    @Option(help: "How many layers to take; [net] does not count.") var layers: Int

    @Option(help: "Where to write the configuration of these layers.") var configOut: String?

    @Argument(help: "The model; it may end where the layers do.") var model: String

    func run() throws {
        try reporting {
            let (text, network) = try config.read()
            guard 1...network.layers.count ~= layers else {
                throw OwnerError(
                    .usage,
                    "--layers is \(layers): expected 1 to \(network.layers.count), the number of layers of \(config.path)"
                )
            }
            let partText = ConfigEdit.partial(text, of: network, layers: layers)
            let part: NetworkDescription
            do { part = try NetworkDescription(parsing: partText, file: configOut ?? config.path) } catch {
                throw OwnerError(.usage, "the first \(layers) layers are no network of their own: \(error)")
            }
            let file = try ModelFile(model, of: network, cutoff: layers)
            let count = try output.write(
                file.model.partial(as: part), like: file.format, config: configOut.map { ($0, partText) })
            printError("wrote \(count) bytes to \(output.out): layers 0 to \(layers - 1) of \(model), not sealed")
        }
    }
}
