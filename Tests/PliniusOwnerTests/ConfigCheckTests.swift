import Foundation
import PliniusMirror
import PliniusNN
import Testing
import _PliniusTestSupport

@Suite("plinius-owner config check")
struct ConfigCheckTests {
    /// Of the report what tests ask for.
    struct Report: Decodable {
        struct Layer: Decodable {
            let index: Int
            let kind: String
            let size: Int?
            let stride: Int?
            let input: [Int]
            let output: [Int]
            let sources: [Int]
            let parameters: Int
            let flops: Int
            let outputFloats: Int
        }
        let layers: [Layer]
        let parameters: Int
        let flops: Int
        let arenaBytes: Int
        let mirrorBytes: Int
        let truthFloats: Int
        let batch: Int
        let subdivisions: Int
        let miniBatch: Int
        let updates: Int?
        let images: Int?
        let epochs: Double?
        let learningRate: String
        let augmentation: [String]
        let warnings: [String]
        let advice: [String]
    }

    let folder: OwnerFolder

    init() throws {
        folder = try OwnerFolder()
    }

    static let mnist = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "configs/mnist.cfg").path

    /// Writes a configuration and has it checked.
    func check(_ text: String, _ options: String...) throws -> Report {
        try folder.write(Array(text.utf8), to: "net.cfg", mode: 0o644)
        return try report(of: ["config", "check", folder("net.cfg"), "--json"] + options)
    }

    func report(of arguments: [String]) throws -> Report {
        let outcome = try Program.owner.run(arguments, timeout: .seconds(120))
        #expect(outcome.succeeded, "\(outcome.errors)")
        #expect(outcome.errors == "")
        #expect(outcome.output.hasSuffix("}\n") && outcome.output.filter { $0 == "\n" }.count == 1)
        return try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    }

    func sealDigits(_ count: Int) throws -> String {
        let outcome = try folder.run(
            "seal", "--key", "@key", "--format", "synthetic-digits", "--count", "\(count)", "--out", "@data.sealed")
        #expect(outcome.succeeded, "\(outcome.errors)")
        return folder("data.sealed")
    }

    @Test("The paper's network, counted by hand")
    func paper() throws {
        let data = try sealDigits(250)
        let report = try report(of: ["config", "check", Self.mnist, "--data", data, "--json"])
        // 2 x filters x channels x 9 x positions; the last convolution sees one pixel.
        let flops =
            [2 * 32 * 1 * 9 * 784, 0, 2 * 64 * 32 * 9 * 196] + Array(repeating: 2 * 64 * 64 * 9 * 196, count: 8)
            + [0, 2 * 128 * 64 * 9 * 49, 0, 2 * 10 * 128 * 1 * 49, 0, 0]
        #expect(report.layers.map(\.flops) == flops)
        #expect(report.flops == 130_633_216)
        #expect(report.parameters == 391_594)
        try #require(report.layers.count == 17)
        #expect(report.layers[0].parameters == 4 * 32 + 288)
        #expect(report.layers[0].outputFloats == 25_088)
        #expect(report.layers[2].input == [32, 14, 14] && report.layers[2].output == [64, 14, 14])
        #expect(report.layers[1].size == 2 && report.layers[1].stride == 2)
        #expect(report.layers.last?.kind == "softmax" && report.layers.last?.size == nil)
        #expect(report.truthFloats == 10)
        #expect((report.batch, report.subdivisions, report.miniBatch) == (128, 1, 128))
        #expect(report.updates == 500 && report.images == 64_000 && report.epochs == 256)
        #expect(report.learningRate == "0.1 x (1 - n / 500)^4")
        #expect(report.warnings == [] && report.advice == [])
        let text = try String(contentsOfFile: Self.mnist, encoding: .utf8)
        let layout = try NetworkDescription(parsing: text, file: "mnist.cfg").layout
        #expect(report.arenaBytes == layout.byteCount)
        #expect(
            report.mirrorBytes == Mirror.byteCount(arenaBytes: layout.byteCount, descriptionBytes: text.utf8.count))
    }

    @Test("--compat adds to what the file says, and lines keep their numbers")
    func compat() throws {
        let text =
            "[net] # a comment\ninputs=4\nbatch=10\nsubdivisions=4\n[connected]\noutput=2\n[softmax]\ntemprature=2\n"
        // The rest of a batch is forgotten by Darknet alone.
        let report = try check(text, "--compat", "strict")
        #expect(report.batch == 8)
        #expect(report.warnings.count == 1 && report.warnings[0].contains("net.cfg:8: "))
        let fixed = try folder.run("config", "check", "@net.cfg", "--compat", "fixed")
        #expect(!fixed.succeeded && fixed.errors.contains("net.cfg:4: subdivisions: "), "\(fixed.errors)")
        let unknown = try folder.run("config", "check", "@net.cfg", "--compat", "lax")
        #expect(!unknown.succeeded && unknown.errors.contains("net.cfg:1: compat: "), "\(unknown.errors)")
        try folder.write(Array(text.replacing("inputs", with: "compat=fixed\ninputs").utf8), to: "net.cfg", mode: 0o644)
        let both = try folder.run("config", "check", "@net.cfg", "--compat", "strict")
        #expect(!both.succeeded && both.errors.contains("keep one"), "\(both.errors)")
    }

    @Test("People see the same as a table with totals")
    func people() throws {
        let data = try sealDigits(300)
        let outcome = try folder.run("config", "check", Self.mnist, "--data", data)
        try #require(outcome.succeeded && outcome.errors == "")
        let words = outcome.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        try #require(words.count > 17)
        #expect(words[0] == "layer kind window input output from parameters FLOPs/image floats")
        #expect(words[3] == "2 convolutional 3x3/1 32x14x14 64x14x14 18,688 7,225,344 12,544")
        for line in [
            "parameters 391,594", "FLOPs/image 130,633,216 forward", "truth 10 floats an image",
            "batch 128 images, 128 a pass", "training 500 updates, 64,000 images, 213.33 epochs of 300",
            "learning rate 0.1 x (1 - n / 500)^4",
        ] {
            #expect(words.contains(line), "\(outcome.output)")
        }
    }

    static let kinds = """
        [net]
        batch=4
        time_steps=2
        height=8
        width=8
        channels=4
        max_batches=10

        [convolutional]
        groups=2
        filters=6
        size=3
        stride=2
        pad=1

        [deconvolutional]
        filters=3
        size=2
        stride=2

        [local]
        filters=2
        size=3
        pad=1

        [crnn]
        output_filters=3
        hidden_filters=5

        [connected]
        output=10

        [rnn]
        output=7

        [gru]
        output=5

        [lstm]
        output=6

        [route]
        layers=-1,4

        [shortcut]
        from=-1

        [connected]
        output=3

        [softmax]
        """

    /// Counts the products of a convolution by walking over them.
    func walk(_ output: [Int], channels: Int, size: Int) -> Int {
        var count = 0
        for _ in 0..<output[0] {
            for _ in 0..<output[1] * output[2] {
                for _ in 0..<channels { for _ in 0..<size { for _ in 0..<size { count += 2 } } }
            }
        }
        return count
    }

    @Test("Operations of every kind agree with a count that walks over the shapes")
    func kinds() throws {
        let report = try check(Self.kinds)
        func cells(_ inputs: Int, _ state: Int, _ gates: Int) -> Int {
            (0..<gates).reduce(0) { sum, _ in
                sum + walk([state, 1, 1], channels: inputs, size: 1) + walk([state, 1, 1], channels: state, size: 1)
            }
        }
        let crnn =
            walk([5, 8, 8], channels: 2, size: 3) + walk([5, 8, 8], channels: 5, size: 3)
            + walk([3, 8, 8], channels: 5, size: 3)
        let expected = [
            ("convolutional", [6, 4, 4], walk([6, 4, 4], channels: 4 / 2, size: 3)),
            // Each of the 6 x 4 x 4 inputs adds a window of 2 x 2 to 3 filters.
            ("deconvolutional", [3, 8, 8], walk([6, 4, 4], channels: 3, size: 2)),
            ("local", [2, 8, 8], walk([2, 8, 8], channels: 3, size: 3)),
            ("crnn", [3, 8, 8], crnn),
            ("connected", [10, 1, 1], walk([10, 1, 1], channels: 3 * 64, size: 1)),
            ("rnn", [7, 1, 1], cells(10, 7, 1) + walk([7, 1, 1], channels: 7, size: 1)),
            ("gru", [5, 1, 1], cells(7, 5, 3)),
            ("lstm", [6, 1, 1], cells(5, 6, 4)),
            ("route", [16, 1, 1], 0),
            ("shortcut", [16, 1, 1], 0),
            ("connected", [3, 1, 1], walk([3, 1, 1], channels: 16, size: 1)),
            ("softmax", [3, 1, 1], 0),
        ]
        try #require(report.layers.map(\.index) == Array(0..<12))
        for (layer, (kind, output, flops)) in zip(report.layers, expected) {
            #expect(layer.kind == kind)
            #expect(layer.output == output && layer.outputFloats == output.reduce(1, *), "\(kind)")
            #expect(layer.flops == flops, "\(kind)")
        }
        #expect(report.flops == expected.reduce(0) { $0 + $1.2 })
        #expect(report.parameters == report.layers.reduce(0) { $0 + $1.parameters })
        #expect(report.layers[8].sources == [7, 4] && report.layers[9].sources == [8, 8])
        #expect(report.batch == 8 && report.images == 80)
        #expect(report.advice == [])
    }

    static let small = "height=28\nwidth=28\nchannels=1\n"
    static let tail = "\n[connected]\noutput=10\n[softmax]\n"

    @Test(
        "The learning-rate schedule in one line",
        arguments: [
            ("", "0.5 throughout"), ("policy=step\nstep=7\nscale=.1", "0.5 x 0.1^floor(n / 7)"),
            ("policy=steps\nsteps=10,20\nscales=.1,2", "0.5, x 0.1 from 10, x 2 from 20"),
            ("policy=exp\ngamma=.99", "0.5 x 0.99^n"), ("policy=poly\npower=2", "0.5 x (1 - n / 90)^2"),
            ("policy=random\npower=3", "0.5 x u^3, u drawn from 0 to 1 for each update"),
            ("policy=sigmoid\nstep=5\ngamma=2", "0.5 / (1 + exp(2 x (n - 5)))"),
            ("burn_in=8", "0.5 x (n / 8)^4 below 8, then 0.5 throughout"),
        ])
    func schedules(options: String, line: String) throws {
        let report = try check("[net]\n\(Self.small)learning_rate=.5\nmax_batches=90\n\(options)\(Self.tail)")
        #expect(report.learningRate == line)
    }

    @Test(
        "Advice on what is allowed, but hardly meant",
        arguments: [
            ("max_batches=9\nadam=1", tail, ["momentum=0.9", "adam=1"]),
            (
                "max_batches=9\nbatch=4\nsubdivisions=4", "\n[connected]\nbatch_normalize=1\noutput=10\n[softmax]\n",
                ["1 image", "subdivisions=4", "layers 0)"]
            ),
            ("max_batches=9", "\n[rnn]\noutput=10\n[softmax]\n", ["time_steps"]),
            ("", tail, ["max_batches", "--iterations"]),
        ])
    func advice(options: String, layers: String, words: [String]) throws {
        let report = try check("[net]\n\(Self.small)\(options)\(layers)")
        #expect(report.advice.count == 1, "\(report.advice)")
        for word in words { #expect(report.advice.first?.contains(word) == true, "\(report.advice)") }
    }

    @Test("No advice where Adam has no momentum beside it, and where a mini-batch has two images")
    func noAdvice() throws {
        let layers = "\n[connected]\nbatch_normalize=1\noutput=10\n[softmax]\n"
        let report = try check(
            "[net]\n\(Self.small)max_batches=9\nadam=1\nmomentum=0\nbatch=4\nsubdivisions=2\(layers)")
        #expect(report.advice == [])
    }

    @Test("A network without loss is a warning, and so is a key without meaning")
    func warnings() throws {
        let report = try check("[net]\n\(Self.small)max_batches=9\nmosaic=1\n[connected]\noutput=10\n")
        #expect(report.warnings.contains { $0.contains("no loss") })
        #expect(report.warnings.contains { $0.contains("mosaic") })
        let outcome = try folder.run("config", "check", "@net.cfg")
        #expect(outcome.succeeded && outcome.output.contains("warning: ") && outcome.output.contains("no loss"))
    }

    @Test("A data set of other images, of other classes, or too small a one is advised against")
    func data() throws {
        let data = try sealDigits(5)
        let options = "max_batches=9\nbatch=5"
        #expect(try check("[net]\n\(Self.small)\(options)\(Self.tail)", "--data", data).advice == [])
        let classes = try check("[net]\n\(Self.small)\(options)\n[connected]\noutput=12\n[softmax]\n", "--data", data)
        #expect(classes.advice.count == 1)
        #expect(classes.advice.first?.contains("10 classes") == true && classes.advice.first?.contains("12") == true)
        let shape = try check("[net]\ninputs=9\n\(options)\(Self.tail)", "--data", data)
        #expect(shape.advice.count == 1)
        #expect(shape.advice.first?.contains("1x28x28") == true && shape.advice.first?.contains("9x1x1") == true)
        let small = try check("[net]\n\(Self.small)max_batches=9\nbatch=6\(Self.tail)", "--data", data)
        #expect(small.advice.count == 1 && small.advice.first?.contains("fewer than a batch of 6") == true)
        #expect(small.epochs == 54.0 / 5)
        #expect(try check("[net]\n\(Self.small)\(Self.tail)", "--data", data).epochs == nil)
    }

    @Test("What is done to images is told, and that what it brings together needs not be of one size")
    func augmentation() throws {
        let data = try sealDigits(5)
        func check(_ keys: String, _ layers: String = Self.tail) throws -> Report {
            let net = "[net]\nmax_batches=9\nheight=20\nwidth=20\nchannels=1\n\(keys)\(layers)"
            return try self.check(net, "--data", data)
        }
        let plain = try check("")
        #expect(plain.augmentation == [] && plain.advice.count == 1)
        #expect(plain.advice.first?.contains("1x28x28") == true)
        let crop = try check("min_crop=20\nmax_crop=26\nangle=7\naspect=.75\nflip=1\n")
        #expect(crop.advice == [] && crop.augmentation.count == 4)
        for (sentence, words) in zip(crop.augmentation, ["20 to 26", "7 degrees", "0.75", "mirrored"]) {
            #expect(sentence.contains(words), "\(sentence)")
        }
        let outcome = try folder.run("config", "check", "@net.cfg")
        #expect(outcome.output.contains("images         training sees random windows of images scaled to 20 to 26"))
        for keys in ["center=1\n", "letter_box=1\n"] {
            let report = try check(keys)
            #expect(report.advice == [] && report.augmentation.count == 1)
        }
        let colors = try self.check(
            "[net]\nmax_batches=9\nheight=9\nwidth=9\nchannels=3\nhue=.1\nsaturation=1.5\nexposure=2\nletter_box=1"
                + "\n[conv]\nfilters=6\n[yolo]\nclasses=1\njitter=.3\n")
        #expect(colors.augmentation.count == 4 && colors.augmentation[0].contains("0.3"))
    }

    @Test(
        "Heads of boxes are compared with data sets of boxes",
        arguments: [
            ("[conv]\nfilters=15\n[region]\nclasses=10\nmax=90\n", true),
            ("[conv]\nfilters=14\n[region]\nclasses=9\nmax=90\n", false),
            ("[conv]\nfilters=15\n[region]\nclasses=10\nmax=1\n", false),
            ("[conv]\nfilters=15\n[yolo]\nclasses=10\n", true),
            ("[connected]\noutput=60\n[detection]\nside=2\nclasses=10\n", true),
            ("[connected]\noutput=56\n[detection]\nside=2\nclasses=9\n", false),
            ("[connected]\noutput=10\n[softmax]\n", false),
            ("[conv]\nfilters=12\n[iseg]\nclasses=10\nids=2\n", false),
        ])
    func heads(layers: String, isFit: Bool) throws {
        try folder.run(
            "seal", "--key", "@key", "--format", "synthetic-boxes", "--count", "3", "--out", "@boxes.sealed")
        let (shape, truth) = try folder.withDataset("boxes.sealed") { ($0.header.shape, $0.header.truth) }
        #expect(truth.kind == .boxes && truth.first > 1)
        let net = "[net]\nmax_batches=9\nchannels=\(shape.channels)\nheight=\(shape.height)\nwidth=\(shape.width)\n"
        let advice = try check(net + layers, "--data", folder("boxes.sealed")).advice
        #expect(advice.isEmpty == isFit, "\(advice)")
        #expect(advice.allSatisfy { $0.contains("teaches by boxes") }, "\(advice)")
    }

    @Test("What cannot be read is refused with 2, what is no data set with 3")
    func refusals() throws {
        try folder.write(
            Array("[net]\nheight=4\nwidth=4\nchannels=1\n[conv]\nsize=9\n".utf8), to: "bad.cfg", mode: 0o644)
        try folder.expectRefusal(2, ["bad.cfg:6", "size", "9"], "config", "check", "@bad.cfg")
        try folder.expectRefusal(2, ["bad.cfg:6"], "config", "check", "@bad.cfg", "--json")
        try folder.write([], to: "empty.cfg", mode: 0o644)
        try folder.expectRefusal(2, ["empty.cfg", "[net]"], "config", "check", "@empty.cfg")
        try folder.write([0xFF, 0xFE], to: "binary.cfg", mode: 0o644)
        try folder.expectRefusal(2, ["UTF-8"], "config", "check", "@binary.cfg")
        try folder.write([UInt8](repeating: 10, count: 2 << 20), to: "long.cfg", mode: 0o644)
        try folder.expectRefusal(2, ["longer than"], "config", "check", "@long.cfg")
        try folder.expectRefusal(2, ["missing.cfg", "No such file"], "config", "check", "@missing.cfg")
        try folder.expectRefusal(3, ["no sealed data set"], "config", "check", Self.mnist, "--data", "@long.cfg")
        try folder.expectRefusal(2, ["No such file"], "config", "check", Self.mnist, "--data", "@missing")
    }
}
