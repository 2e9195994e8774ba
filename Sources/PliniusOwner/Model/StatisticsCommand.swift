import ArgumentParser
import Foundation
import PliniusModels

/// Describes the values of a model.
struct StatisticsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statistics", abstract: "Shows what the values of each layer and tensor look like.",
        discussion: """
            Values that are not finite are named, and are left out of the other numbers; they change no exit code. The standard \
            deviation has the number of values as its divisor.
            """)

    @OptionGroup var config: ModelConfig

    @Flag(help: "Print one JSON object.") var json = false

    @Argument(help: "The model.") var model: String

    func run() throws {
        try reporting {
            let network = try config.read().network
            let report = ModelReport(try ModelFile(model, of: network, unchecked: true).model)
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys]
                print(String(decoding: try encoder.encode(report), as: UTF8.self))
            } else {
                print(report.text)
            }
        }
    }
}
