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

@Suite("plinius-owner import")
struct ImportTests {
    static let config = """
        [net]
        batch=4
        height=28
        width=28
        channels=1
        max_batches=100

        [convolutional]
        batch_normalize=1
        filters=2
        size=3
        stride=4
        activation=leaky

        [connected]
        output=10
        activation=linear

        [softmax]
        """

    let folder: OwnerFolder
    let network: NetworkDescription
    /// The parameters of a stranger, in Darknet's order.
    let weights: [UInt8]

    init() throws {
        folder = try OwnerFolder()
        network = try NetworkDescription(parsing: Self.config, file: "test.cfg")
        try folder.write(Array(Self.config.utf8), to: "test.cfg", mode: 0o600)
        for (name, count) in [("data.sealed", "5"), ("more.sealed", "3")] {
            let outcome = try folder.run(
                "seal", "--key", "@key", "--format", "synthetic-digits", "--count", count, "--out", "@\(name)")
            #expect(outcome.succeeded, "\(outcome.errors)")
        }
        // Version 0.2, and nine images seen.
        var file: [UInt8] = [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]
        for index in 0..<network.layout.parameterCount {
            let bits = (Float(index) / 8).bitPattern
            for shift: UInt32 in [0, 8, 16, 24] { file.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        weights = file
        try folder.write(weights, to: "model.weights", mode: 0o600)
    }

    static let standard = [
        "import", "--weights", "@model.weights", "--config", "@test.cfg", "--key", "@key", "--data", "@data.sealed",
        "--pool",
        "@run.pool", "--threads", "2",
    ]

    /// The standard command with options replaced, or added if they were not there.
    static func command(_ changes: [String: String?]) -> [String] {
        var command = standard
        for (option, value) in changes.sorted(by: { $0.key < $1.key }) {
            if let place = command.firstIndex(of: option) { command.removeSubrange(place...place + 1) }
            if let value { command += [option, value] }
        }
        return command
    }

    func succeed(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
        let outcome = try Program.owner.run(
            arguments.map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 }, timeout: .seconds(120))
        #expect(outcome.succeeded && outcome.output == "", "\(outcome.errors)", sourceLocation: sourceLocation)
    }

    func export(_ format: String, to name: String, run: String = "default") throws -> [UInt8] {
        try succeed(
            ["export", "--key", "@key", "--pool", "@run.pool", "--run", run, "--format", format, "--out", "@\(name)"])
        return try folder.folder.read(name)
    }

    /// The run as the enclave will find it.
    func recovered(_ run: String = "default") throws -> (Mirror, ParameterArena, Recovery) {
        let descriptor = open(folder("run.pool"), O_RDONLY)
        defer { close(descriptor) }
        let mirror = try Mirror.open(
            on: Pool.open(descriptor: descriptor, access: .readOnly).run(run).extent, keys: folder.keys)
        let arena = ParameterArena(layout: network.layout)
        return (mirror, arena, try mirror.mirrorIn(to: arena.memory))
    }

    @Test("A run begins with the file's parameters, no velocity, and the identity that the enclave asks for")
    func begins() throws {
        try succeed(Self.command(["--seed": "41", "--executor": "reference", "--cipher": "aes-128-gcm"]))
        let (mirror, arena, recovery) = try recovered()
        #expect(recovery.progress == Progress(iteration: 0, loss: 0, averageLoss: 0))
        #expect(recovery.verdict == .resumed)
        #expect(mirror.description == Array(Self.config.utf8))
        let identity = mirror.identity
        #expect(identity.name.description == "default" && identity.seed == 41 && identity.cipher == .aes128GCM)
        #expect(identity.executor == 2 && identity.threads == 2 && identity.sampling == network.options.sampling.number)
        #expect(identity.configDigest == sha256(network.canonicalBytes))
        #expect(identity.layoutDigest == sha256(network.layoutBytes))
        #expect(try folder.withDataset("data.sealed") { $0.header.id } == identity.datasetID)
        for tensor in network.layout.tensors where !tensor.role.isExported {
            #expect(arena.floats(of: tensor).allSatisfy { $0 == 0 }, "\(tensor)")
        }
        #expect(folder.mode(of: "run.pool") == 0o600)
        // All but the count of images, which begins again.
        #expect(try export("weights", to: "again").dropFirst(20) == weights.dropFirst(20))
        #expect(try folder.folder.read("again")[12..<20].allSatisfy { $0 == 0 })
    }

    @Test("What goes out comes in, and goes out again as the same bytes", arguments: ["weights", "safetensors"])
    func roundTrip(format: String) throws {
        try succeed(Self.standard)
        let first = try export(format, to: "first")
        var changes: [String: String?] = ["--weights": nil, "--run": "second", "--pool": "@two.pool"]
        changes["--\(format)"] = "@first"
        try succeed(Self.command(changes))
        try succeed(
            ["export", "--key", "@key", "--pool", "@two.pool", "--format", format, "--out", "@second"])
        #expect(try folder.folder.read("second") == first)
    }

    @Test("Behind the cutoff the seed decides, as for any run")
    func cutoff() throws {
        try succeed(Self.command(["--cutoff": "1", "--seed": "6"]))
        let arena = try recovered().1
        let other = ParameterArena(layout: network.layout)
        other.initialize(network, seed: 6)
        for tensor in network.layout.tensors where tensor.role.isExported {
            let isEqual = Array(arena.floats(of: tensor)) == Array(other.floats(of: tensor))
            #expect(isEqual == (tensor.layer == 1), "\(tensor)")
        }
    }

    @Test("A pool takes further runs while it has room; a name that it has is left alone")
    func pools() throws {
        let runBytes = Mirror.byteCount(
            arenaBytes: network.layout.byteCount, descriptionBytes: Self.config.utf8.count)
        let descriptor = open(folder("run.pool"), O_RDWR | O_CREAT | O_EXCL, 0o600)
        _ = try Pool.create(descriptor: descriptor, byteCount: Pool.byteCount(extentBytes: 2 * runBytes))
        close(descriptor)
        try succeed(Self.command(["--run": "a"]))
        try succeed(
            Self.command(["--run": "b", "--data": nil]) + ["--data", "@more.sealed", "--data", "@data.sealed"])
        let ids = try ["more.sealed", "data.sealed"].map { try folder.withDataset($0) { $0.header.id } }
        #expect(try recovered("b").0.identity.datasetID == DatasetUnion.id(of: ids))
        try refuse(2, ["holds a run a already", "--run"], ["--run": "a"])
        // Looking for room leaves traces in the pool's log, and no run.
        let full = try Program.owner.run(
            Self.command(["--run": "c"]).map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 })
        #expect(full.status == .exited(1) && full.errors.contains("no room"), "\(full.errors)")
        #expect(full.errors.contains("It holds: a, b."), "\(full.errors)")
        _ = try (recovered("a"), recovered("b"))
        let holder = open(folder("run.pool"), O_RDONLY)
        defer { close(holder) }
        #expect(flock(holder, LOCK_SH) == 0)
        try refuse(1, ["is locked"], ["--run": "d"])
    }

    func refuse(
        _ code: CInt, _ words: [String], _ changes: [String: String?], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try folder.expectRefusal(code, words, Self.command(changes), sourceLocation: sourceLocation)
    }

    @Test("What does not fit is refused, and leaves nothing behind")
    func refusals() throws {
        try folder.write(Array(weights.dropLast(4)), to: "short", mode: 0o600)
        try folder.write(weights + [0, 0, 0, 0], to: "long", mode: 0o600)
        try folder.write([0xFF], to: "binary.cfg", mode: 0o600)
        try folder.write(Array("[net]\n".utf8), to: "bad.cfg", mode: 0o600)
        try folder.write(
            Array(Self.config.replacingOccurrences(of: "height=28", with: "height=14").utf8), to: "low.cfg", mode: 0o600
        )
        try refuse(2, ["short", "layer 1 (line 15"], ["--weights": "@short"])
        try refuse(2, ["long", "the file goes on"], ["--weights": "@long"])
        try refuse(2, ["model.weights", "safetensors?"], ["--weights": nil, "--safetensors": "@model.weights"])
        try refuse(2, ["--weights FILE or --safetensors FILE"], ["--weights": nil])
        try refuse(2, ["--weights FILE or --safetensors FILE"], ["--safetensors": "@model.weights"])
        try refuse(2, ["No such file"], ["--weights": "@missing"])
        try refuse(2, ["cannot be read"], ["--weights": "@"])
        try refuse(2, ["expected 1 to 3"], ["--cutoff": "0"])
        try refuse(2, ["expected 1 to 3"], ["--cutoff": "4"])
        try refuse(2, ["not UTF-8"], ["--config": "@binary.cfg"])
        try refuse(3, ["bad.cfg"], ["--config": "@bad.cfg"])
        try refuse(2, ["data.sealed are 1x28x28", "expects 1x14x28"], ["--config": "@low.cfg"])
        try refuse(2, ["No such file"], ["--data": "@missing"])
        try refuse(3, ["no sealed data set"], ["--data": "@model.weights"])
        try refuse(2, ["is no name for a run"], ["--run": "../x"])
        try refuse(2, ["no cipher \"none\""], ["--cipher": "none"])
        try refuse(2, ["no executor \"gpu\"", "onednn, reference"], ["--executor": "gpu"])
        try refuse(2, ["--threads is 0"], ["--threads": "0"])
        try refuse(2, ["key"], ["--key": "@missing"])
        try refuse(3, ["no pool"], ["--pool": "@model.weights"])
        try folder.expectRefusal(
            2, ["the same data set as"], Self.standard + ["--data", "@data.sealed"])
    }
}
