import PliniusModels
import PliniusNN
import Testing
import _PliniusSupport

@Suite("Darknet's weights")
struct DarknetWeightsTests {
    let sample: SampleModel

    init() throws { sample = try SampleModel() }

    func read(_ bytes: [UInt8], cutoff: Int? = nil) throws -> UInt64 {
        try DarknetWeights.read(bytes, named: "file", into: sample.arena, of: sample.network, cutoff: cutoff)
    }

    func refuse(
        _ code: ModelError.Code, _ words: [String], _ bytes: [UInt8], cutoff: Int? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let before = sample.bits
        do {
            _ = try read(bytes, cutoff: cutoff)
            Issue.record("accepted", sourceLocation: sourceLocation)
        } catch let error as ModelError {
            #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
            for word in words {
                #expect(error.description.contains(word), "\(error)", sourceLocation: sourceLocation)
            }
        } catch { Issue.record("\(error)", sourceLocation: sourceLocation) }
        #expect(sample.bits == before, "a refusal changed the arena", sourceLocation: sourceLocation)
    }

    @Test("Every tensor arrives in its place, the solver's state stays, and the same bytes come out again")
    func roundTrip() throws {
        let momentum = sample.floats(2, .weightMomentum)
        let bytes = SampleModel.weights()
        let seen = try read(bytes)
        #expect(seen == 148)
        for (index, tensor) in SampleModel.tensors.enumerated() {
            #expect(sample.floats(tensor.layer, tensor.role) == SampleModel.values(index), "\(tensor)")
        }
        #expect(sample.floats(2, .weightMomentum) == momentum)
        let model = Model(network: sample.network, arena: sample.arena, iteration: 37, imagesSeen: seen)
        #expect(try DarknetWeights.encoded(model) == bytes)
    }

    /// A network of layers, with a value of its own for each number of its state.
    private func model(_ layers: String) throws -> Model {
        let network = try NetworkDescription(
            parsing: "[net]\nheight=3\nwidth=3\nchannels=2\n\(layers)\n[softmax]", file: "test.cfg")
        let arena = ParameterArena(layout: network.layout)
        for index in 0..<network.layout.floatCount { arena.memory.floats[index] = Float(index + 1) / 8 }
        return Model(network: network, arena: arena, iteration: 1, imagesSeen: 1)
    }

    private func floats(_ bytes: [UInt8]) -> [Float] {
        stride(from: 20, to: bytes.count, by: 4).map { place in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * $1) })
        }
    }

    @Test(
        "Each kind's arrays follow each other as Darknet's do",
        arguments: [
            ("[local]\nfilters=3\nsize=2\nstride=2", [TensorRole.biases, .weights]),
            ("[deconv]\nfilters=3\nsize=2", [.biases, .weights]),
            (
                "[deconv]\nfilters=3\nsize=2\nbatch_normalize=1",
                [.biases, .scales, .rollingMean, .rollingVariance, .weights]
            ),
            ("[lrn]\n[l2norm]\n[logistic]", []),
        ])
    func kinds(layers: String, roles: [TensorRole]) throws {
        let model = try model(layers)
        let bytes = try DarknetWeights.encoded(model)
        let expected = try roles.flatMap { role in
            Array(model.arena.floats(of: try #require(model.network.layout.tensor(layer: 0, role: role))))
        }
        #expect(floats(bytes) == expected)
        let copy = ParameterArena(layout: model.network.layout)
        _ = try DarknetWeights.read(bytes, named: "file", into: copy, of: model.network)
        let again = Model(network: model.network, arena: copy, iteration: 1, imagesSeen: 1)
        #expect(try DarknetWeights.encoded(again) == bytes)
    }

    @Test("Keys say which layers a file has, and what it has of them")
    func exchange() throws {
        let plain = "[conv]\nfilters=3\nbatch_normalize=1\n"
        let local = "[local]\nfilters=2\n"
        // Biases, scales, means, variances and (3, 2) weights of the convolution; the arena holds (1 + index) / 8 in lines of 16.
        let model = try model(plain + "dontsave=1\n" + local)
        let all = try self.model(plain + local)
        let convolution =
            [0, 16, 32, 48].flatMap { start in (1...3).map { Float(start + $0) / 8 } } + (65...70).map { Float($0) / 8 }
        let whole = floats(try DarknetWeights.encoded(all))
        #expect(Array(whole.prefix(18)) == convolution)
        #expect(floats(try DarknetWeights.encoded(model)) == Array(whole.dropFirst(18)))

        /// Reads numbers into an arena of zeros.
        func read(_ keys: String, _ numbers: [Float]) throws -> (arena: ParameterArena, layout: ArenaLayout) {
            let network = try self.model(plain + keys + local).network
            let arena = ParameterArena(layout: network.layout)
            let bytes =
                Array(try DarknetWeights.encoded(all).prefix(20))
                + numbers.flatMap { SampleModel.little($0.bitPattern) }
            _ = try DarknetWeights.read(bytes, named: "file", into: arena, of: network)
            return (arena, network.layout)
        }
        func values(_ read: (arena: ParameterArena, layout: ArenaLayout), _ layer: Int, _ role: TensorRole) throws
            -> [Float]
        {
            Array(read.arena.floats(of: try #require(read.layout.tensor(layer: layer, role: role))))
        }
        let rest = Array(whole.dropFirst(18))
        let skipped = try read("dontload=1\n", rest)
        #expect(try values(skipped, 0, .weights) == [0, 0, 0, 0, 0, 0])
        #expect(try values(skipped, 1, .biases) == Array(rest.prefix(18)))
        // What was saved without batch normalisation.
        let unscaled = try read("dontloadscales=1\n", [1, 2, 3, 4, 5, 6, 7, 8, 9] + rest)
        #expect(try values(unscaled, 0, .biases) == [1, 2, 3])
        #expect(try values(unscaled, 0, .scales) == [0, 0, 0])
        #expect(try values(unscaled, 0, .weights) == [4, 5, 6, 7, 8, 9])
        #expect(try values(unscaled, 1, .biases) == Array(rest.prefix(18)))
        let fewer = try read("numload=2\n", (1...12).map(Float.init) + rest)
        #expect(try values(fewer, 0, .biases) == [1, 2, 0])
        #expect(try values(fewer, 0, .rollingVariance) == [7, 8, 0])
        #expect(try values(fewer, 0, .weights) == [9, 10, 11, 12, 0, 0])
        #expect(try values(fewer, 1, .biases) == Array(rest.prefix(18)))
        let flipped = try read("flipped=1\n", convolution.prefix(12) + [1, 2, 3, 4, 5, 6] + rest)
        #expect(try values(flipped, 0, .weights) == [1, 4, 2, 5, 3, 6])
        // Without a key the file has another length.
        #expect(throws: ModelError.self) { try read("", rest) }
    }

    @Test("The biases of a layer of batch normalization go into its means, and predictions stay")
    func biasesOfBatchnorm() throws {
        let model = try model("[batchnorm]")
        let floats = floats(try DarknetWeights.encoded(model))
        #expect(floats.count == 6)
        // The arena holds (1 + index) / 8, and each tensor begins a cache line: 16 numbers.
        let deviations = [49.0, 50].map { ($0 / 8).squareRoot() + 1e-6 }
        let moved = (0..<2).map { channel in
            let (bias, scale, mean) = (Double(1 + channel) / 8, Double(17 + channel) / 8, Double(33 + channel) / 8)
            return Float(mean - bias * deviations[channel] / scale)
        }
        let (scales, variances): ([Float], [Float]) = ([17.0 / 8, 18.0 / 8], [49.0 / 8, 50.0 / 8])
        #expect(floats == scales + moved + variances)

        let copy = ParameterArena(layout: model.network.layout)
        _ = copy.memory.floats.update(fromContentsOf: model.arena.memory.floats)
        _ = try DarknetWeights.read(DarknetWeights.encoded(model), named: "file", into: copy, of: model.network)
        func predictions(_ arena: ParameterArena) -> [Float] {
            let executor = ReferenceExecutor(network: model.network, miniBatch: 1, arena: arena, threads: 1)
            let image = (0..<18).map { Float($0) / 8 }
            executor.load(images: image.span, truth: [Float]().span)
            _ = executor.forward(Pass(mode: .inference))
            return executor.withOutput { span in span.indices.map { span[$0] } }
        }
        let (before, after) = (predictions(model.arena), predictions(copy))
        #expect(zip(before, after).allSatisfy { ($0 - $1).magnitude < 1e-5 })
        #expect(Set(before).count > 9)
        let biases = try #require(model.network.layout.tensor(layer: 0, role: .biases))
        #expect(Array(copy.floats(of: biases)) == [0, 0])
    }

    @Test("A bias that no mean can stand for is refused, and one of zero needs none")
    func scaleOfZero() throws {
        let model = try model("[batchnorm]")
        model.arena.memory.floats[17] = 0
        let error = #expect(throws: ModelError.self) { try DarknetWeights.encoded(model) }
        #expect(error?.code == .unsupported)
        #expect(
            error?.description
                == "layers.0: Darknet's weights have no biases for [batchnorm], and with a scale of 0.0 the mean of channel 1 cannot "
                + "stand for a bias of 0.25: export safetensors")
        model.arena.memory.floats[1] = 0
        #expect(try floats(DarknetWeights.encoded(model))[3] == 34.0 / 8)
    }

    @Test(
        "The count of images has 8 bytes from version 0.2 on, 4 before and in transposed versions",
        arguments: [
            (0, 1, 4), (0, 2, 8), (0, 3, 8), (1, 0, 8), (999, 999, 8), (1000, 0, 4), (0, 1000, 4), (0, 0, 4),
        ])
    func headers(major: Int, minor: Int, width: Int) throws {
        let version = [major, minor, 5].flatMap { SampleModel.little(UInt32($0)) }
        let count = width == 8 ? SampleModel.little(UInt64(1 << 40)) : SampleModel.little(UInt32(77))
        #expect(try read(SampleModel.weights(header: version + count)) == (width == 8 ? 1 << 40 : 77))
        #expect(sample.floats(3, .weights) == SampleModel.values(11))
    }

    @Test(
        "In versions above 1000 connected weights are (inputs, outputs), and those of convolutions are not",
        arguments: [
            (1001, 0), (0, 1001),
        ])
    func transposed(major: Int, minor: Int) throws {
        let version = [major, minor, 0, 4].flatMap { SampleModel.little(UInt32($0)) }
        _ = try read(SampleModel.weights(header: version))
        let (written, found) = (SampleModel.values(6), sample.floats(2, .weights))
        for output in 0..<5 {
            for input in 0..<18 { #expect(found[output * 18 + input] == written[input * 5 + output]) }
        }
        #expect(sample.floats(0, .weights) == SampleModel.values(4))
        #expect(sample.floats(2, .biases) == SampleModel.values(5))
    }

    @Test("A cutoff takes the first layers, of a file that ends there and of one that goes on")
    func cutoff() throws {
        let untouched = (sample.floats(2, .weights), sample.floats(3, .biases))
        let whole = SampleModel.weights()
        // Header, then 2 + 2 + 2 + 2 + 18 floats of layer 0.
        let prefix = Array(whole[..<(20 + 4 * 26)])
        for (bytes, cutoff) in [(prefix, 1), (prefix, 2), (whole, 1), (whole, 2)] {
            sample.arena.initialize(sample.network, seed: 7)
            _ = try read(bytes, cutoff: cutoff)
            #expect(sample.floats(0, .weights) == SampleModel.values(4))
            #expect(sample.floats(2, .weights) == untouched.0 && sample.floats(3, .biases) == untouched.1)
        }
        _ = try read(whole, cutoff: 3)
        #expect(sample.floats(2, .weights) == SampleModel.values(6) && sample.floats(3, .biases) == untouched.1)
        _ = try read(whole, cutoff: 5)
        #expect(sample.floats(3, .biases) == SampleModel.values(10))
        refuse(.mismatch, ["layer 2 (line 18", "none"], prefix, cutoff: 3)
        refuse(.mismatch, ["the file goes on"], whole + [0, 0, 0, 0], cutoff: 5)
    }

    @Test("A file that is too short says how far it reaches, one that is too long where its layers end")
    func lengths() throws {
        let whole = SampleModel.weights()
        let first = 20 + 4 * 26
        let second = first + 4 * (5 + 90 + 15)
        for count in 0..<16 { refuse(.damaged, ["16 or 20 bytes", "has \(count)"], Array(whole[..<count])) }
        refuse(
            .mismatch, ["take \(whole.count) bytes, and the file has \(whole.count - 1)", "layer 3"], whole.dropLast())
        refuse(
            .mismatch,
            [
                "--cutoff 2", "layer 2 (line 18 of the configuration): expected bytes \(first)..<\(second), found none",
                "layer 3 (line 23 of the configuration): expected bytes \(second)..<\(whole.count), found none",
            ], Array(whole[..<first]))
        refuse(.mismatch, ["found \(first)..<\(first + 3)"], Array(whole[..<(first + 3)]))
        refuse(.mismatch, ["end at byte \(whole.count)", "goes on"], whole + [0])
        refuse(.mismatch, ["layer 0 (line 7", "expected bytes 20..<\(first), found none"], Array(whole[..<20]))
    }

    @Test("Negative versions, values that are not finite and variances below zero are refused by name")
    func values() throws {
        let negative = SampleModel.little(Int32(-1)) + [UInt8](repeating: 0, count: 16)
        refuse(.damaged, ["version -1.0"], SampleModel.weights(header: negative))
        func changed(_ float: Int, to value: Float) -> [UInt8] {
            var bytes = SampleModel.weights()
            bytes.replaceSubrange(20 + 4 * float..<24 + 4 * float, with: SampleModel.little(value.bitPattern))
            return bytes
        }
        refuse(.damaged, ["layers.0.biases: value 1 is nan"], changed(1, to: .nan))
        refuse(.damaged, ["layers.0.weights: value 17 is inf"], changed(25, to: .infinity))
        refuse(.damaged, ["layers.0.rolling_variance: value 0 is -0.5"], changed(6, to: -0.5))
        _ = try read(changed(4, to: -0.5))
    }
}
