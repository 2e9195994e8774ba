import ArgumentParser
import PliniusModels
import PliniusNN

/// A format that models are read from and written in.
enum ModelFormat: String, ExpressibleByArgument, CaseIterable {
    case weights, safetensors

    /// Tells the format of a file by its beginning.
    ///
    /// A safetensors header is JSON and begins at byte 8, where Darknet's files have the revision of their version: `{` would be 123.
    init(of bytes: [UInt8]) {
        self = bytes.count > 8 && bytes[8] == UInt8(ascii: "{") ? .safetensors : .weights
    }

    /// The whole file.
    func encoded(_ model: Model) throws -> [UInt8] {
        switch self {
        case .weights: try DarknetWeights.encoded(model)
        case .safetensors: try Safetensors.encoded(model)
        }
    }
}

/// A model as a file holds it.
struct ModelFile {
    let model: Model
    let format: ModelFormat

    /// Reads a file, which has to fit its network.
    /// - Parameters:
    ///   - cutoff: Only layers with a smaller index are read, and the file may end there or go on; `nil` for all.
    ///   - unchecked: Whether to take values that no training can begin from.
    /// - Throws: `OwnerError` or `ModelError` with the file's name.
    init(_ path: String, of network: NetworkDescription, cutoff: Int? = nil, unchecked: Bool = false) throws {
        let limit = cutoff == nil ? Safetensors.maximumByteCount(for: network) : Safetensors.maximumByteCount
        let bytes = try FileBytes.read(path, as: "model", atMost: limit)
        let arena = ParameterArena(layout: network.layout)
        format = ModelFormat(of: bytes)
        var imagesSeen: UInt64 = 0
        switch format {
        case .weights:
            imagesSeen = try DarknetWeights.read(
                bytes, named: path, into: arena, of: network, cutoff: cutoff, unchecked: unchecked)
        case .safetensors:
            try Safetensors.read(
                bytes, named: path, into: arena, of: network, cutoff: cutoff, unchecked: unchecked)
        }
        model = Model(network: network, arena: arena, iteration: 0, imagesSeen: imagesSeen)
    }
}

/// The configuration that a model is of.
struct ModelConfig: ParsableArguments {
    @Option(name: .customLong("config"), help: "The network, as a Darknet configuration; the model has to fit it.")
    var path: String

    @Option(help: "fixed or strict: whether faults of Darknet are repaired, or reproduced for comparison.")
    var compat: String?

    /// Reads the configuration.
    /// - Throws: `OwnerError` or `ConfigError` with the file's name.
    func read() throws -> (text: String, network: NetworkDescription) {
        let text = try ConfigText.read(path, compat: compat)
        return (text, try NetworkDescription(parsing: text, file: path))
    }
}

/// Where a model is written to, and how.
struct ModelOutput: ParsableArguments {
    @Option(help: "The file to write; an existing one is never overwritten.") var out: String

    @Option(help: "weights or safetensors; that of the model that is read if there is none.") var format: ModelFormat?

    /// Writes a model, and perhaps its configuration beside it; none of them if one name is taken.
    /// - Parameters:
    ///   - source: The format if none was asked for.
    ///   - config: Path and text of the configuration.
    /// - Returns: The number of bytes of the model.
    /// - Throws: `OwnerError` or `ModelError`.
    func write(_ model: Model, like source: ModelFormat, config: (path: String, text: String)? = nil) throws -> Int {
        guard config?.path != out else {
            throw OwnerError(.usage, "--out and --config-out are both \(out): give each a name of its own")
        }
        let bytes = try (format ?? source).encoded(model)
        let file = try AtomicFile.create(out)
        try file.write(bytes)
        if let config {
            let configFile = try AtomicFile.create(config.path)
            try configFile.write(Array(config.text.utf8))
            try configFile.publish()
        }
        // Last, so that a model never lies there without the configuration that it needs.
        try file.publish()
        return bytes.count
    }
}
