import PliniusNN
import Testing
import _PliniusSupport

/// Recurrent layers: their sections, the order of their rows, the state between passes, and that nothing else remembers.
@Suite struct RecurrentTests {
    private static let net = "[net]\nbatch=3\ntime_steps=4\nheight=2\nwidth=3\nchannels=2\n"
    static let cells = [
        "[rnn]\noutput=5\nactivation=tanh", "[rnn]\noutput=5\nshortcut=1\nactivation=leaky", "[gru]\noutput=4",
        "[gru]\noutput=4\ntanh=1", "[lstm]\noutput=4",
        "[crnn]\noutput_filters=2\nhidden_filters=3\nactivation=tanh\nshortcut=1",
    ]

    // MARK: Configuration

    static let sections: [(text: String, summary: String, output: String, parts: [[Int]])] = [
        ("[rnn]", "rnn 1 1 false false logistic", "1x1x1", [[1, 12], [1, 1], [1, 1]]),
        (
            "[rnn]\noutput=5\nbatch_normalize=1\nshortcut=1\nactivation=leaky", "rnn 5 5 true true leaky", "5x1x1",
            [[5, 12], [5, 5], [5, 5]]
        ),
        (
            "[gru]\noutput=5", "gru 5 5 false false logistic", "5x1x1",
            [[5, 5], [5, 5], [5, 5], [5, 12], [5, 12], [5, 12]]
        ),
        (
            "[gru]\ntanh=1\nbatch_normalize=1", "gru 1 1 true false tanh", "1x1x1",
            [[1, 1], [1, 1], [1, 1], [1, 12], [1, 12], [1, 12]]
        ),
        (
            "[lstm]\noutput=2", "lstm 2 2 false false tanh", "2x1x1",
            [[2, 2], [2, 2], [2, 2], [2, 2], [2, 12], [2, 12], [2, 12], [2, 12]]
        ),
        (
            "[crnn]\noutput_filters=4\nhidden_filters=5\nshortcut=1", "crnn 4 5 false true logistic", "4x2x3",
            [[5, 2, 3, 3], [5, 5, 3, 3], [4, 5, 3, 3]]
        ),
        (
            "[crnn]\nactivation=relu\nbatch_normalize=1", "crnn 1 1 true false relu", "1x2x3",
            [[1, 2, 3, 3], [1, 1, 3, 3], [1, 1, 3, 3]]
        ),
    ]

    @Test(arguments: sections)
    func `A section means`(text: String, summary: String, output: String, parts: [[Int]]) throws {
        let network = try parse(Self.net + text + "\n[cost]")
        #expect(network.warnings.isEmpty)
        #expect(PliniusNNTests.summary(network.layers[0]) == summary)
        #expect(network.layers[0].output.description == output)
        let weights = network.layout.tensors.filter { $0.role == .weights }
        #expect(weights.map(\.shape) == parts && weights.map(\.part) == Array(parts.indices))
        let isNormalized = text.contains("batch_normalize")
        #expect(network.layout.tensors.count == parts.count * (isNormalized ? 8 : 4))
    }

    @Test func `A batch counts every step of its sequences`() throws {
        let options = try parse("[net]\nbatch=6\nsubdivisions=2\ntime_steps=4\ninputs=1\n[rnn]\n[cost]").options
        #expect(options.batch == 24 && options.miniBatch == 12 && options.timeSteps == 4)
        #expect(options.step(ofUpdate: 1, seed: 1).batch == 24)
    }

    @Test(arguments: [
        ("batch=3", "batch=6"), ("time_steps=4", "time_steps=2"), ("batch=3\ntime_steps=4", "batch=4\ntime_steps=3"),
        ("shortcut=1", "shortcut=0"), ("tanh=1", "tanh=0"), ("activation=leaky", "activation=relu"),
        ("hidden_filters=3", "hidden_filters=4"), ("output_filters=2", "output_filters=3"),
        ("[lstm]\noutput=4\n[crnn]", "[lstm]\noutput=4\nbatch_normalize=1\n[crnn]"),
    ])
    func `Every option counts in a run's identity`(line: String, other: String) throws {
        let text =
            Self.net + """
                [crnn]
                output_filters=2
                hidden_filters=3
                shortcut=1
                activation=leaky
                [gru]
                tanh=1
                [lstm]
                output=4
                [crnn]
                [cost]
                """
        let changed = text.replacing(line, with: other)
        #expect(changed != text)
        #expect(try parse(changed).canonicalBytes != parse(text).canonicalBytes)
    }

    @Test(arguments: [("[rnn]", 24), ("[gru]", 25), ("[lstm]", 26), ("[crnn]", 27)])
    func `A kind has its number in a run's identity`(text: String, code: UInt8) throws {
        // Kind 4, [avgpool], has no options; behind it are the layer's rate, its flag, and the time steps.
        let plain = try parse(Self.net + "[avgpool]").canonicalBytes
        let other = try parse(Self.net + text).canonicalBytes
        let place = plain.count - 6 - 9
        #expect(plain[place] == 4 && other[place] == code && other.prefix(place) == plain.prefix(place))
    }

    @Test func `The layout tells parts apart where there are some`() throws {
        func roles(_ text: String) throws -> [UInt8] {
            let network = try parse(text)
            let bytes = network.layoutBytes
            var place = 8
            return network.layout.tensors.map { tensor in
                defer { place += 4 + 1 + 8 + 1 + 8 * tensor.shape.count }
                return bytes[place + 4]
            }
        }
        #expect(try roles("[net]\ninputs=2\n[connected]\n[cost]") == [1, 5, 6, 8])
        #expect(
            try roles("[net]\ninputs=2\n[rnn]\n[cost]")
                == [0, 16, 32].flatMap { part in [1, 5, 6, 8].map { $0 + part } })
    }

    @Test(arguments: [
        ("[net]\ninputs=2\ntime_steps=0", "net.cfg:3: time_steps: expected 1 to 65536, found 0"),
        (
            "[net]\nbatch=1000\ninputs=2\ntime_steps=66\n[rnn]",
            "net.cfg:4: time_steps: expected batch x time_steps of at most 65536, found 1000 x 66"
        ),
        ("[net]\ninputs=2\n[rnn]\noutput=0", "net.cfg:4: output: expected 1 to 1048576, found 0"),
        (
            "[net]\ninputs=2\n[lstm]\nbatch_normalize=x",
            "net.cfg:4: batch_normalize: expected a whole number, found \"x\""
        ),
        ("[net]\ninputs=2\n[gru]\ntanh=2", "net.cfg:4: tanh: expected 0 to 1, found 2"),
        ("[net]\ninputs=2\n[crnn]\nhidden_filters=0", "net.cfg:4: hidden_filters: expected 1 to 1048576, found 0"),
        (
            "[net]\nheight=4096\nwidth=4096\nchannels=1\n[crnn]\nhidden_filters=1000000",
            "net.cfg:6: hidden_filters: its state is more than 2147483648 numbers"
        ),
        (
            "[net]\nheight=1024\nwidth=1024\nchannels=1\nbatch=16\n[crnn]\nhidden_filters=100",
            "net.cfg:6: the network is too large: up to here it takes 184128 numbers of state and 3388997632 of "
                + "outputs for 16 images; 2147483648 of each are allowed"
        ),
        (
            "[net]\ninputs=2000000000\n[lstm]\noutput=1000000",
            "net.cfg:3: the network is too large: up to here it takes 16008000016000000 numbers of state and 2008000000 of "
                + "outputs for 1 images; 2147483648 of each are allowed"
        ),
    ])
    func `A fault is told with its place`(text: String, message: String) {
        #expect(refusal(of: text) == message)
    }

    @Test func `Keys of other cells are passed over and told`() throws {
        let network = try parse("[net]\ninputs=2\n[lstm]\nactivation=tanh\nshortcut=1\n[rnn]\nhidden=9\n[cost]")
        #expect(network.warnings.map(\.line) == [4, 5, 7])
    }

    // MARK: Passes

    private final class Run {
        let description: NetworkDescription
        let arena: ParameterArena
        let executor: ReferenceExecutor

        init(_ text: String, sequences: Int = 3, timeSteps: Int? = nil, threads: Int = 1) throws {
            description = try parse(text)
            arena = ParameterArena(layout: description.layout)
            arena.initialize(description, seed: 3)
            executor = ReferenceExecutor(
                network: description, miniBatch: sequences * (timeSteps ?? description.options.timeSteps),
                timeSteps: timeSteps, arena: arena, threads: threads)
        }

        /// Rows of noise, as they would follow each other in a whole sequence.
        func predict(rows: Range<Int>, carriesState: Bool = false, seed: UInt64 = 4) -> [Float] {
            let count = description.input.count
            let images = (rows.lowerBound * count..<rows.upperBound * count).map { Float(noise($0, seed: seed)) }
            executor.load(images: images.span, truth: [Float]().span)
            _ = executor.forward(Pass(mode: .inference, carriesState: carriesState))
            return executor.withOutput { span in span.indices.map { span[$0] } }
        }

        func train(iterations: Range<Int>) -> [Float] {
            iterations.map { iteration in
                let rows = executor.miniBatch
                let images = (0..<rows * description.input.count).map { Float(noise($0, seed: UInt64(iteration))) }
                let truth = (0..<rows * description.outputs).map { Float(noise($0, seed: 77 + UInt64(iteration))) }
                executor.load(images: images.span, truth: truth.span)
                let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
                let loss = executor.forward(pass)
                executor.backward(pass)
                executor.update(description.options.step(ofUpdate: iteration + 1, seed: 9))
                return loss
            }
        }

        var bits: [UInt32] { arena.memory.floats.map(\.bitPattern) }
    }

    @Test(arguments: cells)
    func `Step by step with a carried state is a sequence at once`(cell: String) throws {
        let text = Self.net + cell + "\n[connected]\noutput=3\nactivation=linear\n"
        let whole = try Run(text).predict(rows: 0..<12)
        let single = try Run(text, timeSteps: 1)
        let double = try Run(text, timeSteps: 2)
        // The second time after forgetting, the third after a pass that carries no state.
        for round in 0..<3 {
            let singles = (0..<4).flatMap { single.predict(rows: $0 * 3..<$0 * 3 + 3, carriesState: true) }
            #expect(singles == whole, "round \(round)")
            let doubles = (0..<2).flatMap { double.predict(rows: $0 * 6..<$0 * 6 + 6, carriesState: true) }
            #expect(doubles == whole, "round \(round)")
            #expect(single.predict(rows: 0..<3, carriesState: true) != Array(whole[..<9]))
            if round == 0 {
                single.executor.resetState()
                double.executor.resetState()
            } else {
                #expect(single.predict(rows: 0..<3) == Array(whole[..<9]))
                #expect(double.predict(rows: 0..<6) == Array(whole[..<18]))
            }
        }
    }

    @Test(arguments: cells)
    func `A row changes its own sequence from its step on, and no other`(cell: String) throws {
        let run = try Run(Self.net + cell)
        let images = (0..<12 * 12).map { Float(noise($0, seed: 4)) }
        func predict(_ images: [Float]) -> [[Float]] {
            run.executor.load(images: images.span, truth: [Float]().span)
            _ = run.executor.forward(Pass(mode: .inference))
            let outputs = run.executor.withOutput { span in span.indices.map { span[$0] } }
            return stride(from: 0, to: outputs.count, by: outputs.count / 12).map {
                Array(outputs[$0..<$0 + outputs.count / 12])
            }
        }
        let before = predict(images)
        #expect(before == predict(images), "each pass begins with a state of zeros")
        var changed = images
        // Step 1 of sequence 2.
        changed[(1 * 3 + 2) * 12 + 5] += 0.5
        let after = predict(changed)
        #expect((0..<12).filter { before[$0] != after[$0] } == [5, 8, 11])
    }

    @Test(arguments: cells)
    func `Bits are the same with any number of threads, and from a copy of the arena`(cell: String) throws {
        let text =
            Self.net + cell.replacing("]\n", with: "]\nbatch_normalize=1\n") + "\n[connected]\noutput=3\n[cost]\n"
        let first = try Run(text)
        let losses = first.train(iterations: 0..<2)
        let resumed = try Run(text, threads: 2)
        _ = resumed.train(iterations: 5..<6)
        _ = resumed.arena.memory.floats.update(fromContentsOf: first.arena.memory.floats)
        let more = first.train(iterations: 2..<4)
        #expect(resumed.train(iterations: 2..<4) == more && resumed.bits == first.bits)
        let other = try Run(text, threads: 3)
        #expect(other.train(iterations: 0..<4) == losses + more && other.bits == first.bits)
    }

    @Test func `Every part learns, with Adam too, and clipping is for convolutions of their own`() throws {
        for net in [Self.net, Self.net.replacing("[net]", with: "[net]\nadam=1\nclip=.001")] {
            for cell in Self.cells {
                let run = try Run(net + cell + "\nbatch_normalize=1\n[cost]")
                let before = run.bits
                _ = run.train(iterations: 0..<2)
                let after = run.bits
                for tensor in run.description.layout.tensors where tensor.role == .weights {
                    let place = tensor.offset..<tensor.offset + tensor.count
                    #expect(zip(before[place], after[place]).allSatisfy { $0 != $1 }, "\(tensor) of \(cell)")
                    #expect(after[place].contains { Float(bitPattern: $0).magnitude > 0.001 })
                }
            }
        }
    }

    @Test func `Each part draws its own first weights, as layers of its kind do`() throws {
        let network = try parse(Self.net + "[lstm]\noutput=6\n[connected]\noutput=6\n[cost]")
        let arena = ParameterArena(layout: network.layout)
        arena.initialize(network, seed: 5)
        let weights = network.layout.tensors.filter { $0.role == .weights && $0.layer == 0 }
            .map { Array(arena.floats(of: $0)) }
        #expect(Set(weights).count == 8)
        for (index, part) in weights.enumerated() {
            let bound = (2 / Float(index < 4 ? 6 : 12)).squareRoot()
            #expect(part.allSatisfy { $0.magnitude <= bound } && part.contains { $0.magnitude > 0.6 * bound })
        }
        let images = try parse(Self.net + "[crnn]\nhidden_filters=40\n[cost]")
        let other = ParameterArena(layout: images.layout)
        other.initialize(images, seed: 5)
        let tensor = try #require(images.layout.tensor(layer: 0, part: 1, role: .weights))
        let variance = other.floats(of: tensor).reduce(0) { $0 + $1 * $1 } / Float(tensor.count)
        // Normal: of 14,400 draws some lie beyond three deviations.
        #expect((variance * 180 - 1).magnitude < 0.05)
        #expect(other.floats(of: tensor).contains { $0.magnitude > 3 * (2 / Float(360)).squareRoot() })
    }
}
