import ArgumentParser
import PliniusDataSealing
import PliniusDatasets
import PliniusMirror
import PliniusNN
import PliniusSealing
import _PliniusSupport

/// Opens what a model predicted.
struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Opens the results of plinius predict, and writes what they say of each image.",
        discussion: """
            Every result is verified; if one is not as it was sealed, nothing is written. A line for each image, in their order: as JSON, or \
            as CSV with a line of titles before them.

            Without the network these are the most likely classes. With its configuration they are what it is for: boxes in parts of the \
            image (a line of CSV for each), the class of each pixel (-1 for none), or the numbers that it predicts.

            Characters that continue a text are written as such; where they are no UTF-8, in hexadecimal, too.
            """)

    @Argument(help: "The sealed results.") var file: String

    @Option(help: "The key of the run, or of what came out where a policy manager released the keys.") var key: String

    @Option(help: ArgumentHelp("The network that predicted, as a Darknet configuration.", valueName: "cfg"))
    var config: String?

    @Option(help: "What was predicted; what the network looks like if nothing is said.") var task: PredictionTask?

    @Option(help: "How probable a box has to be, from 0.005 to 1.") var threshold: Float = BoxJudge.sureScore

    @Flag(help: "One JSON object a line, or comma-separated values.") var format = PredictionFormat.json

    @Option(help: "How many classes of each image, the most likely first.") var top = 1

    @Option(help: "The names of the classes, one a line.") var names: String?

    @Option(help: "The file to write; an existing one is never overwritten.") var out: String

    func run() throws {
        try reporting {
            let open = try OpenFile.open(file, as: "file of results")
            let results = try SealedPredictions(descriptor: open.descriptor, keys: KeyHierarchy(keyFile: key))
            switch results.header.content {
            case .outputs:
                let text = try predictionText(results.header)
                try write(results.header, "predictions", titles: text.titles) {
                    text.line($0, try results.outputs(ofRecord: $0))
                }
            case .characters:
                guard top == 1, names == nil, config == nil else {
                    throw OwnerError(
                        .usage,
                        "--top, --names and --config are for what is predicted of images, and the results are characters"
                    )
                }
                let text = ContinuationText(format: format)
                try write(results.header, "texts", titles: text.titles) {
                    text.line($0, try results.characters(ofRecord: $0))
                }
            }
        }
    }

    /// How what was predicted of images is written.
    private func predictionText(_ header: PredictionsHeader) throws -> PredictionText {
        guard 1...header.outputs ~= top else {
            throw OwnerError(.usage, "--top is \(top): the network has \(header.outputs) outputs, give 1 to that")
        }
        guard BoxJudge.leastScore...1 ~= threshold else {
            throw OwnerError(.usage, "--threshold is \(threshold): give 0.005 to 1")
        }
        let network = try config.map { try NetworkDescription.of(results: header.configDigest, path: $0) }
        let form = try PredictionForm(task, network, outputs: header.outputs, top: top, threshold: threshold)
        return PredictionText(format: format, form: form, names: try classNames(form.classes))
    }

    /// Writes the lines of all results.
    private func write(
        _ header: PredictionsHeader, _ results: String, titles: String, line: (Int) throws -> String
    ) throws {
        let output = try AtomicFile.create(out)
        var progress = ProgressBar("opened", total: header.count)
        do {
            defer { progress.finish() }
            // Lines are gathered, so that the file is written in large pieces.
            var lines = titles
            for index in 0..<header.count {
                lines += try line(index)
                guard lines.utf8.count >= 1 << 16 || index + 1 == header.count else { continue }
                try output.write(Array(lines.utf8))
                lines = ""
                progress.advance(to: index + 1)
            }
        }
        try output.publish()
        printError(
            "wrote \(header.count) \(results) to \(out): by run \(header.runID.hex), iteration \(header.iteration), of the data set "
                + "\(header.datasetID.hex), not sealed")
    }

    private func classNames(_ classes: Int) throws -> [String]? {
        guard let names else { return nil }
        let read = try ClassNames(ByteFile(names)).names
        guard read.count == classes else {
            throw OwnerError(
                .usage,
                "\(names) has \(read.count) names, and the network has \(classes) outputs for classes: they must be equal"
            )
        }
        return read
    }
}
