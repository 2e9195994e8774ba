import PliniusNN
import Testing
import _PliniusSupport

/// Adam and clipping, and that nothing but the arena remembers anything.
@Suite struct SolverTests {
    static let network = """
        [net]
        batch=4
        height=4
        width=4
        channels=1
        learning_rate=0.01
        decay=0.05
        adam=1
        [conv]
        batch_normalize=1
        filters=3
        size=3
        activation=leaky
        [connected]
        output=3
        activation=linear
        [softmax]
        """

    @Test func `Adam's means and steps are those of its paper`() throws {
        let shadow = try Shadow(Self.network.replacing("adam=1", with: "adam=1\nB1=.75\nB2=.5\neps=.125"))
        let (weight, gradients) = (shadow[1, .weights][0], [3.0, -1.0, 0.5])
        var (w, mean, square) = (weight, 0.0, 0.0)
        for (index, gradient) in gradients.enumerated() {
            shadow[1, .weightMomentum] = [Double](repeating: gradient, count: 36)
            shadow.network.update(shadow.description.options.step(ofUpdate: index + 1, seed: 1))
            let t = Double(index + 1)
            func power(_ base: Double) -> Double { (0..<Int(t)).reduce(1) { result, _ in result * base } }
            let downhill = gradient - Double(Float(0.05)) * 4 * w
            mean = 0.75 * mean + 0.25 * downhill
            square = 0.5 * square + 0.5 * downhill * downhill
            let (meanHat, squareHat) = (mean / (1 - power(0.75)), square / (1 - power(0.5)))
            w += Double(Float(0.01)) * meanHat / (squareHat.squareRoot() + 0.125)
            expectClose([shadow[1, .weights][0]], [w], tolerance: 1e-12)
            expectClose([shadow[1, .weightMean][0], shadow[1, .weightSquare][0]], [mean, square], tolerance: 1e-12)
            #expect(shadow[1, .weightMomentum].allSatisfy { $0 == 0 })
        }
        #expect(w != weight)
    }

    @Test(arguments: [TensorRole.biases, .scales])
    func `Biases and scales do not decay under Adam either`(role: TensorRole) throws {
        let shadow = try Shadow(Self.network)
        let before = shadow[0, role]
        shadow.network.update(shadow.description.options.step(ofUpdate: 1, seed: 1))
        #expect(shadow[0, role] == before && !before.isEmpty)
        #expect(shadow[0, .weights].allSatisfy { $0 != 0 } && shadow[0, .weightMean].allSatisfy { $0 != 0 })
    }

    @Test func `Adam counts updates from the beginning of the run`() throws {
        let options = try parse(Self.network).options
        #expect(options.step(ofUpdate: 1, seed: 1).adam?.meanCorrection == 1 / (1 - Double(Float(0.9))))
        let late = try #require(options.step(ofUpdate: 1_000_000_000, seed: 1).adam)
        #expect(late.meanCorrection == 1 && late.squareCorrection == 1)
    }

    @Test func `Convolutions' weights are clipped after each update, and a NaN is not hidden`() throws {
        for adam in ["adam=0", "adam=1"] {
            let shadow = try Shadow(Self.network.replacing("adam=1", with: "\(adam)\nclip=.0625"))
            shadow[0, .weights] = [1, -1, 0.0624, -0.0624, .nan, .infinity, -.infinity, 0] + shadow[0, .weights][8...]
            let others = [shadow[0, .biases], shadow[0, .scales]]
            shadow.network.update(
                SolverStep(
                    learningRate: 0, momentum: 0.9, decay: 0, batch: 4,
                    adam: shadow.description.options.step(ofUpdate: 1, seed: 1).adam, clip: 0.0625))
            let weights = shadow[0, .weights]
            #expect(Array(weights[0..<4]) == [0.0625, -0.0625, 0.0624, -0.0624] && weights[4].isNaN)
            #expect(weights[8...].allSatisfy { $0.magnitude <= 0.0625 })
            // As in Darknet, all else is left alone.
            #expect([shadow[0, .biases], shadow[0, .scales]] == others)
            #expect(shadow[1, .weights].contains { $0.magnitude > 0.0625 })
        }
        #expect(
            try parse(Self.network.replacing("adam=1", with: "clip=.5")).options.step(ofUpdate: 1, seed: 1).clip == 0.5)
    }

    @Test(arguments: [network, network.replacing("adam=1", with: "momentum=.8")])
    func `Training goes on with the same bits from a copy of the arena`(text: String) throws {
        func run() throws -> (ParameterArena, (Range<Int>) -> Void) {
            let network = try parse(text)
            let arena = ParameterArena(layout: network.layout)
            arena.initialize(network, seed: 3)
            let executor = ReferenceExecutor(network: network, miniBatch: 4, arena: arena, threads: 1)
            return (
                arena,
                { iterations in
                    for iteration in iterations {
                        let images = (0..<64).map { Float(noise($0, seed: UInt64(iteration))) }
                        let truth: [Float] = (0..<12).map { $0 % 4 == 0 ? 1 : 0 }
                        executor.load(images: images.span, truth: truth.span)
                        let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
                        _ = executor.forward(pass)
                        executor.backward(pass)
                        executor.update(network.options.step(ofUpdate: iteration + 1, seed: 9))
                    }
                }
            )
        }
        let (unbroken, train) = try run()
        train(0..<3)
        let (resumed, resume) = try run()
        _ = resumed.memory.floats.update(fromContentsOf: unbroken.memory.floats)
        train(3..<6)
        #expect(unbroken.memory.floats.map(\.bitPattern) != resumed.memory.floats.map(\.bitPattern))
        resume(3..<6)
        #expect(unbroken.memory.floats.map(\.bitPattern) == resumed.memory.floats.map(\.bitPattern))
    }
}
