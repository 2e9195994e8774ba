import Foundation
import PliniusNN
import Testing
import _PliniusSupport
import _PliniusTestSupport

@Suite("plinius-owner model")
struct ModelToolsTests {
    static let config = """
        [net]
        height=4
        width=4
        channels=1
        # the only convolution
        [convolutional]
        batch_normalize=1 # folded
        filters=2
        size=3
        activation=leaky

        # what predicts
        [connected]
        output=3
        activation=linear

        [softmax]
        """
    /// Of the convolution four arrays of two and two filters of 3 x 3; then 3 biases and 3 x 8 weights.
    static let count = 8 + 18 + 24 + 3

    let folder: OwnerFolder

    init() throws {
        folder = try OwnerFolder()
        try folder.write(Array(Self.config.utf8), to: "test.cfg", mode: 0o600)
        for (name, factor) in [("a", 1), ("b", 2), ("c", 6)] as [(String, Float)] {
            try folder.write(Self.file { Float($0) * factor / 4 }, to: name, mode: 0o600)
        }
    }

    /// A file in Darknet's format, version 0.2, of nine images.
    static func file(_ value: (Int) -> Float) -> [UInt8] {
        var file: [UInt8] = [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]
        for index in 0..<count {
            let bits = value(index).bitPattern
            for shift: UInt32 in [0, 8, 16, 24] { file.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        }
        return file
    }

    func succeed(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let outcome = try Program.owner.run(
            (["model"] + arguments).map { $0.hasPrefix("@") ? folder(String($0.dropFirst())) : $0 },
            timeout: .seconds(120))
        #expect(outcome.succeeded, "\(outcome.errors)", sourceLocation: sourceLocation)
        return outcome.output
    }

    func refuse(
        _ code: CInt, _ words: [String], _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try folder.expectRefusal(code, words, ["model"] + arguments, sourceLocation: sourceLocation)
    }

    @Test("Files of either format are averaged into either format")
    func average() throws {
        let expected = Self.file { Float($0) * 3 / 4 }
        #expect(try succeed("average", "--config", "@test.cfg", "--out", "@mean", "@a", "@b", "@c") == "")
        #expect(try folder.folder.read("mean") == expected)
        #expect(folder.mode(of: "mean") == 0o600)
        // The same by way of safetensors, which has no count of images that is read.
        _ = try succeed(
            "average", "--config", "@test.cfg", "--out", "@named", "--format", "safetensors", "@a", "@b", "@c")
        #expect(try folder.folder.read("named")[8] == UInt8(ascii: "{"))
        _ = try succeed("average", "--config", "@test.cfg", "--out", "@again", "@named", "@named")
        #expect(try folder.folder.read("again")[8] == UInt8(ascii: "{"))
        _ = try succeed(
            "average", "--config", "@test.cfg", "--out", "@back", "--format", "weights", "@again", "@mean")
        #expect(try folder.folder.read("back") == expected)
    }

    @Test("All files that do not fit are listed, and no name is taken twice")
    func averageRefusals() throws {
        let whole = try folder.folder.read("a")
        try folder.write(Array(whole.dropLast(4)), to: "short", mode: 0o600)
        try folder.write(Self.file { $0 == 5 ? .nan : 1 }, to: "nan", mode: 0o600)
        try folder.write([], to: "empty", mode: 0o600)
        try folder.write([3, 0, 0, 0, 0, 0, 0, 0] + Array("{x}".utf8), to: "json", mode: 0o600)
        try refuse(
            2, ["5 of 6", "short: ", "nan: ", "empty: ", "json: ", "No such file", "nothing is written"], "average",
            "--config", "@test.cfg", "--out", "@out", "@a", "@short", "@nan", "@empty", "@json", "@missing")
        try refuse(2, ["two at least"], "average", "--config", "@test.cfg", "--out", "@out", "@a")
        try refuse(2, ["b is there already"], "average", "--config", "@test.cfg", "--out", "@b", "@a", "@b")
        try refuse(64, ["--format"], "average", "--config", "@test.cfg", "--out", "@o", "--format", "onnx", "@a", "@b")
    }

    private struct Report: Decodable {
        struct Layer: Decodable {
            let index: Int
            let kind: String
            let tensors: [Tensor]
        }
        struct Tensor: Decodable {
            let name: String
            let shape: [Int]
            let count: Int
            let minimum: Float?
            let maximum: Float?
            let mean: Double?
            let standardDeviation: Double?
            let zeroShare: Double
            let nonFinite: Int
            let firstNonFinite: Int?
        }
        let layers: [Layer]
        let parameters: Int
        let nonFinite: Int
    }

    @Test("Statistics are a table or one JSON object, and name what is not finite")
    func statistics() throws {
        // In Darknet's order: biases, scales, means, variances, then weights from 8 to 25.
        try folder.write(
            Self.file { $0 < 8 ? .nan : $0 == 8 ? .infinity : $0 < 12 ? 0 : Float($0) }, to: "odd", mode: 0o600)
        let json = try succeed("statistics", "--config", "@test.cfg", "--json", "@odd")
        let report = try JSONDecoder().decode(Report.self, from: Data(json.utf8))
        #expect(report.parameters == Self.count && report.nonFinite == 9)
        #expect(report.layers.map(\.index) == [0, 1] && report.layers.map(\.kind) == ["convolutional", "connected"])
        let weights = try #require(report.layers[0].tensors.first { $0.name == "layers.0.weights" })
        #expect(weights.shape == [2, 1, 3, 3] && weights.count == 18)
        #expect(weights.minimum == 0 && weights.maximum == 25 && weights.firstNonFinite == 0)
        #expect(weights.zeroShare == 3.0 / 18 && weights.nonFinite == 1)
        // 12 to 25 sum up to 259.
        #expect(abs((weights.mean ?? .nan) - 259.0 / 17) < 1e-9)
        let scales = try #require(report.layers[0].tensors.first { $0.name == "layers.0.scales" })
        #expect(scales.nonFinite == 2 && scales.mean == nil && scales.minimum == nil)
        let table = try succeed("statistics", "--config", "@test.cfg", "@odd")
        for words in [
            "0 convolutional", "layers.1.biases", "16.7%", "\(Self.count) values, 9 of them not finite",
            "layers.0.weights: 1 values are not finite, the first is value 0",
        ] {
            #expect(table.contains(words), "\(table)")
        }
        #expect(try !succeed("statistics", "--config", "@test.cfg", "@a").contains("the first is"))
        try folder.write(Array("[net]\ninputs=2\n[connected]\noutput=3\n".utf8), to: "other.cfg", mode: 0o600)
        try refuse(2, ["the file goes on"], "statistics", "--config", "@other.cfg", "@a")
    }

    @Test("Batch normalisation goes into the weights, and out of the configuration")
    func denormalize() throws {
        // Filter 1: bias 8, scale 3, mean 5, variance 4 (up to epsilon a factor of 1.5).
        let special: [Int: Float] = [1: 8, 3: 3, 5: 5, 7: 4]
        try folder.write(Self.file { special[$0] ?? Float($0) }, to: "trained", mode: 0o600)
        #expect(
            try succeed(
                "denormalize", "--config", "@test.cfg", "--config-out", "@plain.cfg", "--out", "@plain", "@trained")
                == "")
        let text = String(decoding: try folder.folder.read("plain.cfg"), as: UTF8.self)
        #expect(text == Self.config.replacingOccurrences(of: "batch_normalize=1 # folded", with: "# folded"))
        let file = try folder.folder.read("plain")
        #expect(file.count == 20 + 4 * (Self.count - 6) && file[12] == 9)
        let floats = stride(from: 20, to: file.count, by: 4).map { place in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(file[place + $1]) << (8 * UInt32($1)) })
        }
        #expect(abs(floats[1] - 0.5) < 1e-4)
        for index in 0..<9 { #expect(abs(floats[2 + 9 + index] - Float(17 + index) * 1.5) < 1e-4) }
        // The connected layer is as it was.
        #expect(floats.suffix(27) == (26..<Self.count).map { Float($0) }[...])
        let arguments = ["--config", "@test.cfg", "--config-out"]
        func refuse(_ words: [String], _ rest: String...) throws {
            try folder.expectRefusal(2, words, ["model", "denormalize"] + arguments + rest)
        }
        try refuse(["plain.cfg is there already"], "@plain.cfg", "--out", "@new", "@trained")
        try refuse(["plain is there already"], "@new.cfg", "--out", "@plain", "@trained")
        try refuse(["a name of its own"], "@new", "--out", "@new", "@trained")
        try self.refuse(
            2, ["nothing to fold"], "denormalize", "--config", "@plain.cfg", "--config-out", "@n.cfg", "--out", "@n",
            "@plain")
        try folder.write(Self.file { $0 == 6 ? -1 : 1 }, to: "negative", mode: 0o600)
        try refuse(["expected a variance"], "@new.cfg", "--out", "@new", "@negative")
    }

    @Test("The first layers become a file of their own, with their configuration")
    func partial() throws {
        let whole = try folder.folder.read("a")
        let end = 20 + 4 * 26
        let expected = Array(whole[..<12]) + [0, 0, 0, 0, 0, 0, 0, 0] + Array(whole[20..<end])
        _ = try succeed("partial", "--config", "@test.cfg", "--layers", "1", "--out", "@part", "@a")
        #expect(try folder.folder.read("part") == expected)
        // A file that ends there is enough.
        _ = try succeed(
            "partial", "--config", "@test.cfg", "--layers", "1", "--out", "@again", "--config-out", "@part.cfg",
            "--format", "safetensors", "@part")
        let text = String(decoding: try folder.folder.read("part.cfg"), as: UTF8.self)
        #expect(Self.config.hasPrefix(text) && text.hasSuffix("activation=leaky\n\n# what predicts\n"))
        #expect(try succeed("statistics", "--config", "@part.cfg", "@again").contains("26 values"))
        for layers in ["0", "4", "-1"] {
            try refuse(
                2, ["expected 1 to 3"], "partial", "--config", "@test.cfg", "--layers=\(layers)", "--out", "@o", "@a")
        }
        try refuse(
            2, ["layer 1"], "partial", "--config", "@test.cfg", "--layers", "2", "--out", "@o", "@part")
        try refuse(
            2, ["part is there already"], "partial", "--config", "@test.cfg", "--layers", "1", "--out", "@part", "@a")
        try folder.write(
            Array("[net]\ninputs=2\n[cost]\n[connected]\noutput=2\n".utf8), to: "cost.cfg", mode: 0o600)
        try refuse(
            2, ["no network of their own", "costs only"], "partial", "--config", "@cost.cfg", "--layers", "1", "--out",
            "@o", "@a")
    }

    @Test(
        "What is no configuration is refused by every command",
        arguments: [
            ["average", "@a", "@b"], ["statistics", "@a"], ["denormalize", "--config-out", "@o.cfg", "@a"],
            ["partial", "--layers", "1", "@a"],
        ])
    func configurations(command: [String]) throws {
        let out = command[0] == "statistics" ? [] : ["--out", "@o"]
        try folder.write(Array("[net]\n".utf8), to: "bad.cfg", mode: 0o600)
        try folder.expectRefusal(3, ["bad.cfg"], ["model"] + command + ["--config", "@bad.cfg"] + out)
    }
}
