import ArgumentParser
import Foundation
import PliniusMirror
import PliniusNN

/// Shows what a configuration describes.
struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Shows the layers of a network, what training it takes, and what looks wrong.",
        discussion: """
            What reads the configuration is what reads it in the enclave: a file that is refused here is refused there.

            Floating-point operations are those of one image forward, two for each multiplication and addition of \
            convolutional, connected, local, deconvolutional and recurrent layers, those with padding included. Biases, \
            activations, normalisation, pooling and losses are not counted. An image of a recurrent layer is one time step.

            Warnings and advice change no exit code. A configuration that is refused gives 2.
            """)

    @Argument(help: "The network, as a Darknet configuration.") var config: String

    @Option(help: "fixed or strict: whether faults of Darknet are repaired, or reproduced for comparison.")
    var compat: String?

    @Option(help: "A sealed data set to compare with; only its public header is read, which proves nothing.")
    var data: String?

    @Flag(help: "Print one JSON object.") var json = false

    func run() throws {
        try reporting {
            let text = try ConfigText.read(config, compat: compat)
            let network: NetworkDescription
            do { network = try NetworkDescription(parsing: text, file: config) } catch let error as ConfigError {
                throw OwnerError(.usage, error.description)
            }
            let report = ConfigReport(network, textByteCount: text.utf8.count, data: try header())
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys]
                print(String(decoding: try encoder.encode(report), as: UTF8.self))
            } else {
                print(report.text)
            }
        }
    }

    private func header() throws -> PublicDatasetHeader? {
        guard let data else { return nil }
        let file = try OpenFile.open(data, as: "sealed data set")
        return try PublicDatasetHeader(parsing: SealedDataset.readHeader(file.descriptor))
    }
}
