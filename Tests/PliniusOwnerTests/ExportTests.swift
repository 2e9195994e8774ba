import Foundation
import Glibc
import PliniusMirror
import PliniusNN
import PliniusPersistence
import PliniusRuns
import PliniusSealing
import Testing
import _PliniusSupport
import _PliniusTestSupport

@Suite("plinius-owner export")
struct ExportTests {
    static let config = """
        [net]
        batch=4
        height=6
        width=6
        channels=1
        learning_rate=0.1
        max_batches=100

        [convolutional]
        batch_normalize=1
        filters=2
        size=3
        pad=1
        activation=leaky

        [maxpool]
        size=2
        stride=2

        [connected]
        output=10
        activation=linear

        [softmax]
        """

    let folder: OwnerFolder
    let network: NetworkDescription
    let arena: ParameterArena

    init() throws {
        folder = try OwnerFolder()
        network = try NetworkDescription(parsing: Self.config, file: "test.cfg")
        arena = ParameterArena(layout: network.layout)
        // Every float of the arena, padding and momentum too, has a value of its own.
        for index in 0..<network.layout.floatCount { arena.memory.floats[index] = Float(index) + 0.5 }
        try makePool("run.pool", iteration: 37)
    }

    func makePool(
        _ name: String, iteration: UInt64, config: String = Self.config, runs: [String] = ["default"]
    ) throws {
        let descriptor = open(folder(name), O_RDWR | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        let description = Array(config.utf8)
        let runBytes = Mirror.byteCount(arenaBytes: network.layout.byteCount, descriptionBytes: description.count)
        let pool = try Pool.create(
            descriptor: descriptor, byteCount: Pool.byteCount(extentBytes: runs.count * runBytes))
        for (index, run) in runs.enumerated() {
            let identity = RunIdentity(
                name: try RunName(run), runID: randomBytes(16), configDigest: sha256(network.canonicalBytes),
                layoutDigest: sha256(network.layoutBytes),
                datasetID: randomBytes(16), seed: 1, cipher: .aes256GCM, sampling: 0, executor: 1, threads: 1)
            let place = try pool.placeForRun(run, byteCount: runBytes)
            let mirror = try Mirror.create(
                on: place, identity: identity, keys: folder.keys,
                arena: PrivateMemory(byteCount: network.layout.byteCount),
                progress: Progress(iteration: 0, loss: 0, averageLoss: 0), description: description)
            try pool.publishRun(run, in: place)
            let progress = Progress(iteration: iteration + UInt64(index), loss: 1, averageLoss: 1)
            try mirror.mirrorOut(arena.memory, progress: progress)
        }
    }

    func floats(_ layer: Int, _ role: TensorRole) throws -> [Float] {
        let tensor = try #require(network.layout.tensor(layer: layer, role: role))
        return (0..<tensor.count).map { Float(tensor.offset + $0) + 0.5 }
    }

    func export(_ format: String, to name: String) throws -> [UInt8] {
        let outcome = try folder.run(
            "export", "--key", "@key", "--pool", "@run.pool", "--format", format, "--out", "@\(name)")
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(outcome.output == "")
        return try folder.folder.read(name)
    }

    @Test("Darknet's format: version 0.2, images seen, then each layer's arrays in its order")
    func weights() throws {
        let before = try folder.folder.read("run.pool")
        let file = try export("weights", to: "model.weights")
        var expected: [UInt8] = [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 148, 0, 0, 0, 0, 0, 0, 0]
        var parameters: [Float] = []
        for role in [TensorRole.biases, .scales, .rollingMean, .rollingVariance, .weights] {
            parameters += try floats(0, role)
        }
        parameters += try floats(2, .biases) + floats(2, .weights)
        for value in parameters {
            expected += (0..<4).map { UInt8(value.bitPattern >> (8 * $0) & 255) }
        }
        #expect(parameters.count == 4 * 2 + 18 + 10 + 180)
        #expect(file == expected)
        #expect(try folder.folder.read("run.pool") == before, "exporting changed the pool")
        #expect(folder.mode(of: "model.weights") == 0o600)
    }

    @Test("safetensors: a JSON header that names every tensor, no gap, no overlap, no momentum")
    func safetensors() throws {
        let file = try export("safetensors", to: "model.safetensors")
        let length = file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try #require(
            JSONSerialization.jsonObject(with: Data(file[8..<8 + length])) as? [String: [String: Any]])
        let data = Array(file[(8 + length)...])
        #expect(length % 8 == 0)
        #expect(header["__metadata__"]?["iteration"] as? String == "37")
        let expected: [(String, Int, TensorRole, [Int])] = [
            ("layers.0.biases", 0, .biases, [2]), ("layers.0.scales", 0, .scales, [2]),
            ("layers.0.rolling_mean", 0, .rollingMean, [2]), ("layers.0.rolling_variance", 0, .rollingVariance, [2]),
            ("layers.0.weights", 0, .weights, [2, 1, 3, 3]), ("layers.2.biases", 2, .biases, [10]),
            ("layers.2.weights", 2, .weights, [10, 18]),
        ]
        #expect(Set(header.keys) == Set(expected.map(\.0) + ["__metadata__"]))
        var covered: [Range<Int>] = []
        for (name, layer, role, shape) in expected {
            let entry = try #require(header[name])
            #expect(entry["dtype"] as? String == "F32")
            #expect(entry["shape"] as? [Int] == shape)
            let offsets = try #require(entry["data_offsets"] as? [Int])
            let values = stride(from: offsets[0], to: offsets[1], by: 4).map { start in
                Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(data[start + $1]) << (8 * UInt32($1)) })
            }
            #expect(try values == floats(layer, role), "\(name)")
            covered.append(offsets[0]..<offsets[1])
        }
        covered.sort { $0.lowerBound < $1.lowerBound }
        #expect(covered.first?.lowerBound == 0 && covered.last?.upperBound == data.count)
        #expect(zip(covered, covered.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    }

    @Test("The same model gives the same bytes, twice and from another pool", arguments: ["weights", "safetensors"])
    func reproducible(format: String) throws {
        let first = try export(format, to: "first")
        try makePool("run.pool", iteration: 37)
        #expect(try export(format, to: "second") == first)
    }

    @Test("A pool whose network this program lays out differently is not taken for a model")
    func otherLayout() throws {
        try makePool(
            "run.pool", iteration: 1, config: Self.config.replacingOccurrences(of: "output=10", with: "output=100"))
        try folder.expectRefusal(
            1, ["arena", "export with"], "export", "--key", "@key", "--pool", "@run.pool", "--format", "weights",
            "--out",
            "@model")
    }

    @Test("An existing file is never overwritten")
    func neverOverwrites() throws {
        try folder.write([1], to: "model", mode: 0o600)
        try folder.expectRefusal(
            2, ["model", "already"], "export", "--key", "@key", "--pool", "@run.pool", "--format", "weights", "--out",
            "@model")
    }

    @Test("Another key, a damaged, cut or foreign pool are refused with exit code 3, and a missing one with 2")
    func refusals() throws {
        func refuse(_ code: CInt, _ words: String..., key: String = "@key", pool: String = "@run.pool") throws {
            try folder.expectRefusal(
                code, words, "export", "--key", key, "--pool", pool, "--format", "weights", "--out", "@model")
        }
        let whole = try folder.folder.read("run.pool")
        try folder.write(randomBytes(32), to: "other", mode: 0o600)
        try refuse(3, "another owner key", key: "@other")
        try refuse(2, "No such file", pool: "@missing")
        try folder.write(Array(whole.dropLast(5_000)), to: "run.pool", mode: 0o600)
        try refuse(3, "cut off")
        var damaged = whole
        // The last page is the end of slot B, which holds the newest mirror.
        damaged[whole.count - 4_096] ^= 1
        try folder.write(damaged, to: "run.pool", mode: 0o600)
        try refuse(3, "changed")
        try folder.write(Array(repeating: 7, count: whole.count), to: "run.pool", mode: 0o600)
        try refuse(3, "does not begin as a pool")
    }

    @Test("Of several runs one is named; a name that is not there tells those that are; a swap of names is refused")
    func runs() throws {
        try makePool("run.pool", iteration: 5, runs: ["one", "two"])
        func iteration(_ run: String) throws -> UInt8 {
            let outcome = try folder.run(
                "export", "--key", "@key", "--pool", "@run.pool", "--run", run, "--format", "weights", "--out",
                "@\(run)")
            #expect(outcome.succeeded && outcome.errors.contains("run \(run), iteration"), "\(outcome.errors)")
            // Darknet's count of images: batches of four.
            return try folder.folder.read(run)[12] / 4
        }
        #expect(try iteration("one") == 5 && iteration("two") == 6)
        func refuse(_ code: CInt, _ words: [String], _ more: [String]) throws {
            try folder.expectRefusal(
                code, words,
                ["export", "--key", "@key", "--pool", "@run.pool", "--format", "weights", "--out", "@model"] + more)
        }
        try refuse(2, ["It holds: one, two.", "--run"], [])
        try refuse(2, ["no run three", "It holds: one, two."], ["--run", "three"])
        try refuse(2, ["no run ../one"], ["--run", "../one"])

        let descriptor = open(folder("run.pool"), O_RDWR)
        defer { close(descriptor) }
        try Pool.open(descriptor: descriptor).transaction { tx throws(PersistenceError) in
            guard let one = try tx.extentRoot("run/one"), let two = try tx.extentRoot("run/two") else { return }
            try tx.setRoot("run/one", two)
            try tx.setRoot("run/two", one)
        }
        try refuse(3, ["Under the name one the pool holds the run two"], ["--run", "one"])
    }
}
