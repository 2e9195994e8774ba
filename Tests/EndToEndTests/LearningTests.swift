import Foundation
import Testing
import _PliniusTestSupport

/// Learning is real: for each task a small network reaches a stated figure on samples that it was not trained on.
///
/// The bounds leave room for another seed, and are far from what whoever learned nothing reaches.
@Suite struct LearningTests {
    struct Trial: Sendable, CustomTestStringConvertible {
        let task: String
        /// Format and options of `plinius-owner seal`.
        let data: [String]
        let train: Int
        let test: Int
        let network: String
        /// Of what `plinius test --json` prints.
        let figure: String
        let bounds: ClosedRange<Double>
        var testDescription: String { task }
    }

    private static func convolution(_ filters: Int, size: Int = 3, stride: Int = 1) -> String {
        "[convolutional]\nbatch_normalize=1\nfilters=\(filters)\nsize=\(size)\nstride=\(stride)\npad=1\nactivation=leaky\n"
    }

    private static func output(_ filters: Int) -> String {
        "[convolutional]\nfilters=\(filters)\nsize=1\nstride=1\nactivation=linear\n"
    }

    private static func adam(_ lines: String) -> String {
        "[net]\nadam=1\nmomentum=0\ndecay=0\npolicy=poly\npower=1\n\(lines)\n"
    }

    static let trials = [
        Trial(
            task: "classification", data: ["synthetic-digits"], train: 3_000, test: 300,
            network: adam("batch=32\nheight=28\nwidth=28\nchannels=1\nlearning_rate=.01\nmax_batches=500")
                + convolution(12, stride: 2) + convolution(24, stride: 2) + convolution(32, stride: 2)
                + "[connected]\noutput=10\nactivation=linear\n[softmax]\n",
            // One in ten is right by chance.
            figure: "accuracy", bounds: 0.93...1),
        Trial(
            task: "boxes", data: ["synthetic-boxes"], train: 1_500, test: 100,
            network: adam("batch=16\nheight=64\nwidth=64\nchannels=1\nlearning_rate=.005\nmax_batches=300\nburn_in=20")
                + convolution(12, stride: 2) + convolution(24, stride: 2) + convolution(48, stride: 2)
                + convolution(48) + output(15) + "[yolo]\nanchors=11,17\nnum=1\nclasses=10\njitter=0\n",
            // By chance boxes meet none of their class.
            figure: "mAP50", bounds: 0.35...1),
        Trial(
            task: "masks", data: ["synthetic-masks"], train: 600, test: 50,
            network: adam("batch=8\nheight=64\nwidth=64\nchannels=1\nlearning_rate=.02\nmax_batches=150")
                + convolution(12, stride: 2) + convolution(32, stride: 2) + convolution(32)
                + "[upsample]\nstride=2\n[route]\nlayers=-1,0\n" + convolution(16) + "[upsample]\nstride=2\n"
                + convolution(12) + output(10) + "[logistic]\n",
            // In so few updates ink is told from paper, digits not from each other: that costs ln 10 = 2.3 a pixel of ink. Whoever
            // tells neither, and knows how frequent each digit's ink is (0.5 %), pays 5.3.
            figure: "loss", bounds: 0...3.8),
        Trial(
            task: "sequence", data: ["synthetic-chain", "--window", "16"], train: 3_000, test: 200,
            network: adam("batch=16\ntime_steps=16\ninputs=128\nlearning_rate=.02\nmax_batches=250")
                + "[gru]\noutput=40\ntanh=1\n[connected]\noutput=128\nactivation=linear\n[softmax]\n",
            // There are 16 letters; whoever looks at one letter alone reaches 4, and nobody less than 2.079.
            figure: "perplexity", bounds: 2...2.8),
        Trial(
            task: "regression", data: ["synthetic-places", "--side", "16", "--channels", "1"], train: 3_000, test: 300,
            network: adam("batch=32\nheight=16\nwidth=16\nchannels=1\nlearning_rate=.005\nmax_batches=700")
                + convolution(12, stride: 2) + convolution(24, stride: 2) + convolution(24)
                + "[connected]\nbatch_normalize=1\noutput=64\nactivation=leaky\n"
                + "[connected]\noutput=3\nactivation=linear\n[cost]\ntype=sse\n",
            // Whoever always says the mean is off by 0.14; 0.02 is the noise.
            figure: "rmse", bounds: 0.018...0.095),
    ]

    @Test("A small network reaches what it should on samples that it never saw", arguments: trials)
    func learns(_ trial: Trial) throws {
        let scenario = try Scenario(count: 2, config: trial.network)
        for (file, count, seed) in [(scenario.data, trial.train, "1"), (scenario.testData, trial.test, "2")] {
            let outcome = try Program.owner.run(
                [
                    "seal", "--key", scenario.key, "--out", file, "--force", "--count", "\(count)", "--seed", seed,
                    "--format",
                ] + trial.data)
            try #require(outcome.succeeded, "\(outcome.errors)")
        }
        let training = try Program.plinius.run(scenario.trainArguments(["--mirror-every", "50"]))
        try #require(training.succeeded, "\(training.errors)")
        let outcome = try Program.plinius.run(
            [
                "test", "--config", scenario.config, "--data", scenario.testData, "--pool", scenario.pool,
                "--insecure-local-key", scenario.key, "--json",
            ])
        try #require(outcome.succeeded, "\(outcome.errors)")
        let figure = try #require(try outcome.json[trial.figure] as? Double, "\(outcome.output)")
        #expect(trial.bounds.contains(figure), "\(trial.figure) is \(figure)")
    }
}
