import Foundation
import Testing
import _PliniusTestSupport

/// Training on data whose truth is not a label, from the owner's files to a loss that falls.
@Suite struct TruthTests {
    /// A scenario with other data, sealed as `arguments` say, and a network for them.
    private func scenario(_ network: String, sealing arguments: [String]) throws -> Scenario {
        let scenario = try Scenario(config: network)
        let outcome = try Program.owner.run(
            ["seal", "--key", scenario.key, "--out", scenario.data, "--force", "--format"] + arguments)
        try #require(outcome.succeeded, "\(outcome.errors)")
        return scenario
    }

    private func net(_ lines: String, _ layers: String) -> String {
        "[net]\nbatch=16\npolicy=constant\nmomentum=0.9\n\(lines)\n\(layers)\n"
    }

    /// Trains with each executor, and expects that the loss falls below a bound.
    private func expectLoss(
        below bound: Double, _ scenario: Scenario, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for executor in ["reference", "onednn"] {
            let outcome = try scenario.train(pool: scenario.folder("\(executor).pool"), "--executor", executor)
            #expect(outcome.succeeded, "\(outcome.errors)", sourceLocation: sourceLocation)
            let loss = try #require(try outcome.json["averageLoss"] as? Double)
            #expect(loss < bound, "\(executor): \(loss)", sourceLocation: sourceLocation)
        }
    }

    @Test func numbersArePredictedFromATable() throws {
        let folder = try TemporaryDirectory()
        let rows = (0..<64).map { ($0 * 37 % 256, $0 * 91 % 256) }
        let features = rows.map { "\($0.0),\($0.1)" }.joined(separator: "\n")
        let targets = rows.map { "\(Double($0.0 - $0.1) / 255),\(Double($0.0 + $0.1) / 510)" }.joined(separator: "\n")
        try folder.write(features, to: "features")
        try folder.write(targets, to: "targets")
        let sealing = ["regression", "--features", folder("features"), "--targets", folder("targets")]
        let network = net(
            "height=1\nwidth=2\nchannels=1\nlearning_rate=0.1\nmax_batches=200",
            "[connected]\noutput=2\nactivation=linear\n[cost]\ntype=sse")
        let scenario = try scenario(network, sealing: sealing)
        try expectLoss(below: 0.05, scenario)
        try scenario.folder.write(network.replacingOccurrences(of: "output=2", with: "output=3"), to: "net.cfg")
        try expectRefusal(scenario.trainArguments(), "regression of 2", "3 outputs")
        try scenario.folder.write(network, to: "net.cfg")
        let test = [
            "test", "--config", scenario.config, "--data", scenario.data, "--pool", scenario.folder("onednn.pool"),
            "--insecure-local-key", scenario.key,
        ]
        try expectRefusal(test + ["--task", "classify"], "--task is classify", "regression of 2", "expected regress")
        let tested = try Program.plinius.run(test + ["--json"]).json
        #expect(tested["task"] as? String == "regress" && tested["scoreName"] as? String == "-RMSE")
        #expect(try #require(tested["score"] as? Double) > -0.05)
    }

    @Test func masksAreLearnedPixelByPixel() throws {
        let network = net(
            "height=64\nwidth=64\nchannels=1\nlearning_rate=0.0001\nmax_batches=5",
            "[convolutional]\nfilters=10\nsize=3\nstride=1\npad=1\nactivation=linear\n[logistic]")
        let scenario = try scenario(network, sealing: ["synthetic-masks", "--count", "16"])
        let first = try scenario.train("--iterations", "1")
        let begin = try #require(try first.json["loss"] as? Double, "\(first.errors)")
        try expectLoss(below: begin, scenario)
    }

    @Test func charactersArePredictedFromTheOnesBefore() throws {
        let network = net(
            "inputs=128\nlearning_rate=0.5\nmax_batches=150", "[connected]\noutput=128\nactivation=linear\n[softmax]")
        let scenario = try scenario(
            network, sealing: ["synthetic-text", "--count", "200", "--window", "16"])
        // A guess costs ln 128 = 4.9.
        try expectLoss(below: 3.5, scenario)
        let outcome = try Program.plinius.run([
            "test", "--config", scenario.config, "--data", scenario.data, "--pool", scenario.folder("onednn.pool"),
            "--insecure-local-key", scenario.key, "--json",
        ])
        #expect(try outcome.json["count"] as? Int == 3_200, "\(outcome)")
        let accuracy = try #require(try outcome.json["accuracy"] as? Double)
        #expect(accuracy > 0.2)
    }

    @Test(
        "Boxes and masks reach the heads that learn from them, and no other",
        arguments: [
            ("yolo", "boxes", 30, "anchors=20,24, 28,28\nnum=2\nclasses=10"),
            ("region", "boxes", 30, "anchors=2.5,3, 3.5,3.5\nnum=2\nclasses=10"),
            ("detection", "boxes", 15, "side=8\nnum=1\ncoords=4\nclasses=10"),
            ("iseg", "masks", 14, "classes=10\nids=4"),
        ])
    func heads(layer: String, data: String, filters: Int, options: String) throws {
        // Detection predicts on a grid of 8 x 8 cells, masks have the image's size.
        let first = "[convolutional]\nfilters=4\nsize=3\nstride=\(layer == "iseg" ? 1 : 8)\npad=1\nactivation=leaky"
        let last = "[convolutional]\nfilters=\(filters)\nsize=1\nstride=1\nactivation=linear"
        let network = net(
            "height=64\nwidth=64\nchannels=1\nlearning_rate=0.0001\nmax_batches=3",
            "\(first)\n\(last)\n[\(layer)]\n\(options)")
        let scenario = try scenario(network, sealing: ["synthetic-\(data)", "--count", "16"])
        let outcome = try scenario.train()
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(try #require(try outcome.json["loss"] as? Double) > 0)
        let other = data == "boxes" ? "masks" : "boxes"
        try scenario.owner(
            "seal", "--key", scenario.key, "--format", "synthetic-\(other)", "--count", "16", "--out", scenario.data,
            "--force")
        let arguments = scenario.trainArguments(pool: scenario.folder("other.pool"))
        try expectRefusal(arguments, other == "boxes" ? "boxes of 4" : "mask of 64 x 64", "the network has")
    }

    private func expectRefusal(_ arguments: [String], _ words: String...) throws {
        let outcome = try Program.plinius.run(arguments)
        #expect(outcome.status == .exited(2), "\(outcome)")
        for word in words { #expect(outcome.errors.contains(word), "\(outcome.errors)") }
    }
}
