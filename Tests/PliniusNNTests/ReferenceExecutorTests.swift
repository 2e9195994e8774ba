import PliniusNN
import Testing
import _PliniusSupport

/// The `Float` face: determinism, random masks, detection of what is not finite.
@Suite struct ReferenceExecutorTests {
    /// All kinds of layers, small.
    static let network = """
        [net]
        batch=12
        height=9
        width=8
        channels=2
        [convolutional]
        batch_normalize=1
        filters=6
        size=3
        pad=1
        activation=leaky
        [maxpool]
        size=2
        stride=2
        [convolutional]
        filters=6
        size=3
        pad=1
        groups=2
        activation=elu
        [dropout]
        [connected]
        output=10
        batch_normalize=1
        activation=tanh
        [connected]
        output=4
        activation=linear
        [softmax]
        """

    private final class Run {
        let description: NetworkDescription
        let arena: ParameterArena
        let executor: ReferenceExecutor

        init(_ text: String, miniBatch: Int? = nil, threads: Int = 1) throws {
            description = try NetworkDescription(parsing: text, file: "test.cfg")
            arena = ParameterArena(layout: description.layout)
            arena.initialize(description, seed: 3)
            executor = ReferenceExecutor(
                network: description, miniBatch: miniBatch ?? description.options.miniBatch, arena: arena,
                threads: threads)
        }

        var state: [UInt32] { arena.memory.floats.map(\.bitPattern) }
        var output: [Float] { executor.withOutput { span in span.indices.map { span[$0] } } }

        func tensor(_ layer: Int, _ role: TensorRole) throws -> UnsafeMutableBufferPointer<Float> {
            arena.floats(of: try #require(description.layout.tensor(layer: layer, role: role)))
        }

        /// Trains on noise.
        func train(iterations: Int) -> [Float] {
            (0..<iterations).map { iteration in
                load(seed: UInt64(iteration))
                let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
                let loss = executor.forward(pass)
                executor.backward(pass)
                executor.update(
                    SolverStep(learningRate: 0.05, momentum: 0.9, decay: 0.0005, batch: executor.miniBatch))
                return loss
            }
        }

        func load(seed: UInt64) {
            let count = executor.miniBatch * description.input.count
            let images = (0..<count).map { Float(noise($0, seed: seed)) }
            var truth = [Float](repeating: 0, count: executor.miniBatch * description.outputs)
            for image in 0..<executor.miniBatch { truth[image * description.outputs + image % description.outputs] = 1 }
            executor.load(images: images.span, truth: truth.span)
        }
    }

    @Test func `Bits are the same in every run, whatever the number of threads`() throws {
        let first = try Run(Self.network)
        let losses = first.train(iterations: 6)
        for threads in [1, 2, 3, 20] {
            let other = try Run(Self.network, threads: threads)
            #expect(other.train(iterations: 6) == losses)
            #expect(other.state == first.state)
            #expect(other.output == first.output)
        }
    }

    /// Shapes over which four columns at a time stumble; the paths of padding, strides and groups.
    static let layers = [
        "[conv]\nfilters=6\nsize=3\npad=1\nbatch_normalize=1\nactivation=leaky",
        "[conv]\nfilters=8\nsize=3\npad=1\ngroups=2\nactivation=linear",
        "[conv]\nfilters=5\nsize=3\nstride=2\npad=1\nactivation=elu", "[conv]\nfilters=9\nsize=1\nactivation=relu",
        "[conv]\nfilters=3\nsize=7\npadding=6\nactivation=linear",
        "[conv]\nfilters=4\nsize=3\npad=1\nxnor=1\nbatch_normalize=1\nactivation=leaky",
        "[deconv]\nfilters=6\nsize=3\nstride=2\npadding=1\nactivation=leaky",
        "[deconv]\nfilters=3\nsize=2\nbatch_normalize=1\nactivation=leaky",
    ]

    @Test(arguments: layers, [3, 4, 5, 9])
    func `One image alone gets the bits that it gets among others`(layer: String, width: Int) throws {
        let text = """
            [net]
            batch=1
            height=6
            width=\(width)
            channels=2
            [conv]
            filters=4
            size=1
            activation=linear
            \(layer)
            """
        let whole = try Run(text, miniBatch: 8)
        let size = whole.description.input.count
        let images = (0..<8 * size).map { Float(noise($0, seed: 4)) }
        let none: [Float] = []
        whole.executor.load(images: images.span, truth: none.span)
        _ = whole.executor.forward(Pass(mode: .inference))
        for count in 1...8 {
            let part = try Run(text, miniBatch: count, threads: 2)
            for first in 0...8 - count {
                let some = Array(images[first * size..<(first + count) * size])
                part.executor.load(images: some.span, truth: none.span)
                _ = part.executor.forward(Pass(mode: .inference))
                let outputs = whole.description.outputs
                #expect(
                    part.output.map(\.bitPattern)
                        == whole.output[first * outputs..<(first + count) * outputs].map(\.bitPattern))
            }
        }
    }

    @Test func `Float follows Double`() throws {
        let run = try Run(Self.network)
        let shadow = try Shadow(Self.network, threads: 2)
        for (index, value) in run.arena.memory.floats.enumerated() { shadow.state[index] = Double(value) }
        for iteration in 0..<5 {
            run.load(seed: UInt64(iteration))
            let images = (0..<12 * 144).map { Float(noise($0, seed: UInt64(iteration))) }
            shadow.load(images, truth: (0..<48).map { $0 % 4 == $0 / 4 % 4 ? 1 : 0 })
            let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
            let step = SolverStep(learningRate: 0.05, momentum: 0.9, decay: 0.0005, batch: 12)
            expectClose([Double(run.executor.forward(pass))], [shadow.network.forward(pass)], tolerance: 1e-5)
            expectClose(run.output.map(Double.init), shadow.output(ofLayer: 6), tolerance: 1e-5)
            run.executor.backward(pass)
            shadow.network.backward(pass)
            run.executor.update(step)
            shadow.network.update(step)
        }
        expectClose(run.arena.memory.floats.map(Double.init), Array(shadow.state), tolerance: 1e-5)
    }

    @Test(arguments: [1, 7, 8, 9, 16])
    func `An image's prediction does not depend on its neighbours`(miniBatch: Int) throws {
        let text = Self.network.replacing("batch=12", with: "batch=\(miniBatch)")
        let run = try Run(text)
        run.load(seed: 4)
        #expect(run.executor.forward(Pass(mode: .inference)) == 0)
        let outputs = run.output
        let alone = try Run(text, miniBatch: 1)
        for image in 0..<miniBatch {
            let pixels = (0..<144).map { Float(noise(image * 144 + $0, seed: 4)) }
            alone.executor.load(images: pixels.span, truth: [Float]().span)
            _ = alone.executor.forward(Pass(mode: .inference))
            #expect(alone.output == Array(outputs[image * 4..<image * 4 + 4]))
        }
    }

    // MARK: Dropout

    @Test func `Dropout drops what the random stream says, scales the rest, and is still in inference`() throws {
        let text =
            "[net]\nbatch=11\nheight=5\nwidth=3\nchannels=3\n[dropout]\nprobability=.3\n[dropout]\nprobability=.3\n"
        let shadow = try Shadow(text)
        shadow.load([Float](repeating: 1, count: 11 * 45))
        let pass = Pass(mode: .training, seed: 77, iteration: 5, firstImage: 22)
        _ = shadow.network.forward(pass)
        var expected: [Double] = []
        for image in 22..<33 {
            for element in 0..<45 {
                let word = RandomStream(seed: 77, purpose: .dropout, substream: 0)
                    .block(UInt64(image) << 32 | UInt64(element / 4), iteration: 5)[element % 4]
                expected.append(RandomStream.unit(word) < 0.3 ? 0 : 1 / 0.7)
            }
        }
        expectClose(shadow.output(ofLayer: 0), expected, tolerance: 1e-6)
        let dropped = expected.count { $0 == 0 }
        #expect((100...200).contains(dropped), "of 495 values about 149 fall, not \(dropped)")
        // The next layer draws numbers of its own.
        let both = shadow.output(ofLayer: 1)
        #expect(both.contains { $0 > 2 } && zip(both, expected).contains { $0 == 0 && $1 != 0 })

        _ = shadow.network.forward(Pass(mode: .training, seed: 77, iteration: 6, firstImage: 22))
        #expect(shadow.output(ofLayer: 1) != both)
        _ = shadow.network.forward(Pass(mode: .inference, seed: 77, iteration: 5))
        #expect(shadow.output(ofLayer: 1).allSatisfy { $0 == 1 })
    }

    // MARK: Not finite

    @Test func `The first layer that is not finite is named`() throws {
        let run = try Run(Self.network)
        run.load(seed: 1)
        let pass = Pass(mode: .training)
        #expect(run.executor.forward(pass).isFinite && run.executor.firstNonFiniteLayer() == nil)
        let weights = try run.tensor(4, .weights)
        let before = weights[7]
        weights[7] = .nan
        #expect(run.executor.forward(pass).isNaN)
        #expect(run.executor.firstNonFiniteLayer() == 4)
        weights[7] = before
        try run.tensor(2, .biases)[1] = .infinity
        _ = run.executor.forward(pass)
        #expect(run.executor.firstNonFiniteLayer() == 2)
    }

    @Test(arguments: Activation.allCases)
    func `No activation and no pooling hides NaN`(activation: Activation) throws {
        let text = """
            [net]
            height=3
            width=3
            channels=1
            [convolutional]
            activation=\(activation)
            [maxpool]
            size=2
            stride=1
            padding=0
            """
        for place in 0..<9 {
            let shadow = try Shadow(text)
            var image = [Float](repeating: 1, count: 9)
            image[place] = .nan
            shadow.load(image)
            _ = shadow.network.forward(Pass(mode: .inference))
            #expect(shadow.network.firstNonFiniteLayer() == 0)
            let windows = shadow.output(ofLayer: 1)
            #expect(
                windows.indices.allSatisfy { window in
                    let (row, column) = (place / 3 - window / 2, place % 3 - window % 2)
                    return windows[window].isNaN == ((0...1).contains(row) && (0...1).contains(column))
                })
        }
    }
}
