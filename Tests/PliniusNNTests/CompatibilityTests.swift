import Glibc
import PliniusNN
import Testing

/// Each fault of Darknet that is repaired by default, and that `compat=strict` has again; docs/darknet.md lists them.
@Suite struct CompatibilityTests {
    static let pass = Pass(mode: .training, seed: 3, iteration: 5)

    /// A network after one training pass, forward and backward.
    struct Trained {
        let shadow: Shadow
        let cost: Double

        init(
            _ compatibility: Compatibility, _ net: String, _ layers: String, images: [Float], truth: [Float],
            _ state: [(layer: Int, role: TensorRole, values: [Double])] = []
        ) throws {
            shadow = try Shadow("[net]\ncompat=\(compatibility)\n\(net)\n\(layers)\n")
            for (layer, role, values) in state { shadow[layer, role] = values }
            shadow.load(images, truth: truth)
            cost = shadow.network.forward(CompatibilityTests.pass)
            shadow.network.backward(CompatibilityTests.pass)
        }
    }

    // MARK: Convolutions

    private static let passOn = "[conv]\nactivation=linear\n"

    @Test(arguments: [
        (Compatibility.fixed, [171.0, 193, 259, 281]), (.strict, [51, 62, 73, 84]),
    ])
    func `A 1x1 convolution with strides reads its input from the beginning`(
        compatibility: Compatibility, expected: [Double]
    ) throws {
        let images = (1...32).map { Float($0) }
        let trained = try Trained(
            compatibility, "batch=1\nheight=4\nwidth=4\nchannels=2", "[conv]\nstride=2\nactivation=linear\n[cost]",
            images: images, truth: [0, 0, 0, 0], [(0, .weights, [1, 10]), (0, .biases, [0])])
        #expect(trained.shadow.output(ofLayer: 0) == expected)
        // The gradient of a weight is what it was multiplied with, times the deltas: those of the cost are -output.
        let places = compatibility == .strict ? [[1, 2, 3, 4], [5, 6, 7, 8]] : [[1, 3, 9, 11], [17, 19, 25, 27]]
        expectClose(
            trained.shadow[0, .weightMomentum],
            places.map { zip($0, expected).reduce(0) { $0 - Double($1.0) * $1.1 } })
    }

    @Test(arguments: [(Compatibility.fixed, [1.0, 0, 1]), (.strict, [1, 2, 0])])
    func `A 1x1 convolution with strides hands its deltas to what it read`(
        compatibility: Compatibility, expected: [Double]
    ) throws {
        // The first layer has a bias for each position, whose gradients are its deltas: what the second layer asks for.
        let trained = try Trained(
            compatibility, "batch=1\nheight=1\nwidth=3\nchannels=1",
            "[local]\nactivation=linear\n[conv]\nstride=2\nactivation=linear\n[cost]",
            images: [1, 1, 1], truth: [2, 4],
            [(0, .weights, [1, 2, 3]), (0, .biases, [0, 0, 0]), (1, .weights, [1]), (1, .biases, [0])])
        #expect(trained.shadow[0, .biasMomentum] == expected)
    }

    @Test func `A 1x1 convolution that would read beyond the image is refused`() throws {
        let text = "height=2\nwidth=2\nchannels=1\n[conv]\npadding=1\n[cost]"
        _ = try parse("[net]\n" + text)
        #expect(refusal(of: "[net] compat=strict\n" + text).contains("net.cfg:6: padding: under compat=strict"))
    }

    /// A layer that passes on what it reads, and what the weight before it learns.
    static let overwriting: [(layer: String, strict: Double, fixed: Double)] = [
        ("[conv]\nactivation=linear", 3, 6), ("[reorg]\nstride=1", 3, 6), ("[activation]", 3, 6),
        ("[lrn]\nalpha=0", 3, 6), ("[conv]\nsize=3\npad=1\nactivation=linear", 6, 6),
    ]

    @Test(arguments: overwriting)
    func `A layer overwrites the deltas of later readers`(layer: String, strict: Double, fixed: Double) throws {
        for (compatibility, expected) in [(Compatibility.strict, strict), (.fixed, fixed)] {
            var state: [(layer: Int, role: TensorRole, values: [Double])] = [
                (0, .weights, [1]), (0, .biases, [0]), (1, .biases, [0]),
            ]
            state.append((1, .weights, layer.contains("size") ? [0, 0, 0, 0, 1, 0, 0, 0, 0] : [1]))
            // The sum is 2, the truth 5, so that each of two ways back brings 3.
            let trained = try Trained(
                compatibility, "batch=1\nheight=1\nwidth=1\nchannels=1",
                Self.passOn + layer + "\n[shortcut]\nfrom=0\n[cost]", images: [1], truth: [5], state)
            #expect(trained.shadow[0, .weightMomentum] == [expected], "\(compatibility)")
        }
    }

    @Test(arguments: [(Compatibility.fixed, 0.0), (.strict, 0.208309)])
    func `Batch normalisation's gradient has an epsilon and divisors of its own`(
        compatibility: Compatibility, expected: Double
    ) throws {
        // Deltas are (.1, -.2, .3, .4), and come out as (.054557, -.198390, .104155, .039678) in Darknet: times x .208309.
        // Exact ones are perpendicular to x, since its scale does not matter.
        let values: [Float] = [-1.1387299, -0.44436496, 0.25, 2.3330949]
        let trained = try Trained(
            compatibility, "batch=4\ninputs=1",
            "[connected]\nactivation=linear\n[connected]\nbatch_normalize=1\nactivation=linear\n[cost]",
            images: [1, 2, 3, 6], truth: zip(values, [0.1, -0.2, 0.3, 0.4]).map { $0 + $1 },
            [
                (0, .weights, [1]), (0, .biases, [0]), (1, .weights, [1]), (1, .scales, [1.5]), (1, .biases, [0.25]),
            ])
        #expect((trained.shadow[0, .weightMomentum][0] - expected).magnitude < 1e-5)
        expectClose(trained.shadow[1, .scaleMomentum], [0.5554918], tolerance: 1e-5)
    }

    @Test(arguments: [(Compatibility.fixed, 2.0), (.strict, 1)])
    func `Binary weights have no effect without binary inputs`(compatibility: Compatibility, expected: Double) throws {
        let trained = try Trained(
            compatibility, "batch=1\nheight=1\nwidth=1\nchannels=2", "[conv]\nbinary=1\nactivation=linear\n[cost]",
            images: [1, 0], truth: [0], [(0, .weights, [1, 3]), (0, .biases, [0])])
        #expect(trained.shadow.output(ofLayer: 0) == [expected])
    }

    // MARK: Beginnings

    @Test(arguments: [(Compatibility.fixed, Float(1), 12), (.strict, 0, 3)])
    func `Training begins without variance, and with local weights at the first position`(
        compatibility: Compatibility, variance: Float, weights: Int
    ) throws {
        let network = try parse(
            "[net] compat=\(compatibility)\nheight=2\nwidth=2\nchannels=3\n[local]\n[conv]\nbatch_normalize=1\n[cost]")
        let arena = ParameterArena(layout: network.layout)
        arena.initialize(network, seed: 1)
        let tensors = network.layout.tensors
        let rolling = try #require(tensors.first { $0.role == .rollingVariance })
        #expect(arena.floats(of: rolling).allSatisfy { $0 == variance })
        let local = try #require(tensors.first { $0.role == .weights })
        #expect(arena.floats(of: local).count { $0 != 0 } == weights)
        #expect(arena.floats(of: local).prefix(3).allSatisfy { $0 != 0 })
    }

    // MARK: Other layers

    @Test(arguments: Compatibility.allCases)
    func `Dropout changes what the layer before takes its slopes from`(compatibility: Compatibility) throws {
        // Logistic of 0 is .5; what is kept is doubled to 1, where the slope is 0, and not .25 any more. The cost asks for 3 - 1,
        // which dropout doubles: 2 · 2 · .25 for each that is kept.
        let trained = try Trained(
            compatibility, "batch=1\nheight=4\nwidth=4\nchannels=1",
            "[conv]\nactivation=logistic\n[dropout]\n[route]\nlayers=0\n[cost]",
            images: Array(repeating: 1, count: 16), truth: Array(repeating: 3, count: 16),
            [(0, .weights, [0]), (0, .biases, [0])])
        let kept = Self.dropped.count { $0 == 1 }
        #expect(1...15 ~= kept)
        if compatibility == .strict {
            // The route reads what was dropped, too.
            #expect(trained.shadow.output(ofLayer: 2) == Self.dropped)
            #expect(trained.shadow[0, .biasMomentum] == [0])
        } else {
            // Nothing reads the dropout here: the route's deltas are 2.5 · .25 each.
            #expect(trained.shadow.output(ofLayer: 2) == Array(repeating: 0.5, count: 16))
            #expect(trained.shadow[0, .biasMomentum] == [10])
        }
    }

    /// What dropout makes of 16 values of .5, by the stream of its layer.
    private static let dropped = (0..<16).map { element -> Double in
        let words = RandomStream(seed: 3, purpose: .dropout, substream: 1).block(UInt64(element / 4), iteration: 5)
        return RandomStream.unit(words[element % 4]) < 0.5 ? 0 : 1
    }

    @Test(arguments: Compatibility.allCases)
    func `Dropout over a pool leaves the pool's places alone`(compatibility: Compatibility) throws {
        // Deltas go where the maxima were: to the last of four positions each.
        let trained = try Trained(
            compatibility, "batch=1\nheight=2\nwidth=8\nchannels=1",
            "[local]\nactivation=linear\n[maxpool]\nsize=2\nstride=2\npadding=0\n[dropout]\n[cost]",
            images: Array(repeating: 1, count: 16), truth: [9, 9, 9, 9],
            [(0, .weights, (1...16).map(Double.init)), (0, .biases, Array(repeating: 0, count: 16))])
        let output = trained.shadow.output(ofLayer: 2)
        let deltas = Array(repeating: 0, count: 8) + output.flatMap { [0, $0 == 0 ? 0 : 2 * (9 - $0)] }
        #expect(trained.shadow[0, .biasMomentum] == deltas)
    }

    /// Ones on the diagonal: what follows sees the input, and the biases' gradients are the deltas.
    private static func alone(_ count: Int) -> [(layer: Int, role: TensorRole, values: [Double])] {
        [
            (0, .weights, (0..<count * count).map { $0 % (count + 1) == 0 ? 1 : 0 }),
            (0, .biases, Array(repeating: 0, count: count)),
        ]
    }

    struct LossCase: CustomStringConvertible, Sendable {
        var description: String
        var layers: String
        var input: [Float]
        var truth: [Float]
        var fixed: (cost: Double, deltas: [Double])
        var strict: (cost: Double, deltas: [Double])
    }

    static let losses = [
        LossCase(
            description: "softmax at a temperature", layers: "[softmax]\ntemperature=2", input: [1, 2, 3],
            truth: [0, 1, 0], fixed: (1.18027, [-0.093162, 0.346402, -0.25324]),
            strict: (1.18027, [-0.186324, 0.692804, -0.50648])),
        // Darknet counts -ln p in full wherever the truth is not 0.
        LossCase(
            description: "softmax of smoothed labels", layers: "[softmax]", input: [1, 2, 3], truth: [0.1, 0.8, 0.1],
            fixed: (1.407606, [0.009969, 0.555272, -0.565241]), strict: (4.222818, [0.009969, 0.555272, -0.565241])),
        // What the cost asks of the probabilities, Darknet takes for what it asks of the logits.
        LossCase(
            description: "softmax before a cost", layers: "[softmax]\nnoloss=1\n[cost]", input: [0, 0], truth: [1, 0],
            fixed: (0.5, [0.25, -0.25]), strict: (0.5, [0.5, -0.5])),
        LossCase(
            description: "softmax in a tree", layers: "[softmax]\ntree=-1,-1,0,0", input: [0, 0, 0, 0],
            truth: [0, 1, 0, 0], fixed: (0.693147, [-0.5, 0.5, 0, 0]),
            strict: (2.079442, [-0.5, 0.5, -1234.5, -1234.5])),
        LossCase(
            description: "smooth", layers: "[cost]\ntype=smooth", input: [0, 0, 0], truth: [3, -2, 0.5],
            fixed: (8.25, [1, -1, 0.5]), strict: (8.25, [-1, 1, 0.5])),
        LossCase(
            description: "wgan", layers: "[cost]\ntype=wgan", input: [2, 3], truth: [1, 0], fixed: (1, [1, -1]),
            strict: (10, [-1, -3])),
        LossCase(
            description: "length one", layers: "[l2norm]\n[cost]", input: [3, 4], truth: [1.6, 0.8],
            fixed: (1, [0.128, -0.096]), strict: (1, [1, 0])),
        // Golden numbers: norms of 1.5, 3.1, 3.1 and 3 in Darknet, where 2.4, 4, 4 and 3.9 are right.
        LossCase(
            description: "response normalisation", layers: "[lrn]\nalpha=.1\n[cost]", input: [1, 2, 3, 4],
            truth: [1.737788, 0.856069, 1.284103, 1.754765],
            fixed: (
                pow(1.737788 - pow(2.4, -0.75), 2) + pow(0.856069 - 2 * pow(4, -0.75), 2)
                    + pow(1.284103 - 3 * pow(4, -0.75), 2) + pow(1.754765 - 4 * pow(3.9, -0.75), 2), []
            ), strict: (1, [0.737788, 0, 0, 0])),
    ]

    @Test(arguments: losses)
    func `A loss and its deltas`(_ loss: LossCase) throws {
        let count = loss.input.count
        for (compatibility, expected) in [(Compatibility.fixed, loss.fixed), (.strict, loss.strict)] {
            let flat = "[connected]\noutput=\(count)\nactivation=linear\n"
            let trained = try Trained(
                compatibility, "batch=1\ninputs=\(count)", flat + loss.layers, images: loss.input, truth: loss.truth,
                Self.alone(count))
            #expect((trained.cost - expected.cost).magnitude < 3e-6, "\(compatibility)")
            guard !expected.deltas.isEmpty else { continue }
            let deltas = trained.shadow[0, .biasMomentum]
            #expect(
                zip(deltas, expected.deltas).allSatisfy { ($0 - $1).magnitude < 3e-6 }, "\(compatibility) \(deltas)")
        }
    }

    @Test(arguments: Compatibility.allCases)
    func `A crop is drawn once for all images`(compatibility: Compatibility) throws {
        let image = (0..<36).map { Float($0) }
        let trained = try Trained(
            compatibility, "batch=10\nheight=6\nwidth=6\nchannels=1",
            "[crop]\ncrop_height=2\ncrop_width=2\nflip=1\n[cost]",
            images: Array(repeating: image, count: 10).flatMap { $0 }, truth: Array(repeating: 0, count: 40))
        let output = trained.shadow.output(ofLayer: 0)
        let windows = Set((0..<10).map { Array(output[4 * $0..<4 * $0 + 4]) })
        #expect(compatibility == .strict ? windows.count == 1 : windows.count > 5)
    }

    @Test(arguments: Compatibility.allCases)
    func `A gru has no gradients`(compatibility: Compatibility) throws {
        let shadow = try Shadow(
            "[net] compat=\(compatibility)\nbatch=2\ntime_steps=3\ninputs=2\n[connected]\noutput=2\n[gru]\noutput=2\n[cost]"
        )
        shadow.loadNoise()
        _ = shadow.network.forward(Self.pass)
        shadow.network.backward(Self.pass)
        let hasGradients = (0..<2).flatMap { shadow[$0, .weightMomentum] }.contains { $0 != 0 }
        #expect(hasGradients == (compatibility == .fixed))
    }

    // MARK: Heads

    @Test(arguments: Compatibility.allCases)
    func `A region hands no deltas down`(compatibility: Compatibility) throws {
        let region = "[region]\nclasses=2\nanchors=1,1\n"
        let shadow = try Shadow(
            "[net] compat=\(compatibility)\nheight=3\nwidth=3\nchannels=1\n[conv]\nfilters=7\nactivation=linear\n"
                + region)
        shadow.load(Array(repeating: 1, count: 9), truth: [0.4, 0.6, 0.3, 0.3, 1] + Array(repeating: 0, count: 145))
        #expect(shadow.network.forward(Self.pass) > 0)
        shadow.network.backward(Self.pass)
        #expect(shadow[0, .biasMomentum].contains { $0 != 0 } == (compatibility == .fixed))
    }

    @Test(arguments: [(Compatibility.fixed, [0, 0.5, 0.5]), (.strict, [0, -0.5, 0.5])])
    func `The first class alone tells whether a cell is shared`(
        compatibility: Compatibility, expected: [Double]
    ) throws {
        let shadow = try Shadow(
            """
            [net] compat=\(compatibility)
            inputs=1
            [connected]
            output=8
            activation=linear
            [yolo]
            classes=3
            anchors=1,1
            """)
        // The first class is as unlikely as can be, so that there is nothing to say of it; the others are at one half.
        shadow[0, .weights] = Array(repeating: 0, count: 8)
        shadow[0, .biases] = [0, 0, 0, 0, 0, -1000, 0, 0]
        let boxes: [Float] = [0.5, 0.5, 0.9, 0.9, 1, 0.4, 0.6, 0.9, 0.9, 2]
        shadow.load([1], truth: boxes + Array(repeating: 0, count: 440))
        _ = shadow.network.forward(Self.pass)
        shadow.network.backward(Self.pass)
        #expect(shadow[0, .biasMomentum].suffix(3) == expected[...])
    }

    // MARK: [net]

    @Test func `Rates are Darknet's`() throws {
        func rate(_ compatibility: Compatibility, _ text: String, _ n: Int) throws -> Float {
            let net = "[net] compat=\(compatibility)\ninputs=1\nlearning_rate=.1\n\(text)\n[conv]\n[cost]"
            return try parse(net).options.learningRate(atUpdate: n, seed: 0)
        }
        // Darknet's difference of an update and the step is never negative.
        let sigmoid = "policy=sigmoid\nstep=100\ngamma=.01"
        #expect((try rate(.fixed, sigmoid, 50) - 0.06224593).magnitude < 1e-7)
        #expect(try rate(.strict, sigmoid, 50) == 0)
        #expect(try rate(.strict, sigmoid, 150) == rate(.fixed, sigmoid, 150))
        #expect(try rate(.strict, "policy=sigmoid\nstep=100\ngamma=-.01", 50) == 0.1)
        let poly = "policy=poly\nmax_batches=500"
        #expect(try rate(.strict, poly, 500) == 0)
        #expect((try rate(.strict, poly, 501) / 1.6e-12 - 1).magnitude < 1e-6)
        #expect(try rate(.fixed, poly, 501) == 0)
        #expect(try rate(.strict, poly + "\npower=.5", 501).isNaN)
    }

    @Test func `Images are drawn with replacement, and the rest of a batch is forgotten`() throws {
        let strict = try parse("[net]\ncompat=strict\ninputs=1\nbatch=11\nsubdivisions=3\n[conv]\n[cost]").options
        #expect([strict.batch, strict.miniBatch] == [9, 3])
        #expect(strict.sampling == .withReplacement)
        #expect(
            refusal(of: "[net]\ninputs=1\nbatch=11\nsubdivisions=3\n[conv]\n[cost]").contains(
                "expected a divisor of batch=11"))
        #expect(try parse("[net]\ninputs=1\n[conv]\n[cost]").options.sampling == .epochs)
        #expect(
            try parse("[net]\ncompat=strict\nsampling=epochs\ninputs=1\n[conv]\n[cost]").options.sampling == .epochs)
        #expect(
            refusal(of: "[net]\ncompat=strict\ninputs=1\nbatch=2\nsubdivisions=3\n[conv]\n[cost]").contains("batch=2"))
    }

    @Test(arguments: [(Compatibility.fixed, 1.0), (.strict, 0.99)])
    func `Adam lets biases decay`(compatibility: Compatibility, expected: Double) throws {
        let net = "batch=4\ninputs=1\nlearning_rate=.01\ndecay=.1\nadam=1"
        let trained = try Trained(
            compatibility, net, "[connected]\nactivation=linear\n[cost]", images: [0, 0, 0, 0], truth: [1, 1, 1, 1],
            [(0, .weights, [0]), (0, .biases, [1])])
        trained.shadow.network.update(trained.shadow.description.options.step(ofUpdate: 1, seed: 0))
        #expect((trained.shadow[0, .biases][0] - expected).magnitude < 1e-6)
    }

    @Test func `It is part of what a run is, and stands on the line of [net] or its own`() throws {
        let layers = "inputs=2\n[conv]\n[softmax]"
        let digests = try ["[net]", "[net] compat=fixed", "[net] compat=strict", "[net]\ncompat=strict"].map {
            try parse($0 + "\n" + layers).canonicalBytes
        }
        #expect(digests[0] == digests[1])
        #expect(digests[0] != digests[2])
        #expect(digests[2] == digests[3])
        #expect(refusal(of: "[net] compat=strictly\n" + layers).contains("1: compat: expected one of fixed, strict"))
        #expect(refusal(of: "[net] compat=strict\ncompat=fixed\n" + layers).contains("is \"strict\" on line 1"))
        #expect(refusal(of: "[net] compat\n" + layers).contains("is neither [section] nor key=value"))
    }

    // MARK: Gradients

    /// Networks whose gradients are those of their cost by default, and not under `compat=strict`.
    static let wrong: [(net: String, layers: String, share: Double)] = [
        (
            "batch=3\nheight=4\nwidth=4\nchannels=2",
            convolution(2) + "[conv]\nfilters=2\nstride=2\nactivation=tanh\n"
                + "[route]\nlayers=0\n[conv]\nfilters=2\nactivation=linear\n[route]\nlayers=-1,1\n[cost]", 0.5
        ),
        ("batch=5\ninputs=3", "[connected]\noutput=2\nbatch_normalize=1\nactivation=linear\n[cost]", 0.5),
        ("batch=3\ninputs=4", "[connected]\noutput=2\nactivation=tanh\n[dropout]\n[cost]", 0.5),
        ("batch=3\ninputs=4", "[connected]\noutput=3\nactivation=linear\n[softmax]\ntemperature=3", 1),
        ("batch=3\ninputs=4", "[connected]\noutput=3\nactivation=linear\n[softmax]\nnoloss=1\n[cost]", 0.5),
        ("batch=3\nheight=2\nwidth=2\nchannels=1", convolution(4) + "[l2norm]\n[cost]", 0.5),
        ("batch=3\nheight=2\nwidth=2\nchannels=1", convolution(4) + "[lrn]\nalpha=.3\n[cost]", 0.5),
        ("batch=2\ntime_steps=2\ninputs=2", "[gru]\noutput=2\n[cost]", 0.5),
    ]

    private static func convolution(_ filters: Int) -> String {
        "[conv]\nfilters=\(filters)\nactivation=linear\n"
    }

    @Test(arguments: wrong.indices)
    func `Gradients are those of the cost by default alone`(index: Int) throws {
        let (net, layers, share) = Self.wrong[index]
        func error(_ compatibility: Compatibility) throws -> Double {
            let shadow = try Shadow("[net] compat=\(compatibility)\n\(net)\n\(layers)\n", seed: 11)
            shadow.loadNoise()
            _ = shadow.network.forward(Self.pass)
            shadow.network.backward(Self.pass)
            let tensor = try #require(shadow.description.layout.tensors.first { $0.role == .weights })
            let gradient = shadow[0, .weightMomentum]
            return (0..<tensor.count).map { index in
                let place = tensor.offset + index
                let value = shadow.state[place]
                shadow.state[place] = value + 1e-5
                let above = shadow.network.forward(Self.pass)
                shadow.state[place] = value - 1e-5
                let below = shadow.network.forward(Self.pass)
                shadow.state[place] = value
                return (gradient[index] - share * (below - above) / 2e-5).magnitude
            }.max() ?? 0
        }
        #expect(try error(.fixed) < 1e-7)
        #expect(try error(.strict) > 1e-5)
    }
}
