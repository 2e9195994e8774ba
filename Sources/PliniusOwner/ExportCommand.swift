import ArgumentParser
import PliniusMirror
import PliniusModels
import PliniusSealing

/// Writes the model of a pool to a file that others can read.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Opens the newest model of a run and writes it in a common format, unsealed.")

    enum Format: String, ExpressibleByArgument, CaseIterable { case weights, safetensors, onnx }

    @Option(help: "The key that the run began with.") var key: String

    @Option(help: "The pool of the run.") var pool: String

    @Option(name: .customLong("run"), help: "The name of the run; the only one of the pool if there is none.")
    var runName: String?

    @Option(
        help:
            "weights: Darknet's format. safetensors: named tensors with shapes. onnx: the network, too, to predict with."
    ) var format: Format

    @Option(help: "The file to write; an existing one is never overwritten.") var out: String

    func run() throws {
        try reporting {
            let file = try OpenFile.open(pool, as: "pool")
            let trained = try TrainedModel(pool: file.descriptor, run: runName, keys: KeyHierarchy(keyFile: key))
            let bytes =
                switch format {
                case .weights: try DarknetWeights.encoded(trained.model)
                case .safetensors: try Safetensors.encoded(trained.model)
                case .onnx: try ONNX.encoded(trained.model)
                }
            let output = try AtomicFile.create(out)
            try output.write(bytes)
            try output.publish()
            printError(
                "wrote \(bytes.count) bytes to \(out): run \(trained.run), iteration \(trained.model.iteration), not sealed"
            )
        }
    }
}
