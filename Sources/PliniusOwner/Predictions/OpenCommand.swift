import ArgumentParser
import PliniusDataSealing
import PliniusDatasets
import PliniusMirror
import PliniusSealing
import _PliniusSupport

/// Opens what a model predicted.
struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Opens the results of plinius predict, and writes the most likely classes of each image.",
        discussion: """
            Every result is verified; if one is not as it was sealed, nothing is written. A line for each image, in their order: as JSON, or \
            as CSV with a line of titles before them.
            """)

    @Argument(help: "The sealed results.") var file: String

    @Option(help: "The key of the run, or of what came out where a policy manager released the keys.") var key: String

    @Flag(help: "One JSON object a line, or comma-separated values.") var format = PredictionFormat.json

    @Option(help: "How many classes of each image, the most likely first.") var top = 1

    @Option(help: "The names of the classes, one a line.") var names: String?

    @Option(help: "The file to write; an existing one is never overwritten.") var out: String

    func run() throws {
        try reporting {
            let open = try OpenFile.open(file, as: "file of results")
            let predictions = try SealedPredictions(descriptor: open.descriptor, keys: KeyHierarchy(keyFile: key))
            let header = predictions.header
            guard 1...header.outputs ~= top else {
                throw OwnerError(.usage, "--top is \(top): the network has \(header.outputs) outputs, give 1 to that")
            }
            let text = PredictionText(format: format, top: top, names: try classNames(header.outputs))
            let output = try AtomicFile.create(out)
            try write(predictions, as: text, to: output)
            try output.publish()
            printError(
                "wrote \(header.count) predictions to \(out): by run \(header.runID.hex), iteration \(header.iteration), of the data "
                    + "set \(header.datasetID.hex), not sealed")
        }
    }

    private func write(
        _ predictions: SealedPredictions, as text: PredictionText, to output: borrowing AtomicFile
    ) throws {
        var progress = ProgressBar("opened", total: predictions.header.count)
        defer { progress.finish() }
        // Lines are gathered, so that the file is written in large pieces.
        var lines = text.titles
        for index in 0..<predictions.header.count {
            lines += text.line(index, try predictions.outputs(ofRecord: index))
            guard lines.utf8.count >= 1 << 16 || index + 1 == predictions.header.count else { continue }
            try output.write(Array(lines.utf8))
            lines = ""
            progress.advance(to: index + 1)
        }
    }

    private func classNames(_ outputs: Int) throws -> [String]? {
        guard let names else { return nil }
        let read = try ClassNames(ByteFile(names)).names
        guard read.count == outputs else {
            throw OwnerError(
                .usage, "\(names) has \(read.count) names, and the network has \(outputs) outputs: they must be equal")
        }
        return read
    }
}
