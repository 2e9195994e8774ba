import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// Determinism, agreement over many updates, and what a pass finds that is not finite.
@Suite struct ExecutorTests {
    /// All kinds of layers, the paper's network in small.
    static let network = """
        [net]
        batch=12
        height=16
        width=15
        channels=1
        learning_rate=0.05
        momentum=0.9
        decay=0.0005
        [convolutional]
        batch_normalize=1
        filters=16
        size=3
        pad=1
        activation=leaky
        [maxpool]
        size=2
        stride=2
        [convolutional]
        batch_normalize=1
        filters=32
        size=3
        pad=1
        activation=leaky
        [convolutional]
        batch_normalize=1
        filters=32
        size=3
        pad=1
        activation=leaky
        [dropout]
        [convolutional]
        filters=10
        size=1
        activation=leaky
        [avgpool]
        [softmax]
        """

    @Test(arguments: [1, 2, 3])
    func `Bits are the same in every run with the same threads`(threads: Int) throws {
        let first = try Trial(Self.network, threads: threads)
        let losses = first.train(iterations: 0..<6)
        for _ in 0..<3 {
            let other = try Trial(Self.network, threads: threads)
            #expect(other.train(iterations: 0..<6) == losses)
            #expect(other.hasSameState(as: first))
            #expect(other.output == first.output)
        }
        let alone = try Trial(Self.network).train(iterations: 0..<6)
        expectClose(losses, alone.map(Double.init), tolerance: 1e-4, "another sharing out rounds differently, no more")
    }

    @Test func `Training goes on with the same bits from a copy of the arena`() throws {
        let unbroken = try Trial(Self.network)
        _ = unbroken.train(iterations: 0..<3)
        let resumed = try Trial(Self.network, seed: 8)
        // Another model's activations and packed weights are still in the buffers.
        _ = resumed.train(iterations: 10..<12)
        _ = resumed.arena.memory.floats.update(fromContentsOf: unbroken.arena.memory.floats)
        resumed.executor.parametersDidChange()
        #expect(resumed.train(iterations: 3..<6) == unbroken.train(iterations: 3..<6))
        #expect(resumed.hasSameState(as: unbroken))
    }

    @Test(arguments: [ConvolutionAlgorithm.winograd, .direct])
    func `Twenty losses are the reference's`(algorithm: ConvolutionAlgorithm) throws {
        let trial = try Trial(Self.network, algorithm: algorithm)
        let judge = Judge(trial)
        for iteration in 0..<20 {
            let images = trial.images(seed: UInt64(iteration))
            let truth = (0..<12 * 10).map { $0 % 10 == $0 / 10 % 10 ? Float(1) : 0 }
            trial.load(images, truth)
            judge.network.load(images: images.span, truth: truth.span)
            let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
            expectClose(
                [trial.executor.forward(pass)], [judge.network.forward(pass)], tolerance: 1e-3, "update \(iteration)")
            trial.executor.backward(pass)
            judge.network.backward(pass)
            trial.executor.update(trial.step(iteration))
            judge.network.update(trial.step(iteration))
        }
    }

    @Test func `Winograd's algorithm runs where it was chosen`() throws {
        let hasBlocks = try Trial(Self.network).executor.implementations.contains { _, names in
            names.contains { $0.hasSuffix("avx512_core") }
        }
        // Other processors have none.
        guard hasBlocks else { return }
        let chosen = try Trial(Self.network).executor.implementations
        #expect(chosen.filter { $0.names.allSatisfy { $0.contains("wino") } }.map(\.layer) == [2, 3])
        let direct = try Trial(Self.network, algorithm: .direct).executor.implementations
        #expect(!direct.contains { $0.names.contains { $0.contains("wino") } })
    }

    @Test func `The first layer owes nobody a delta`() throws {
        let names = try Trial(Self.network).executor.implementations.map(\.names.count)
        #expect(names == [2, 3, 3, 3])
        let stopped = Self.network.replacing("[dropout]", with: "stopbackward=1\n[dropout]")
        #expect(try Trial(stopped).executor.implementations.map(\.names.count) == [2, 2, 2, 2])
    }

    @Test func `Inference with the mini-batch's statistics is training`() throws {
        let text = Self.network.replacing("[dropout]\n", with: "")
        let trial = try Trial(text)
        let images = trial.images(seed: 3)
        trial.load(images, trial.truth(seed: 3))
        _ = trial.executor.forward(Pass(mode: .training))
        let trained = trial.output
        try trial.keepStatistics(ofLayers: [0, 2, 3], begunWith: text)
        trial.load(images)
        #expect(trial.executor.forward(Pass(mode: .inference)) == 0)
        expectClose(trial.output, trained.map(Double.init), tolerance: 1e-3)
    }

    @Test func `An image's prediction does not depend on its neighbours`() throws {
        let trial = try Trial(Self.network)
        trial.load(trial.images(seed: 4))
        _ = trial.executor.forward(Pass(mode: .inference))
        let alone = try Trial(Self.network.replacing("batch=12", with: "batch=1"))
        for image in 0..<12 {
            alone.load(Array(trial.images(seed: 4)[image * 240..<image * 240 + 240]))
            _ = alone.executor.forward(Pass(mode: .inference))
            expectClose(alone.output, trial.output[image * 10..<image * 10 + 10].map(Double.init), tolerance: 1e-5)
        }
    }

    // MARK: Not finite

    @Test func `The first layer that is not finite is named`() throws {
        let trial = try Trial(Self.network)
        trial.load(trial.images(seed: 1), trial.truth(seed: 1))
        let pass = Pass(mode: .training)
        #expect(trial.executor.forward(pass).isFinite && trial.executor.firstNonFiniteLayer() == nil)
        let before = trial[3, .weights]
        trial[3, .weights][7] = .nan
        trial.executor.parametersDidChange()
        #expect(trial.executor.forward(pass).isNaN)
        #expect(trial.executor.firstNonFiniteLayer() == 3)
        trial[3, .weights] = before
        trial[0, .biases][1] = .infinity
        trial.executor.parametersDidChange()
        #expect(!trial.executor.forward(pass).isFinite)
        #expect(trial.executor.firstNonFiniteLayer() == 0)
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
            let trial = try Trial(text)
            var image = [Float](repeating: 1, count: 9)
            image[place] = .nan
            trial.load(image)
            _ = trial.executor.forward(Pass(mode: .inference))
            #expect(trial.executor.firstNonFiniteLayer() == 0)
            let windows = trial.output
            for window in windows.indices {
                let (row, column) = (place / 3 - window / 2, place % 3 - window % 2)
                #expect(windows[window].isNaN == ((0...1).contains(row) && (0...1).contains(column)))
            }
        }
    }
}
