import Foundation
import Testing
import _PliniusTestSupport

/// The configurations that come with Plinius.
@Suite("configs/")
struct ConfigurationsTests {
    struct Expectation: Sendable {
        let input: [Int]
        let output: [Int]
        let parameters: Int
        let kinds: Set<String>
    }

    static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "configs").path

    /// Parameters of a convolution with its batch statistics: three a filter beside the bias.
    private static func normalized(_ filters: Int, _ channels: Int, size: Int = 3) -> Int {
        filters * (4 + channels * size * size)
    }

    /// Two convolutions, with a third of one pixel where the picture becomes smaller.
    private static func block(_ filters: Int, from channels: Int) -> Int {
        normalized(filters, channels) + normalized(filters, filters)
            + (filters == channels ? 0 : normalized(filters, channels, size: 1))
    }

    private static let residual = Set(["convolutional", "shortcut", "route", "avgpool", "connected", "softmax"])

    /// Parameters are counted here layer by layer, from what the files say.
    static let expectations: [String: Expectation] = [
        "mnist.cfg": Expectation(
            input: [1, 28, 28], output: [10, 1, 1], parameters: 391_594,
            kinds: ["convolutional", "maxpool", "dropout", "avgpool", "softmax"]),
        "cifar-small.cfg": Expectation(
            input: [3, 32, 32], output: [10, 1, 1],
            parameters: normalized(32, 3) + normalized(32, 32) + normalized(64, 32) + normalized(64, 64)
                + normalized(128, 64) + normalized(128, 128) + 10 * 129,
            kinds: ["convolutional", "maxpool", "avgpool", "softmax"]),
        "cifar-resnet18.cfg": Expectation(
            input: [3, 32, 32], output: [10, 1, 1],
            parameters: normalized(32, 3) + 2 * block(32, from: 32) + block(64, from: 32) + block(64, from: 64)
                + block(128, from: 64) + block(128, from: 128) + block(256, from: 128) + block(256, from: 256) + 10
                * 257,
            kinds: residual),
        "medmnist.cfg": Expectation(
            input: [3, 28, 28], output: [10, 1, 1],
            parameters: normalized(24, 3) + normalized(48, 24) + normalized(48, 48) + normalized(96, 48)
                + normalized(96, 96) + 10 * 97,
            kinds: ["convolutional", "maxpool", "dropout", "avgpool", "softmax"]),
        "medmnist-grey.cfg": Expectation(
            input: [1, 28, 28], output: [10, 1, 1],
            parameters: normalized(24, 1) + normalized(48, 24) + normalized(48, 48) + normalized(96, 48)
                + normalized(96, 96) + 10 * 97,
            kinds: ["convolutional", "maxpool", "dropout", "avgpool", "softmax"]),
        "tiny-yolo.cfg": Expectation(
            input: [1, 64, 64], output: [45, 8, 8],
            parameters: normalized(16, 1) + normalized(32, 16) + normalized(64, 32) + normalized(128, 64)
                + normalized(64, 128, size: 1) + normalized(128, 64) + 45 * 129,
            kinds: ["convolutional", "maxpool", "yolo"]),
        "segmentation.cfg": Expectation(
            input: [1, 64, 64], output: [10, 64, 64],
            parameters: normalized(16, 1) + normalized(32, 16) + normalized(64, 32) + normalized(96, 64)
                + normalized(96, 96) + normalized(64, 96 + 64) + normalized(32, 64 + 32) + normalized(16, 32 + 16)
                + 10 * 17,
            kinds: ["convolutional", "maxpool", "upsample", "route", "logistic"]),
        "char-rnn.cfg": Expectation(
            input: [128, 1, 1], output: [128, 1, 1],
            // Three gates, each from the character and from the state.
            parameters: 3 * (128 * 129 + 128 * 129) + 128 * 129, kinds: ["gru", "connected", "softmax"]),
        "regression.cfg": Expectation(
            input: [3, 32, 32], output: [3, 1, 1],
            parameters: normalized(16, 3) + normalized(32, 16) + normalized(64, 32) + normalized(64, 64)
                + 128 * (1 + 4 * 4 * 64) + 3 * 129, kinds: ["convolutional", "maxpool", "connected", "cost"]),
    ]

    @Test("Every file is in the table")
    func files() throws {
        let found = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
        #expect(Set(found) == Set(Self.expectations.keys))
    }

    @Test(
        "Each reads without a warning, with the shapes and parameters that it should have",
        arguments: expectations.keys.sorted())
    func configuration(name: String) throws {
        let expected = try #require(Self.expectations[name])
        let outcome = try Program.owner.run(
            ["config", "check", "\(Self.folder)/\(name)", "--json"], timeout: .seconds(120))
        #expect(outcome.succeeded && outcome.errors == "", "\(outcome.errors)")
        let report = try JSONDecoder().decode(ConfigCheckTests.Report.self, from: Data(outcome.output.utf8))
        #expect(report.warnings == [] && report.advice == [])
        #expect(report.layers.first?.input == expected.input)
        #expect(report.layers.last { $0.kind != "cost" }?.output == expected.output)
        #expect(report.parameters == expected.parameters)
        #expect(Set(report.layers.map(\.kind)) == expected.kinds)
        #expect(report.updates != nil, "how long training is must be known")
        // The first lines tell people what it is.
        let text = try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
        #expect(text.hasPrefix("# "))
    }
}
