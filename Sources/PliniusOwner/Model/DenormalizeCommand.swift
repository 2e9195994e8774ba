import ArgumentParser
import PliniusModels
import PliniusNN

/// Folds batch normalisation into a model.
struct DenormalizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "denormalize", abstract: "Folds batch normalisation into weights and biases.",
        discussion: """
            plinius-owner model denormalize --config CFG --config-out PLAIN.cfg --out F MODEL

            The model that is written predicts the same up to rounding, under the configuration without batch_normalize, which \
            --config-out writes; its other lines and its comments stay. [batchnorm] sections are left as they are.
            """)

    @OptionGroup var config: ModelConfig

    @OptionGroup var output: ModelOutput

    @Option(help: "Where to write the configuration without batch_normalize.") var configOut: String

    @Argument(help: "The model.") var model: String

    func run() throws {
        try reporting {
            let (text, network) = try config.read()
            guard let plainText = ConfigEdit.denormalized(text, of: network) else {
                throw OwnerError(
                    .usage, "no layer of \(config.path) has batch_normalize=1: there is nothing to fold")
            }
            let plain = try NetworkDescription(parsing: plainText, file: configOut)
            let file = try ModelFile(model, of: network)
            let count = try output.write(
                file.model.denormalized(as: plain), like: file.format, config: (configOut, plainText))
            printError(
                "wrote \(count) bytes to \(output.out), which fits \(configOut): batch normalisation folded, not sealed"
            )
        }
    }
}
