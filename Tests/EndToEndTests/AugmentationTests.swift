import Foundation
import Testing
import _PliniusTestSupport

/// Augmentation from the configuration to the weights: bits that nothing but the run decides, and images of other sizes.
@Suite struct AugmentationTests {
    /// The small network, for images of another size, with keys.
    private static func network(_ keys: String, side: Int = 28, channels: Int = 1) -> String {
        Scenario.smallNetwork
            .replacingOccurrences(
                of: "height=28\nwidth=28\nchannels=1", with: "height=\(side)\nwidth=\(side)\nchannels=\(channels)"
            )
            .replacingOccurrences(of: "[net]", with: "[net]\n\(keys)")
            .replacingOccurrences(of: "max_batches=40", with: "max_batches=12")
    }

    /// A scenario with other data, sealed as `arguments` say.
    private func scenario(_ network: String, sealing arguments: [String] = []) throws -> Scenario {
        let scenario = try Scenario(config: network)
        if arguments.isEmpty { return scenario }
        let outcome = try Program.owner.run(
            ["seal", "--key", scenario.key, "--out", scenario.data, "--force", "--format"] + arguments)
        try #require(outcome.succeeded, "\(outcome.errors)")
        return scenario
    }

    private static let pages =
        "[net]\nbatch=8\nsubdivisions=2\npolicy=constant\nmomentum=0.9\nlearning_rate=0.0001\nmax_batches=8\n"
    private static let layers = "[convolutional]\nfilters=4\nsize=3\nstride=8\npad=1\nactivation=leaky\n"

    /// Each kind of truth that moves with its image.
    static let networks: [(name: String, text: String, data: [String])] = [
        (
            "labels", network("angle=15\naspect=.8\nmin_crop=18\nmax_crop=30\nflip=1", side: 20), []
        ),
        (
            "labels that are drawn twice", network("sampling=twice\nflip=1"), []
        ),
        (
            "boxes",
            pages + "height=48\nwidth=56\nchannels=1\nflip=1\n" + layers
                + "[convolutional]\nfilters=30\nsize=1\nactivation=linear\n[yolo]\nanchors=20,24, 28,28\nnum=2\nclasses=10\njitter=.3",
            ["synthetic-boxes", "--count", "24"]
        ),
        (
            "cells",
            pages + "height=64\nwidth=64\nchannels=1\nflip=1\n" + layers
                + "[convolutional]\nfilters=15\nsize=1\nactivation=linear\n[detection]\nside=8\nnum=1\nclasses=10\njitter=.2",
            ["synthetic-boxes", "--count", "24"]
        ),
        (
            "masks",
            pages + "height=40\nwidth=32\nchannels=1\nangle=5\nmin_crop=32\nmax_crop=64\nflip=1\n"
                + "[convolutional]\nfilters=10\nsize=3\nstride=2\npad=1\nactivation=linear\n[logistic]",
            ["synthetic-masks", "--count", "24"]
        ),
        (
            "instances",
            pages + "height=32\nwidth=32\nchannels=1\nletter_box=1\nflip=1\n"
                + "[convolutional]\nfilters=14\nsize=3\nstride=1\npad=1\nactivation=linear\n[iseg]\nclasses=10\nids=4",
            ["synthetic-masks", "--count", "24"]
        ),
    ]

    @Test(.timeLimit(.minutes(30)), arguments: networks.map(\.name))
    func theBitsDoNotDependOnDataWorkersOrKills(name: String) throws {
        let network = try #require(Self.networks.first { $0.name == name })
        let scenario = try scenario(network.text, sealing: network.data)
        func train(_ pool: String, _ more: String...) throws -> ProgramOutcome {
            try Program.plinius.run(scenario.trainArguments(pool: scenario.folder(pool), more))
        }
        let first = try train("one.pool")
        #expect(first.succeeded, "\(first)")
        let expected = try scenario.exportedWeights(pool: scenario.folder("one.pool"))
        for workers in ["2", "5"] {
            let outcome = try train("\(workers).pool", "--data-workers", workers)
            #expect(outcome.succeeded, "\(outcome)")
            #expect(try scenario.exportedWeights(pool: scenario.folder("\(workers).pool")) == expected)
        }
        // Killed and resumed, with another number of workers each time.
        for (point, workers) in [("insideChunks:2", "3"), ("afterFence:1", "1"), ("afterTags:0", "7")] {
            let killed = try train("killed.pool", "--crash-at", point, "--data-workers", workers)
            #expect(killed.errors.contains("SIGKILL"), "\(killed)")
        }
        let resumed = try train("killed.pool", "--data-workers", "2")
        #expect(resumed.succeeded, "\(resumed)")
        #expect(try resumed.json["resumedFrom"] as? Int ?? 0 > 0)
        #expect(try scenario.exportedWeights(pool: scenario.folder("killed.pool")) == expected)
        // Without chance another network is learned, so it was there.
        let plain = network.text.replacingOccurrences(of: "flip=1", with: "flip=0")
        try scenario.folder.write(plain, to: "net.cfg")
        let other = try train("plain.pool")
        #expect(other.succeeded, "\(other)")
        #expect(try scenario.exportedWeights(pool: scenario.folder("plain.pool")) != expected)
        // It is another configuration, and so another run.
        #expect(try train("one.pool").status == .exited(3))
    }

    @Test(arguments: ["min_crop=20\nmax_crop=24", "center=1", "letter_box=1"])
    func imagesOfAnotherSizeAreFittedToTrainTestAndPredict(keys: String) throws {
        let scenario = try scenario(Self.network(keys, side: 20))
        let trained = try scenario.train("--test-data", scenario.testData)
        #expect(trained.succeeded, "\(trained)")
        let accuracy = try trained.json["testAccuracy"] as? Double
        func use(_ command: String, _ more: String...) throws -> ProgramOutcome {
            try Program.plinius.run(
                [
                    command, "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
                    "--insecure-local-key", scenario.key, "--json",
                ] + more)
        }
        for _ in 0..<2 {
            let outcome = try use("test")
            #expect(outcome.succeeded, "\(outcome)")
            #expect(try outcome.json["accuracy"] as? Double == accuracy)
        }
        let outcome = try use("predict", "--out", scenario.folder("results"))
        #expect(outcome.succeeded, "\(outcome)")
    }

    @Test func strictRunsChangeImagesUnaskedAndInTrainingAlone() throws {
        // Nothing is learned, so losses tell of the images alone.
        let net = "[net]\nbatch=8\nchannels=1\nlearning_rate=0\nsampling=with-replacement\nmax_batches=2\n"
        let digits =
            "height=28\nwidth=28\n[convolutional]\nfilters=10\nsize=5\nstride=4\nactivation=leaky\n[avgpool]\n[softmax]\n"
        let boxes =
            "height=64\nwidth=64\n[convolutional]\nfilters=30\nsize=8\nstride=8\nactivation=linear\n"
            + "[region]\nanchors=2.5,3, 3.5,3.5\nnum=2\nclasses=10\n"
        for (layers, darknet, none, head, sealing) in [
            (digits, "min_crop=28\nmax_crop=56\nflip=1\n", "flip=0\nmax_crop=0\n", "", []),
            (boxes, "flip=1\n", "flip=0\n", "jitter=0\n", ["synthetic-boxes", "--count", "24"]),
        ] {
            let scenario = try scenario(net + layers, sealing: sealing)
            /// The losses of training and of a test.
            func losses(_ text: String, _ more: String...) throws -> [Double] {
                try scenario.folder.write(text, to: "net.cfg")
                let pool = scenario.folder("\(UUID()).pool")
                let arguments = ["--config", scenario.config, "--data", scenario.data, "--pool", pool]
                return try ["train", "test"].map { command in
                    let outcome = try Program.plinius.run(
                        [command] + arguments + ["--insecure-local-key", scenario.key, "--threads", "1", "--json"]
                            + (command == "train" ? ["--seed", "7", "--executor", "reference"] : []) + more)
                    let figures = try #require(outcome.succeeded ? try outcome.json : nil, "\(outcome)")
                    return try #require(figures["loss"] as? Double ?? figures["score"] as? Double, "\(figures)")
                }
            }
            let asked = try losses(net + darknet + layers + (head.isEmpty ? "" : "jitter=.2\n"))
            let plain = try losses(net + layers)
            #expect(asked[0] != plain[0] && asked[1] == plain[1])
            #expect(try losses(net + layers, "--compat", "strict") == asked)
            #expect(try losses(net + none + layers + head, "--compat", "strict") == plain)
        }
    }

    @Test func whatCannotBeFittedIsRefusedByName() throws {
        func expectRefusal(
            _ network: String, sealing arguments: [String] = [], _ words: String...,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let scenario = try scenario(network, sealing: arguments)
            let outcome = try scenario.train()
            #expect(outcome.status == .exited(2), "\(outcome)", sourceLocation: sourceLocation)
            for word in words {
                #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: sourceLocation)
            }
            #expect(!FileManager.default.fileExists(atPath: scenario.pool), sourceLocation: sourceLocation)
        }
        try expectRefusal(Self.network("angle=5\nflip=1", side: 20), "1x28x28", "1x20x20", "letter_box=1", "min_crop")
        try expectRefusal(Self.network("letter_box=1", side: 28, channels: 3), "1x28x28", "3x28x28", "if only height")
        let text =
            "[net]\nbatch=4\nheight=8\nwidth=16\nchannels=1\nflip=1\nmax_batches=2\n[connected]\noutput=128\n[softmax]"
        try expectRefusal(
            text, sealing: ["synthetic-text", "--count", "20", "--window", "8"], "flip", "text", "take the keys out")
        try expectRefusal(
            text.replacing("flip=1", with: "compat=strict"),
            sealing: ["synthetic-text", "--count", "20", "--window", "8"], "min_crop, max_crop, flip",
            "flip=0 and max_crop=0")
        let folder = try TemporaryDirectory()
        try folder.write("1,2\n3,4\n5,6\n7,8", to: "table")
        let table = ["regression", "--features", folder("table"), "--targets", folder("table")]
        let numbers =
            "[net]\nbatch=4\nheight=2\nwidth=2\nchannels=1\ncenter=1\nmax_batches=2\n[connected]\noutput=2\n[cost]"
        try expectRefusal(numbers, sealing: table, "center", "1x1x2", "regression")
    }

    @Test func dataWorkersAreBounded() throws {
        let scenario = try Scenario(count: 4)
        for workers in ["0", "65", "4294967295"] {
            let outcome = try scenario.train("--data-workers", workers)
            #expect(outcome.status == .exited(2), "\(outcome)")
            #expect(outcome.errors.contains("--data-workers is \(workers): expected 1 to 64"), "\(outcome.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: scenario.pool))
    }
}
