import PliniusModels
import PliniusNN
import Testing
import _PliniusSupport

/// What is done with models as such: averages, statistics, folding, cutting.
@Suite struct ModelToolsTests {
    /// Puts values into a model of the sample's network that differ from tensor to tensor.
    private func sample(_ value: (ArenaTensor, Int) -> Float) throws -> Model {
        try model(SampleModel.config, value)
    }

    private func model(_ config: String, _ value: (ArenaTensor, Int) -> Float) throws -> Model {
        let network = try NetworkDescription(parsing: config, file: "test.cfg")
        let arena = ParameterArena(layout: network.layout)
        for tensor in network.layout.tensors where tensor.role.isExported {
            for element in 0..<tensor.count { arena.floats(of: tensor)[element] = value(tensor, element) }
        }
        return Model(network: network, arena: arena, iteration: 3, imagesSeen: 12)
    }

    /// The exported values in the layout's order.
    private func floats(_ model: Model) -> [Float] {
        model.network.layout.tensors.filter(\.role.isExported).flatMap { Array(model.arena.floats(of: $0)) }
    }

    // MARK: Averages

    @Test func `An average is the mean of each value, statistics included`() throws {
        let models = try [0, 1, 5].map { offset in
            try sample { tensor, element in Float(tensor.offset + element) + offset }
        }
        var average = ModelAverage(of: models[0].network)
        for model in models { average.add(model) }
        let mean = average.model()
        #expect(average.count == 3 && mean.imagesSeen == 12 && mean.iteration == 0)
        #expect(floats(mean) == floats(models[0]).map { $0 + 2 })
        // The largest numbers do not overflow on their way.
        var large = ModelAverage(of: models[0].network)
        for _ in 0..<3 { large.add(try sample { _, _ in Float.greatestFiniteMagnitude }) }
        #expect(floats(large.model()).allSatisfy { $0 == .greatestFiniteMagnitude })
    }

    // MARK: Statistics

    @Test func `Statistics leave out what is not finite, and say where it is`() throws {
        let values: [Float] = [0, -3, .nan, -0.0, 5, .infinity, 2, 0]
        let model = try self.model("[net]\ninputs=4\n[connected]\noutput=2\nactivation=linear\n[connected]\noutput=1\n")
        {
            tensor, element in
            tensor.layer == 1 ? -.infinity : tensor.role == .weights ? values[element] : 7
        }
        let statistics = model.statistics()
        #expect(
            statistics.map(\.name) == ["layers.0.biases", "layers.0.weights", "layers.1.biases", "layers.1.weights"])
        let weights = statistics[1]
        #expect(weights.minimum == -3 && weights.maximum == 5 && weights.zeros == 3)
        #expect(weights.nonFinite == 2 && weights.firstNonFinite == 2 && weights.tensor.count == 8)
        // Of 0, -3, 0, 5, 2, 0: the sum is 4, that of the squares 38.
        let mean = 4.0 / 6
        #expect(abs((weights.mean ?? .nan) - mean) < 1e-12)
        #expect(abs((weights.standardDeviation ?? .nan) - (38.0 / 6 - mean * mean).squareRoot()) < 1e-12)
        #expect(statistics[0].standardDeviation == 0 && statistics[0].mean == 7 && statistics[0].firstNonFinite == nil)
        #expect(statistics[3].minimum == nil && statistics[3].maximum == nil && statistics[3].mean == nil)
        #expect(statistics[3].standardDeviation == nil && statistics[3].nonFinite == 2)
    }

    @Test func `Unchecked, files are read that hold no parameters`() throws {
        let model = try sample { tensor, _ in tensor.role == .rollingVariance ? -1 : .nan }
        let network = model.network
        let (weights, tensors) = (try DarknetWeights.encoded(model), try Safetensors.encoded(model))
        let reads: [(Bool, ParameterArena) throws -> Void] = [
            { _ = try DarknetWeights.read(weights, named: "file", into: $1, of: network, unchecked: $0) },
            { try Safetensors.read(tensors, named: "file", into: $1, of: network, unchecked: $0) },
        ]
        for read in reads {
            let arena = ParameterArena(layout: network.layout)
            #expect(throws: ModelError.self) { try read(false, arena) }
            try read(true, arena)
            let copy = Model(network: network, arena: arena, iteration: 0, imagesSeen: 0)
            #expect(floats(copy).map(\.bitPattern) == floats(model).map(\.bitPattern))
        }
    }

    // MARK: Folding

    /// Every kind that normalises, groups, signs and a deconvolution of several channels among them.
    private static let images = """
        [net] # the network
        batch=2
        height=6
        width=5
        channels=2
        [convolutional]
        batch_normalize=1
        filters=4
        size=3
        pad=1
        activation=leaky
        [convolutional]
        groups=2
        batch_normalize = 1   # three lines
        filters=6
        activation=tanh
        [batchnorm]
        [convolutional]
        binary=1
        batch_normalize=1
        filters=3
        activation=linear
        [deconvolutional]
        ; and back
        batch_normalize=1
        filters=2
        size=2
        stride=2
        activation=relu
        [convolutional]
        batch_normalize=0
        filters=2
        [connected]
        batch_normalize=1
        output=5
        activation=logistic
        [connected]
        output=3
        activation=linear
        """

    private static func recurrent(_ layer: String, _ keys: String) -> String {
        "[net]\nbatch=1\ntime_steps=4\nheight=3\nwidth=3\nchannels=2\n[\(layer)]\n\(keys)\nbatch_normalize=1\n"
            + "[connected]\noutput=3\nactivation=linear\n"
    }

    private static let networks = [
        images, recurrent("crnn", "output_filters=2\nhidden_filters=3"), recurrent("rnn", "output=4"),
        recurrent("gru", "output=4"), recurrent("lstm", "output=4"),
    ]

    /// What the reference executor makes of a batch of images.
    private func outputs(_ model: Model) -> [Float] {
        let count = model.network.options.miniBatch
        let executor = ReferenceExecutor(network: model.network, miniBatch: count, arena: model.arena, threads: 1)
        let images = (0..<count * model.network.input.count).map { Float($0 * 37 % 101) / 101 - 0.3 }
        executor.load(images: images.span, truth: [Float]().span)
        _ = executor.forward(Pass(mode: .inference))
        return executor.withOutput { output in output.indices.map { output[$0] } }
    }

    @Test(arguments: networks) func `A folded model predicts the same, without batch_normalize`(config: String) throws {
        let model = try model(config) { tensor, element in
            let value = Float((tensor.offset * 13 + tensor.part * 5 + element * 29) % 97) / 97
            return switch tensor.role {
            case .rollingVariance: 0.2 + value
            case .scales: value - 0.4
            default: value - 0.5
            }
        }
        let text = try #require(ConfigEdit.denormalized(config, of: model.network))
        let plain = try NetworkDescription(parsing: text, file: "plain.cfg")
        #expect(
            plain.layout.tensors.allSatisfy { $0.role != .scales || model.network.layers[$0.layer].kind == .batchnorm })
        #expect(ConfigEdit.denormalized(text, of: plain) == nil)
        let folded = try model.denormalized(as: plain)
        #expect(folded.iteration == 3 && folded.imagesSeen == 12)
        let (expected, found) = (outputs(model), outputs(folded))
        #expect(expected.count == found.count && Set(expected).count > 2)
        for (expected, found) in zip(expected, found) {
            #expect(abs(expected - found) <= 1e-5 * max(1, abs(expected)), "\(expected) became \(found)")
        }
    }

    @Test(arguments: [("[connected]\noutput=1", 1e-6), ("[conv]", 1e-5)])
    func `Under strict compatibility the epsilon stands inside the root`(layer: String, epsilon: Double) throws {
        let config = "[net] compat=strict\ninputs=1\n\(layer)\nbatch_normalize=1\nactivation=linear\n"
        let model = try model(config) { tensor, _ in
            switch tensor.role {
            case .weights: 3
            case .scales: 2
            case .rollingMean: 5
            case .rollingVariance: 3e-5
            default: 7
            }
        }
        let plain = try NetworkDescription(
            parsing: try #require(ConfigEdit.denormalized(config, of: model.network)), file: "plain.cfg")
        let folded = floats(try model.denormalized(as: plain))
        let factor = 2 / (Double(Float(3e-5)) + epsilon).squareRoot()
        #expect(abs(folded[0] / Float(7 - 5 * factor) - 1) < 1e-6 && abs(folded[1] / Float(3 * factor) - 1) < 1e-6)
    }

    @Test func `The epsilon stands beside the root`() throws {
        let config = "[net]\ninputs=1\n[connected]\nbatch_normalize=1\noutput=1\nactivation=linear\n"
        let model = try model(config) { tensor, _ in
            switch tensor.role {
            case .weights: 3
            case .scales: 2
            case .rollingMean: 5
            case .rollingVariance: 1e-10
            default: 7
            }
        }
        let plain = try NetworkDescription(
            parsing: try #require(ConfigEdit.denormalized(config, of: model.network)), file: "plain.cfg")
        let folded = floats(try model.denormalized(as: plain))
        // The root is 1e-5, the divisor 1.1e-5.
        #expect(abs(folded[0] / Float(7 - 5 * 2 / 1.1e-5) - 1) < 1e-6 && abs(folded[1] / Float(6 / 1.1e-5) - 1) < 1e-6)
        #expect(folded.count == 2)
    }

    @Test func `What does not fold into finite numbers, or not into the network, is refused`() throws {
        let model = try sample { tensor, _ in tensor.role == .scales ? 1e38 : tensor.role == .rollingVariance ? 0 : 1 }
        let text = try #require(ConfigEdit.denormalized(SampleModel.config, of: model.network))
        let plain = try NetworkDescription(parsing: text, file: "plain.cfg")
        let error = #expect(throws: ModelError.self) { try model.denormalized(as: plain) }
        #expect(error?.code == .unsupported && error?.description.contains("layers.0.") == true)
        let longer = text + "\n[connected]\noutput=3\n"
        for other in [SampleModel.config, text.replacing("output=5", with: "output=4"), longer] {
            let network = try NetworkDescription(parsing: other, file: "other.cfg")
            let error = #expect(throws: ModelError.self) {
                try sample { _, _ in 1 }.denormalized(as: network)
            }
            #expect(error?.code == .mismatch)
        }
    }

    @Test func `A configuration loses one key of the layers that are folded, and nothing else`() throws {
        let text =
            "\u{FEFF}[net]\r\ninputs=4 # four\r\n\r\n# first\r\n[connected]\r\n  batch_normalize = 1 ; fast\r\noutput=3\r\n"
            + "[dropout]\nbatch_normalize=1\n[connected]\noutput=2\nbatch_normalize=1"
        let network = try NetworkDescription(parsing: text, file: "test.cfg")
        // That of [dropout] has no meaning, and is not touched.
        #expect(
            ConfigEdit.denormalized(text, of: network)
                == "\u{FEFF}[net]\r\ninputs=4 # four\r\n\r\n# first\r\n[connected]\r\n"
                + "; fast\r\noutput=3\r\n[dropout]\nbatch_normalize=1\n[connected]\noutput=2")
    }

    // MARK: Cutting

    @Test func `The first layers are a model of their own`() throws {
        let model = try sample { tensor, element in Float(tensor.offset + element) }
        for count in 1...5 {
            let text = ConfigEdit.partial(SampleModel.config, of: model.network, layers: count)
            #expect(count == 5 ? text == SampleModel.config : SampleModel.config.hasPrefix(text))
            let network = try NetworkDescription(parsing: text, file: "part.cfg")
            #expect(network.layers == Array(model.network.layers.prefix(count)))
            let part = try model.partial(as: network)
            #expect(part.imagesSeen == 0 && part.iteration == 0)
            let bytes = Array(try DarknetWeights.encoded(part).dropFirst(20))
            let whole = try DarknetWeights.encoded(model).dropFirst(20)
            #expect(!bytes.isEmpty && Array(whole.prefix(bytes.count)) == bytes)
            let tensors = model.network.layout.tensors.filter { $0.layer < count && $0.role.isExported }
            #expect(bytes.count == tensors.reduce(0) { $0 + 4 * $1.count })
        }
        let commented = "[net]\ninputs=2\n[connected]\noutput=3\n# ends here\n\n  \n[connected]\noutput=2\n"
        let network = try NetworkDescription(parsing: commented, file: "test.cfg")
        #expect(
            ConfigEdit.partial(commented, of: network, layers: 1)
                == "[net]\ninputs=2\n[connected]\noutput=3\n# ends here\n")
        #expect(throws: ModelError.self) { try model.partial(as: network) }
    }
}
