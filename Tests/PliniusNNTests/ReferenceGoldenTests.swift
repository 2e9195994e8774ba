import PliniusNN
import Testing

/// Values that were worked out by hand from the published formulas, in double precision.
@Suite struct ReferenceGoldenTests {
    private let training = Pass(mode: .training)

    // MARK: Convolution

    private let convolution = """
        [net]
        width=3
        height=3
        channels=1
        [convolutional]
        filters=1
        size=3
        pad=1
        activation=leaky
        [cost]
        """

    /// A convolution of 1...9 with −0.4...0.4, whose delta is 1 everywhere.
    private func convolved() throws -> Shadow {
        let shadow = try Shadow(convolution)
        shadow[0, .weights] = (-4...4).map { Double($0) / 10 }
        shadow[0, .biases] = [0.5]
        let images = (1...9).map(Float.init)
        shadow.load(images)
        _ = shadow.network.forward(training)
        shadow.load(images, truth: shadow.output(ofLayer: 0).map { Float($0 + 1) })
        _ = shadow.network.forward(training)
        shadow.network.backward(training)
        return shadow
    }

    @Test func `A convolution forward and backward`() throws {
        let shadow = try convolved()
        expectClose(
            shadow.output(ofLayer: 0), [3.9, 5.4, 3.1, 5.6, 6.5, 2.6, -0.09, -0.36, -0.41], tolerance: 1e-12)
        expectClose(shadow[0, .biasMomentum], [6.3], tolerance: 1e-6)
        expectClose(shadow[0, .weightMomentum], [3.9, 7.5, 6.1, 13.5, 23.4, 17.7, 24, 39, 28], tolerance: 1e-6)
    }

    @Test func `The input's delta of a convolution`() throws {
        let shape = Shape(channels: 1, height: 3, width: 3)
        let correlation = Correlation<Double>(
            inputGradient: ConvolutionGeometry(
                input: shape, output: shape, kernelHeight: 3, kernelWidth: 3, stride: 1, padding: 1, groups: 1))
        let weights = Grid<Double>(count: 9)
        for index in 0..<9 { weights[index] = Double(index - 4) / 10 }
        let packed = Grid<SIMD4<Double>>(count: correlation.packedCount)
        correlation.pack(weights.buffer, into: packed.buffer, tiles: 0..<1)
        let delta = Tensor(shape, images: 1)
        for element in 0..<9 { delta.lanes[0, element] = SIMD8(repeating: element < 6 ? 1 : 0.1) }
        let inputDelta = Tensor(shape, images: 1)
        correlation.run(units: 0..<1, from: delta.lanes, packed: packed.buffer, to: inputDelta.lanes)
        expectClose(inputDelta.read(), [-0.8, -0.9, -0.4, 0.33, 0.81, 0.75, 0.49, 0.9, 0.71])
    }

    @Test func `Two updates with momentum and decay`() throws {
        let shadow = try convolved()
        let step = SolverStep(learningRate: 0.01, momentum: 0.9, decay: 0.1, batch: 4)
        shadow.network.update(step)
        expectClose(shadow[0, .biases], [0.51575], tolerance: 1e-7)
        expectClose(shadow[0, .biasMomentum], [5.67], tolerance: 1e-6)
        expectClose([shadow[0, .weights][0], shadow[0, .weights][8]], [-0.38985, 0.4696], tolerance: 1e-6)
        expectClose([shadow[0, .weightMomentum][0], shadow[0, .weightMomentum][8]], [3.654, 25.056], tolerance: 1e-6)
        shadow.network.update(step)
        expectClose(shadow[0, .biases], [0.529925], tolerance: 1e-6)
        expectClose(shadow[0, .biasMomentum], [5.103], tolerance: 1e-6)
        expectClose([shadow[0, .weights][0], shadow[0, .weights][8]], [-0.3803252, 0.5317704], tolerance: 1e-6)
        expectClose(
            [shadow[0, .weightMomentum][0], shadow[0, .weightMomentum][8]], [3.428946, 22.381344], tolerance: 1e-6)
    }

    @Test func `A layer's own rate multiplies the network's`() throws {
        let plain = try convolved()
        let shadow = try Shadow(
            convolution.replacing("activation=leaky", with: "activation=leaky\nlearning_rate=.5"))
        for (index, value) in plain.state.enumerated() { shadow.state[index] = value }
        let before = plain[0, .biases][0]
        let step = SolverStep(learningRate: 0.01, momentum: 0.9, decay: 0.1, batch: 4)
        plain.network.update(step)
        shadow.network.update(step)
        expectClose([shadow[0, .biases][0] - before], [(plain[0, .biases][0] - before) / 2], tolerance: 1e-9)
    }

    // MARK: Batch normalization

    @Test func `Batch normalization in training, backward and in inference`() throws {
        let shadow = try Shadow(
            """
            [net]
            batch=4
            inputs=1
            [connected]
            batch_normalize=1
            output=1
            activation=linear
            [cost]
            """)
        shadow[0, .weights] = [1]
        shadow[0, .scales] = [1.5]
        shadow[0, .biases] = [0.25]
        shadow[0, .rollingMean] = [0]
        shadow[0, .rollingVariance] = [0]
        shadow.load([1, 2, 3, 6])
        _ = shadow.network.forward(training)
        let output = shadow.output(ofLayer: 0)
        expectClose(output, [-1.13873, -0.444365, 0.25, 2.333094], tolerance: 1e-6)
        expectClose(shadow[0, .rollingMean], [0.03])
        expectClose(shadow[0, .rollingVariance], [0.0466667], tolerance: 1e-6)

        _ = shadow.network.forward(Pass(mode: .inference))
        expectClose(shadow.output(ofLayer: 0), [6.9853, 13.9289, 20.8725, 41.7034], tolerance: 1e-5)

        shadow.load([1, 2, 3, 6], truth: zip(output, [0.1, -0.2, 0.3, 0.4]).map { Float($0 + $1) })
        _ = shadow.network.forward(training)
        shadow.network.backward(training)
        expectClose(shadow[0, .rollingMean], [0.0597])
        expectClose(shadow[0, .biasMomentum], [0.6], tolerance: 1e-6)
        expectClose(shadow[0, .scaleMomentum], [0.5554918], tolerance: 1e-6)
    }

    // MARK: Pooling

    @Test(arguments: [
        ("size=2\nstride=2", [10, 9, 8, 10, 9, 4, 9, 4, 7] as [Double]),
        ("size=2\nstride=2\npadding=0", [10, 9, 10, 9]),
        ("size=3\nstride=2", [10, 10, 9, 10, 10, 8, 10, 9, 8]),
    ])
    func `Maxima of windows`(options: String, expected: [Double]) throws {
        #expect(try maxima(options) == expected)
    }

    @Test func `Maxima of windows one apart`() throws {
        let maxima = try maxima("size=2\nstride=1")
        #expect(maxima.count == 25)
        #expect(Array(maxima.prefix(5)) == [10, 10, 9, 9, 8])
    }

    private func maxima(_ options: String) throws -> [Double] {
        let shadow = try Shadow("[net]\nwidth=5\nheight=5\nchannels=1\n[maxpool]\n\(options)\n")
        shadow.load(
            (0..<25).map { place in
                let (row, column) = place.quotientAndRemainder(dividingBy: 5)
                return Float((7 * row + 3 * column) % 11)
            })
        _ = shadow.network.forward(Pass(mode: .inference))
        return shadow.output(ofLayer: 0)
    }

    @Test func `Equal maxima hand their delta to the first`() throws {
        // One of four equal values gets it: the weight's gradient is 2 and not 8.
        let shadow = try Shadow(
            """
            [net]
            width=2
            height=2
            channels=1
            [convolutional]
            activation=linear
            [maxpool]
            size=2
            padding=0
            [cost]
            """)
        shadow.load([1, 1, 1, 1], truth: [5])
        shadow[0, .weights] = [3]
        shadow[0, .biases] = [0]
        _ = shadow.network.forward(training)
        shadow.network.backward(training)
        #expect(shadow[0, .weightMomentum] == [2])
    }

    // MARK: Softmax

    @Test(arguments: [
        (1.0, [0.090031, 0.244728, 0.665241], 1.407606), (2.0, [0.186324, 0.307196, 0.50648], 1.18027),
    ])
    func `Softmax and its loss`(temperature: Double, probabilities: [Double], loss: Double) throws {
        let shadow = try Shadow(
            "[net]\ninputs=3\n[connected]\noutput=3\nactivation=linear\n[softmax]\ntemperature=\(temperature)\n")
        shadow[0, .weights] = [1, 0, 0, 0, 1, 0, 0, 0, 1]
        shadow[0, .biases] = [0, 0, 0]
        shadow.load([1, 2, 3], truth: [0, 1, 0])
        expectClose([shadow.network.forward(training)], [loss], tolerance: 1e-6)
        expectClose(shadow.output(ofLayer: 1), probabilities, tolerance: 1e-6)
        shadow.network.backward(training)
        let delta = zip([0.0, 1, 0], probabilities).map { ($0 - $1) / temperature }
        expectClose(shadow[0, .biasMomentum], delta, tolerance: 1e-6)
    }

    @Test func `The loss of an impossible truth is finite`() throws {
        let shadow = try Shadow("[net]\ninputs=3\n[softmax]\n")
        shadow.load([-4000, 0, 4000], truth: [1, 0, 0])
        #expect(shadow.network.forward(training) == 8000)
    }

    // MARK: Activations

    @Test(arguments: [
        (Activation.linear, [-0.5, 0.5, 1.7]), (.logistic, [0.377541, 0.622459, 0.845535]),
        (.loggy, [-0.244919, 0.244919, 0.691069]), (.relu, [0, 0.5, 1.7]), (.elu, [-0.393469, 0.5, 1.7]),
        (.selu, [-0.691731, 0.52535, 1.78619]), (.relie, [-0.005, 0.5, 1.7]), (.ramp, [-0.05, 0.55, 1.87]),
        (.leaky, [-0.05, 0.5, 1.7]), (.tanh, [-0.462117, 0.462117, 0.935409]), (.plse, [0.4375, 0.5625, 0.7125]),
        (.stair, [-0.5, 0, 0.7]), (.hardtan, [-0.5, 0.5, 1]), (.lhtan, [-0.0005, 0.5, 1.0007]),
    ])
    func `Activations at three points`(activation: Activation, expected: [Double]) throws {
        let shadow = try Shadow("[net]\nbatch=3\ninputs=1\n[connected]\nactivation=\(activation)\n")
        shadow[0, .weights] = [1]
        shadow[0, .biases] = [0]
        shadow.load([-0.5, 0.5, 1.7])
        _ = shadow.network.forward(Pass(mode: .inference))
        expectClose(shadow.output(ofLayer: 0), expected, tolerance: 1e-6)
    }

    // MARK: Costs

    @Test(arguments: [
        // Differences of 2, −0.5, 0 and, where the truth is −1234, none.
        ("sse", 4.25, [2, -0.5, 0]), ("seg", 4.25, [2, -0.5, 0]), ("masked", 4.25, [2, -0.5, 0]),
        ("L1", 2.5, [1, -1, -1]), ("smooth", 3.25, [1, -0.5, 0]), ("wgan", 0.5, [1, -1, 1]),
    ])
    func `Costs and their deltas`(form: String, cost: Double, delta: [Double]) throws {
        let shadow = try Shadow(
            "[net]\ninputs=3\n[connected]\noutput=3\nactivation=linear\n[cost]\nscale=2\ntype=\(form)\n")
        shadow[0, .weights] = [Double](repeating: 0, count: 9)
        shadow[0, .biases] = [-1, 0.5, 1]
        shadow.load([0, 0, 0], truth: [1, 0, 1])
        #expect(shadow.network.forward(training) == (form == "wgan" ? 1 + 0.5 - 1 : cost))
        shadow.network.backward(training)
        #expect(shadow[0, .biasMomentum] == delta.map { 2 * $0 })
    }

    @Test func `A masked cost does not see what is not known`() throws {
        let shadow = try Shadow("[net]\ninputs=3\n[cost]\ntype=masked\n[softmax]\nnoloss=1\n")
        shadow.load([1, 2, 3], truth: [0, -1234, 1])
        #expect(shadow.network.forward(training) == 5)
    }
}
