import ArgumentParser
import PliniusModels

/// Writes the mean of several models.
struct AverageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "average", abstract: "Writes the mean of several models of one network.",
        discussion: """
            plinius-owner model average --config CFG --out F A.weights B.weights …

            Every parameter is averaged, rolling statistics of batch normalisation, too. The files may be of either format. If one \
            does not fit the configuration, all that do not are listed, and nothing is written.
            """)

    @OptionGroup var config: ModelConfig

    @OptionGroup var output: ModelOutput

    @Argument(help: "The models, two at least.") var models: [String]

    func run() throws {
        try reporting {
            guard models.count >= 2 else {
                throw OwnerError(.usage, "there is \(models.count) model: expected two at least to average")
            }
            let network = try config.read().network
            var average = ModelAverage(of: network)
            var format: ModelFormat?
            var faults: [String] = []
            for path in models {
                do {
                    let file = try ModelFile(path, of: network)
                    average.add(file.model)
                    format = format ?? file.format
                } catch {
                    faults.append(OwnerError(error).message)
                }
            }
            guard let format, faults.isEmpty else {
                throw OwnerError(
                    .usage,
                    "\(faults.count) of \(models.count) models cannot be averaged; nothing is written:\n"
                        + faults.joined(separator: "\n"))
            }
            let count = try output.write(average.model(), like: format)
            printError("wrote \(count) bytes to \(output.out): the mean of \(models.count) models, not sealed")
        }
    }
}
