import Foundation
import PliniusNN
import Testing
import _PliniusTestSupport

/// Recurrent networks on sealed text: what they predict, how it is judged, and how texts go on.
@Suite struct GenerationTests {
    /// A text of some order, and of a length that no window and no sequence divides.
    private static let text: String = {
        let words = ["a man, ", "a plan, ", "a canal: ", "panama. "]
        var text = ""
        for place in 0..<100 { text += words[place * place % 7 % 4] }
        return String(text.prefix(700))
    }()

    private static func network(_ body: String = "[rnn]\noutput=12\nactivation=tanh\n") -> String {
        """
        [net]
        batch=4
        subdivisions=2
        time_steps=8
        inputs=128
        learning_rate=0.5
        momentum=0.9
        policy=constant
        max_batches=60
        \(body)
        [connected]
        output=128
        activation=linear
        [softmax]
        temperature=1.25
        """
    }

    /// The network that ``network(_:)`` describes, in plain loops over the weights that its owner exports.
    private struct PlainRecurrentNetwork {
        private var parts: [(biases: [Double], weights: [Double])] = []

        init(weights file: [UInt8]) {
            var rest = stride(from: 20, to: file.count, by: 4).map { place in
                Double(Float(bitPattern: file[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }))
            }[...]
            for (outputs, inputs) in [(12, 128), (12, 12), (12, 12), (128, 12)] {
                parts.append((Array(rest.prefix(outputs)), Array(rest.dropFirst(outputs).prefix(outputs * inputs))))
                rest = rest.dropFirst(outputs * (inputs + 1))
            }
            precondition(rest.isEmpty, "the weights are of another network")
        }

        private func sum(_ part: Int, _ values: [Double]) -> [Double] {
            let (biases, weights) = parts[part]
            return biases.indices.map { row in
                zip(weights[row * values.count..<(row + 1) * values.count], values).reduce(biases[row]) {
                    $0 + $1.0 * $1.1
                }
            }
        }

        /// The probabilities of the next character.
        func predict(_ character: UInt8, _ state: inout [Double]) -> [Double] {
            let input = (0..<128).map { $0 == Int(character) ? 1.0 : 0 }
            state = zip(sum(0, input), sum(1, state)).map { tanh($0) + tanh($1) }
            let powers = sum(3, sum(2, state).map { tanh($0) }).map { exp($0 / 1.25) }
            return powers.map { $0 / powers.reduce(0, +) }
        }
    }

    /// A trained network, its weights, and a data set that was sealed from a text in windows.
    private struct Trained {
        let scenario: Scenario
        let weights: [UInt8]

        init(_ network: String = GenerationTests.network(), window: Int = 20) throws {
            scenario = try Scenario(count: 2, config: network)
            try scenario.folder.write(GenerationTests.text, to: "text")
            try Self.seal("text", window: window, as: "train.sealed", in: scenario)
            let outcome = try scenario.train()
            try #require(outcome.succeeded, "\(outcome.errors)")
            weights = try scenario.exportedWeights()
        }

        static func seal(_ text: String, window: Int, as name: String, in scenario: Scenario) throws {
            try scenario.owner(
                "seal", "--key", scenario.key, "--format", "text", "--text", scenario.folder(text), "--window",
                "\(window)", "--classes", "128", "--out", scenario.folder(name), "--force")
        }

        /// Runs `test` or `predict`.
        func use(_ command: String, _ data: String, _ more: String...) throws -> ProgramOutcome {
            try Program.plinius.run(
                [
                    command, "--config", scenario.config, "--data", scenario.folder(data), "--pool", scenario.pool,
                    "--insecure-local-key", scenario.key, "--json",
                ] + more)
        }

        /// What `predict --generate` draws, as its owner opens it.
        func generate(_ data: String, _ more: String...) throws -> [String] {
            let (sealed, opened) = (scenario.folder("generated"), scenario.folder("opened"))
            for path in [sealed, opened] { try? FileManager.default.removeItem(atPath: path) }
            let outcome = try Program.plinius.run(
                [
                    "predict", "--config", scenario.config, "--data", scenario.folder(data), "--pool", scenario.pool,
                    "--insecure-local-key", scenario.key, "--json", "--out", sealed,
                ] + more)
            try #require(outcome.succeeded, "\(outcome)")
            try scenario.owner("open", sealed, "--key", scenario.key, "--out", opened)
            let lines = String(decoding: try scenario.folder.read("opened"), as: UTF8.self).split(separator: "\n")
            #expect(try outcome.json["count"] as? Int == lines.count)
            return try lines.enumerated().map { index, line in
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["index"] as? Int == index)
                return try #require(object?["text"] as? String)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["reference", "onednn"])
    func `Sequences are predicted and judged as the plain network says`(executor: String) throws {
        // 34 windows of 20 are 85 sequences of 8; 13 of 7 end within one.
        let trained = try Trained()
        let network = PlainRecurrentNetwork(weights: trained.weights)
        for (window, count) in [(20, 680), (7, 693)] {
            try Trained.seal("text", window: window, as: "test.sealed", in: trained.scenario)
            let characters = Array(Self.text.utf8.prefix(count + 1))
            var state: [Double] = []
            let expected = (0..<count).map { place in
                if place % 8 == 0 { state = [Double](repeating: 0, count: 12) }
                return network.predict(characters[place], &state)
            }
            let outcome = try trained.use(
                "predict", "test.sealed", "--executor", executor, "--out", trained.scenario.folder("results-\(window)"))
            try #require(outcome.succeeded, "\(outcome)")
            let results = try SealedResults(
                trained.scenario.folder.read("results-\(window)"), key: trained.scenario.folder.read("owner.key")
            ).opened()
            #expect(results.count == count)
            let difference =
                zip(results, expected).map { found, expected in
                    zip(found, expected).map { abs(Double($0) - $1) }.max() ?? 1
                }.max() ?? 1
            #expect(difference < 1e-4)

            let test = try trained.use("test", "test.sealed", "--executor", executor)
            try #require(test.succeeded, "\(test)")
            var (loss, right) = (0.0, 0)
            for (place, probabilities) in expected.enumerated() {
                let next = Int(characters[place + 1])
                loss -= log(probabilities[next]) / Double(count)
                if probabilities.allSatisfy({ $0 <= probabilities[next] }) { right += 1 }
            }
            #expect(abs(try #require(try test.json["loss"] as? Double) - loss) < 1e-4)
            #expect(loss < 3, "it has learned something: \(loss)")
            let accuracy = try #require(try test.json["accuracy"] as? Double)
            #expect(abs(accuracy - Double(right) / Double(count)) < 0.005)
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: ["reference", "onednn"])
    func `Texts go on as the plain network and the same draws say`(executor: String) throws {
        let trained = try Trained()
        let network = PlainRecurrentNetwork(weights: trained.weights)
        // Five texts, and two at a time: the last mini-batch is not full.
        try trained.scenario.folder.write(Self.text.prefix(5 * 30 + 1).utf8, to: "prompts")
        try Trained.seal("prompts", window: 30, as: "prompts.sealed", in: trained.scenario)
        let characters = Array(Self.text.utf8)
        let expected = (0..<5).map { text in
            let draw = CharacterDraw(seed: 9, temperature: 0.8, insteadOf: 1.25)
            var state = [Double](repeating: 0, count: 12)
            var probabilities: [Double] = []
            for character in characters[30 * text...30 * text + 30] {
                probabilities = network.predict(character, &state)
            }
            var drawn: [UInt8] = []
            while drawn.count < 40 {
                let values = probabilities.map { Float($0) }
                let next = draw.draw(from: values.span, text: text, place: drawn.count) ?? 0
                drawn.append(UInt8(next))
                probabilities = network.predict(UInt8(next), &state)
            }
            return String(decoding: drawn, as: UTF8.self)
        }
        let options = ["--executor", executor, "--generate", "40", "--temperature", "0.8"]
        func generate(seed: String) throws -> [String] {
            try trained.generate(
                "prompts.sealed", options[0], options[1], options[2], options[3], options[4], options[5], "--seed", seed
            )
        }
        #expect(try generate(seed: "9") == expected)
        #expect(Set(expected).count == 5)
        #expect(try generate(seed: "10") != expected)
        // The start of a longer text is the shorter one, and alone the first text goes on as among others.
        try trained.scenario.folder.write(Self.text.prefix(31).utf8, to: "prompt")
        try Trained.seal("prompt", window: 30, as: "prompt.sealed", in: trained.scenario)
        let alone = try trained.generate(
            "prompt.sealed", "--executor", executor, "--generate", "7", "--temperature", ".8", "--seed", "9")
        #expect(alone == [String(expected[0].prefix(7))])
        // The header says what it holds, and nothing of the text itself.
        let file = try trained.scenario.folder.read("generated")
        #expect(Array(file[8..<12]) == [2, 0, 0, 0] && Array(file[40..<48]) == [7, 0, 0, 0, 2, 1, 0, 0])
        #expect(file.count == 256 + 7 + 16)
    }

    @Test(arguments: [
        "[gru]\noutput=8", "[lstm]\noutput=8", "[crnn]\noutput_filters=8\nhidden_filters=4\nactivation=leaky", "",
    ])
    func `Every kind of cell goes on, by both executors alike`(cell: String) throws {
        let trained = try Trained(Self.network(cell))
        try trained.scenario.folder.write(Self.text.prefix(61).utf8, to: "prompts")
        try Trained.seal("prompts", window: 20, as: "prompts.sealed", in: trained.scenario)
        let texts = try ["reference", "onednn"].map {
            try trained.generate("prompts.sealed", "--executor", $0, "--generate", "25")
        }
        #expect(texts[0] == texts[1] && texts[0].count == 3)
        #expect(texts[0].allSatisfy { $0.utf8.count == 25 })
    }

    @Test func whatCannotGoOnIsRefused() throws {
        let trained = try Trained()
        let out = trained.scenario.folder("out")
        func expect(_ words: String, _ options: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
            let outcome = try Program.plinius.run(
                [
                    "predict", "--config", trained.scenario.config, "--data", trained.scenario.data, "--pool",
                    trained.scenario.pool, "--insecure-local-key", trained.scenario.key, "--out", out,
                ] + options)
            #expect(
                outcome.status == .exited(2) && outcome.errors.contains(words), "\(outcome)",
                sourceLocation: sourceLocation)
            #expect(!FileManager.default.fileExists(atPath: out), sourceLocation: sourceLocation)
        }
        try expect("expected 1 to 65536", "--generate", "0")
        try expect("expected 1 to 65536", "--generate", "65537")
        for temperature in ["0", "-1", "nan", "inf", "101"] {
            try expect("expected 0.01 to 100", "--generate", "5", "--temperature=\(temperature)")
        }
        try expect("for --generate", "--temperature", "1")
        try expect("for --generate", "--seed", "1")
        // Images, and a network that predicts something else than the next input.
        let images = try Scenario()
        #expect(try images.train("--iterations", "1").succeeded)
        let outcome = try Program.plinius.run([
            "predict", "--config", images.config, "--data", images.data, "--pool", images.pool,
            "--insecure-local-key", images.key, "--out", out, "--generate", "5",
        ])
        #expect(outcome.status == .exited(2) && outcome.errors.contains("--format text"), "\(outcome)")
        let other = try Trained(
            Self.network().replacing("[softmax]\ntemperature=1.25", with: "[cost]").replacing("=0.5", with: "=0.001"))
        let refused = try other.use("predict", "train.sealed", "--generate", "5", "--out", out)
        #expect(refused.status == .exited(2) && refused.errors.contains("[softmax]"), "\(refused)")
    }
}
