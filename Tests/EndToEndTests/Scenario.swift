import Foundation
import Testing
import _PliniusTestSupport

/// An owner, a host and a small network, ready to train: a key, sealed digits, a configuration, in a folder of their own.
struct Scenario {
    let folder: TemporaryDirectory
    var key: String { folder("owner.key") }
    var data: String { folder("train.sealed") }
    var testData: String { folder("test.sealed") }
    var config: String { folder("net.cfg") }
    var pool: String { folder("run.pool") }

    /// A network that trains in milliseconds and has every kind of state: batch statistics, momentum, dropout.
    static let smallNetwork = """
        [net]
        batch=16
        subdivisions=2
        height=28
        width=28
        channels=1
        learning_rate=0.05
        policy=poly
        power=4
        max_batches=40
        momentum=0.9
        decay=0.0005

        [convolutional]
        batch_normalize=1
        filters=8
        size=3
        stride=2
        pad=1
        activation=leaky

        [maxpool]
        size=2
        stride=2

        [dropout]
        probability=.3

        [convolutional]
        filters=10
        size=1
        stride=1
        activation=linear

        [avgpool]

        [softmax]
        """

    /// Makes a key and seals `count` synthetic digits, and half as many for testing.
    init(count: Int = 96, config: String = smallNetwork, in parent: String? = nil) throws {
        folder = try TemporaryDirectory(in: parent)
        try folder.write(config, to: "net.cfg")
        try owner("keygen", "--out", key)
        try owner(
            "seal", "--key", key, "--format", "synthetic-digits", "--count", "\(count)", "--seed", "1", "--out", data)
        try owner(
            "seal", "--key", key, "--format", "synthetic-digits", "--count", "\(count / 2)", "--seed", "2", "--out",
            testData)
    }

    /// Runs an owner's command that must succeed.
    @discardableResult func owner(_ arguments: String...) throws -> ProgramOutcome {
        let outcome = try Program.owner.run(arguments)
        try #require(outcome.succeeded, "plinius-owner \(arguments[0]): \(outcome.status) \(outcome.errors)")
        return outcome
    }

    /// The arguments of a training command; `more` comes last.
    func trainArguments(pool: String? = nil, seed: String? = "7", _ more: [String] = []) -> [String] {
        ["train", "--config", config, "--data", data, "--pool", pool ?? self.pool, "--insecure-local-key", key] + [
            "--threads", "1", "--json",
        ] + (seed.map { ["--seed", $0] } ?? []) + more
    }

    /// Trains to the end, or to wherever `more` leads.
    func train(pool: String? = nil, seed: String? = "7", _ more: String...) throws -> ProgramOutcome {
        try Program.plinius.run(trainArguments(pool: pool, seed: seed, more))
    }

    /// The weights that the owner reads from a pool, of its only run if none is named.
    func exportedWeights(pool: String? = nil, run: String? = nil) throws -> [UInt8] {
        let name = "weights-\(UUID().uuidString)"
        let arguments = [
            "export", "--key", key, "--pool", pool ?? self.pool, "--format", "weights", "--out", folder(name),
        ]
        let outcome = try Program.owner.run(arguments + (run.map { ["--run", $0] } ?? []))
        try #require(outcome.succeeded, "plinius-owner export: \(outcome.status) \(outcome.errors)")
        return try folder.read(name)
    }

    /// What a pool tells without a key, and its runs by name.
    func status(pool: String? = nil) throws -> (pool: [String: Any], runs: [String: [String: Any]]) {
        let outcome = try Program.plinius.run(["status", "--pool", pool ?? self.pool, "--json"])
        let status = try outcome.json
        let runs = try #require(status["runs"] as? [[String: Any]], "\(outcome)")
        return (status, Dictionary(uniqueKeysWithValues: runs.map { ($0["name"] as? String ?? "", $0) }))
    }
}

extension ProgramOutcome {
    /// The one JSON object on standard output.
    var json: [String: Any] {
        get throws {
            let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return try #require(object as? [String: Any], "standard output is not one JSON object: \(output)")
        }
    }
}
