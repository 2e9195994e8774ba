import ArgumentParser
import Foundation
import PliniusMirror
import PliniusModels
import PliniusNN
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// Begins a run with a model of another program.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Seals a model of another program into a new run, from which plinius train goes on.",
        discussion: """
            plinius-owner import --weights F --config CFG --key K --data F.sealed --pool P
            plinius-owner import --safetensors F --config CFG --key K --data F.sealed --pool P --cutoff 12

            The run begins like any other, at iteration 0 and without velocity. What the file does not hold comes of the seed. \
            Take the pool to the training host; plinius train with the same configuration, data sets and name goes on there.
            """)

    @Option(help: "A model in Darknet's format.") var weights: String?

    @Option(help: "A model as named tensors with shapes; the names are those that export gives.") var safetensors:
        String?

    @Option(help: "The network, as a Darknet configuration; the file has to fit it.") var config: String

    @Option(help: "fixed or strict: whether faults of Darknet are repaired, or reproduced for comparison.")
    var compat: String?

    @Option(help: "The key of the run.") var key: String

    @Option(
        help:
            "The sealed data set that the run will learn from; given again, further ones, in the order of plinius train."
    )
    var data: [String]

    @Option(help: "The pool to begin the run in; it is made if it is not there.") var pool: String

    @Option(name: .customLong("run"), help: "The name of the new run.") var runName = "default"

    @Option(help: "Take only layers with a smaller index from the file.") var cutoff: Int?

    @Option(help: "The seed of the run, random if there is none.") var seed: UInt64?

    @Option(help: "aes-256-gcm or aes-128-gcm.") var cipher = "aes-256-gcm"

    @Option(help: "What computes: onednn or reference.") var executor = ExecutorKind.oneDNN.name

    @Option(help: "Threads that will compute; as many as this machine has processors.") var threads: UInt32?

    func run() throws {
        try reporting {
            let text = try ConfigText.read(config, compat: compat)
            let network = try NetworkDescription(parsing: text, file: config)
            for warning in network.warnings { printError("warning: \(warning)") }
            let identity = try identity(of: network)
            let arena = ParameterArena(layout: network.layout)
            arena.initialize(network, seed: identity.seed)
            let file = try load(into: arena, of: network)
            let keys = try KeyHierarchy(keyFile: key)
            try NewRun(identity: identity, arena: arena, description: Array(text.utf8), keys: keys).begin(in: pool)
            let layers = cutoff.map { "layers 0 to \($0 - 1)" } ?? "all layers"
            printError(
                "sealed \(layers) of \(file) into the run \(runName) of \(pool): seed \(identity.seed), \(identity.threads) threads. "
                    + "plinius train --config \(config) --pool \(pool) --run \(runName) goes on with it")
        }
    }

    // MARK: What is read

    /// Reads the model's file.
    /// - Returns: Its name.
    private func load(into arena: ParameterArena, of network: NetworkDescription) throws -> String {
        if let cutoff {
            guard 1...network.layers.count ~= cutoff else {
                throw OwnerError(
                    .usage,
                    "--cutoff is \(cutoff): expected 1 to \(network.layers.count), the number of layers of \(config)")
            }
        }
        switch (weights, safetensors) {
        case (let file?, nil):
            // One byte more shows that there are more; behind a cutoff there may be any number.
            let bytes = try FileBytes.prefix(
                file, as: "model", byteCount: DarknetWeights.maximumByteCount(for: network) + 1)
            _ = try DarknetWeights.read(bytes, named: file, into: arena, of: network, cutoff: cutoff)
            return file
        case (nil, let file?):
            let limit = cutoff == nil ? Safetensors.maximumByteCount(for: network) : Safetensors.maximumByteCount
            let bytes = try FileBytes.read(file, as: "model", atMost: limit)
            try Safetensors.read(bytes, named: file, into: arena, of: network, cutoff: cutoff)
            return file
        case (nil, nil), (_?, _?):
            throw OwnerError(.usage, "expected one model: --weights FILE or --safetensors FILE")
        }
    }

    // MARK: What the run is

    private func identity(of network: NetworkDescription) throws -> RunIdentity {
        guard let cipher = Cipher(name: cipher) else {
            let known = Cipher.allCases.map(\.description).joined(separator: ", ")
            throw OwnerError(.usage, "there is no cipher \"\(self.cipher)\"; there are: \(known)")
        }
        guard let executor = ExecutorKind.allCases.first(where: { $0.name == self.executor }) else {
            let known = ExecutorKind.allCases.map(\.name).joined(separator: ", ")
            throw OwnerError(.usage, "there is no executor \"\(self.executor)\"; there are: \(known)")
        }
        let threads = threads ?? UInt32(clamping: ProcessInfo.processInfo.activeProcessorCount)
        guard ExecutorKind.threadCounts ~= threads else {
            throw OwnerError(
                .usage,
                "--threads is \(threads): expected \(ExecutorKind.threadCounts.lowerBound) to \(ExecutorKind.threadCounts.upperBound)"
            )
        }
        return RunIdentity(
            name: try RunName(runName), runID: randomBytes(16), configDigest: sha256(network.canonicalBytes),
            layoutDigest: sha256(network.layoutBytes), datasetID: try datasetID(for: network),
            // Below 2^53, so that every reader of JSON gives the same number back.
            seed: seed ?? randomBytes(6).reduce(0) { $0 << 8 | UInt64($1) }, cipher: cipher,
            sampling: network.options.sampling.number, executor: executor.rawValue, threads: threads)
    }

    /// What the data sets say of themselves: they may be other owners', and the enclave proves it before it trains.
    private func datasetID(for network: NetworkDescription) throws -> [UInt8] {
        guard data.count <= DatasetUnion.maximumCount else {
            throw OwnerError(
                .usage, "there are \(data.count) data sets: a run learns from 1 to \(DatasetUnion.maximumCount)")
        }
        var headers: [PublicDatasetHeader] = []
        for name in data {
            let file = try OpenFile.open(name, as: "sealed data set")
            let header = try PublicDatasetHeader(parsing: SealedDataset.readHeader(file.descriptor))
            guard header.shape == network.input else {
                throw OwnerError(
                    .usage,
                    "the images of \(name) are \(header.shape), the [net] section of \(config) expects \(network.input) (channels x "
                        + "height x width): name the data that the run is for")
            }
            if let twin = headers.firstIndex(where: { $0.id == header.id }) {
                throw OwnerError(.usage, "\(name) is the same data set as \(data[twin]): give each of them once")
            }
            headers.append(header)
        }
        return DatasetUnion.id(of: headers.map(\.id))
    }
}
