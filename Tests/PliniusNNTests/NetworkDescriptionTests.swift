import PliniusNN
import Testing
import _PliniusTestSupport

/// What a configuration comes to: layers, shapes, sizes.
@Suite struct NetworkDescriptionTests {
    @Test func `The paper's network has its layers, its shapes and 391,594 parameters`() throws {
        let network = try parse(mnistConfig)
        #expect(network.warnings.isEmpty)
        #expect(network.layout.parameterCount == 391_594)
        let shapes =
            ["32x28x28", "32x14x14"] + Array(repeating: "64x14x14", count: 9)
            + ["64x7x7", "128x7x7", "128x7x7", "10x7x7", "10x1x1", "10x1x1"]
        #expect(network.layers.map(\.output.description) == shapes)
        #expect(network.options.batch == 128 && network.options.miniBatch == 128 && network.options.maxBatches == 500)
        #expect(network.outputs == 10 && network.outputLayer == 16)
    }

    /// Layers, convolutions, parameters; counted from the files by other means.
    static let published = [
        ("mnist", 17, 12, 391_594), ("small-cfg0", 9, 4, 94_634), ("small-cfg4", 13, 8, 243_114),
        ("big-cfg10", 18, 13, 5_689_514), ("big-cfg45", 53, 48, 26_369_194), ("cifar", 17, 10, 7_687_050),
    ]

    @Test(.enabled(if: testData != nil), arguments: published)
    func `The paper's own configurations come to the published sizes`(
        name: String, layers: Int, convolutions: Int, parameters: Int
    ) throws {
        let network = try parse(text(of: "\(testData ?? "")/configs/\(name).cfg"))
        #expect(network.layers.count == layers)
        #expect(network.layout.tensors.count { $0.role == .weights } == convolutions)
        #expect(network.layout.parameterCount == parameters)
        #expect(network.layers.last?.output == Shape(channels: 10, height: 1, width: 1))
        #expect(network.augmentation.fit == .crop(least: 32, most: 32))
        // Those for colours, where there are none.
        #expect(network.warnings.count == (network.input.channels == 3 ? 0 : 3))
    }

    @Test(.enabled(if: testData != nil))
    func `Our network is the paper's`() throws {
        // But for the crop, which is not for digits that have the network's size.
        let crop = "max_crop=32\nmin_crop=32"
        let paper = try parse(text(of: "\(testData ?? "")/configs/mnist.cfg").replacing(crop, with: ""))
        #expect(try parse(mnistConfig).canonicalBytes == paper.canonicalBytes)
    }

    @Test func `Every key reaches the description`() throws {
        let network = try parse(everything)
        #expect(network.warnings.isEmpty)
        let options = network.options
        #expect(options.batch == 12 && options.subdivisions == 3 && options.miniBatch == 4)
        #expect(options.learningRate == 0.05 && options.momentum == 0.8 && options.decay == 0.002)
        #expect(options.policy == .steps(at: [100, 250], scales: [0.1, 0.5]))
        #expect(options.burnIn == 10 && options.power == 3 && options.maxBatches == 400)
        #expect(options.sampling == .withReplacement)
        #expect(network.input == Shape(channels: 4, height: 14, width: 12))
        #expect(
            network.layers.map(summary) == [
                "conv 8 3 2 1 2 true elu", "maxpool 3 2 1", "conv 6 2 1 2 1 false relu", "avgpool",
                "connected 9 true tanh", "dropout 0.25", "connected 6 false linear", "softmax 2 1.5 false",
                "cost smooth 2.0",
            ])
        #expect(
            network.layers.map(\.output.description) == [
                "8x7x6", "8x3x3", "6x6x6", "6x1x1", "9x1x1", "9x1x1", "6x1x1", "6x1x1", "6x1x1",
            ])
        #expect(network.layers.map(\.learningRateScale) == [0.5, 1, 1, 1, 1, 1, 1, 1, 1])
        #expect(network.layers.filter(\.stopsBackward).map(\.index) == [2])
        #expect(network.layers[1].line == 28)
        #expect(network.outputLayer == 7 && network.outputs == 6)
    }

    @Test func `Adam's constants are read, and its state follows the other tensors of a layer`() throws {
        let network = try parse(everything.replacing("[net]", with: "[net]\nadam=1\nB1=.8\nclip=.5"))
        #expect(network.options.adam == NetOptions.Adam(beta1: 0.8, beta2: 0.999, epsilon: 1e-7))
        #expect(network.options.clip == 0.5)
        let roles = Dictionary(grouping: network.layout.tensors, by: \.layer).mapValues { $0.map(\.role) }
        let plain: [TensorRole] = [
            .biases, .weights, .biasMomentum, .weightMomentum, .biasMean, .biasSquare, .weightMean, .weightSquare,
        ]
        #expect(roles == [0: TensorRole.allCases, 2: plain, 4: TensorRole.allCases, 6: plain])
        #expect(network.layout.parameterCount == (try parse(everything)).layout.parameterCount)
        #expect(try parse(everything).options.adam == nil)
    }

    @Test func `Absent keys have Darknet's values`() throws {
        let network = try parse(
            "[network]\ninputs=12\n[conv]\n[max]\n[connected]\n[dropout]\n[soft]\n[cost]")
        let options = network.options
        #expect(options.batch == 1 && options.subdivisions == 1 && options.learningRate == 0.001)
        #expect(options.momentum == 0.9 && options.decay == 0.0001 && options.policy == .constant)
        #expect(options.burnIn == 0 && options.power == 4 && options.maxBatches == 0 && options.sampling == .epochs)
        #expect(
            network.layers.map(summary) == [
                "conv 1 1 1 0 1 false logistic", "maxpool 1 1 0", "connected 1 false logistic", "dropout 0.5",
                "softmax 1 1.0 false", "cost sse 1.0",
            ])
    }

    @Test(arguments: [
        // Padding of size − 1 is a window more where the stride leaves a rest.
        ("[maxpool]\nsize=2\nstride=2", 28, 14), ("[maxpool]\nsize=2\nstride=2", 5, 3),
        ("[maxpool]\nsize=2\nstride=1", 5, 5), ("[maxpool]\nsize=3\nstride=2", 7, 4),
        ("[maxpool]\nsize=2\nstride=2\npadding=0", 5, 2),
        ("[conv]\nsize=3\nstride=2\npad=1", 28, 14), ("[conv]\nsize=5\nstride=3\npadding=1", 9, 3),
        ("[conv]\nsize=4\npad=1", 4, 5),
    ])
    func `Windows count`(layer: String, side: Int, expected: Int) throws {
        let network = try parse("[net]\nheight=\(side)\nwidth=\(side)\nchannels=1\n\(layer)\n")
        #expect(network.layers[0].output == Shape(channels: 1, height: expected, width: expected))
    }

    @Test func `Tensors lie side by side, each at the start of a cache line`() throws {
        let layout = try parse(everything).layout
        let roles = Dictionary(grouping: layout.tensors, by: \.layer).mapValues { $0.map(\.role) }
        let plain: [TensorRole] = [.biases, .weights, .biasMomentum, .weightMomentum]
        let normalized: [TensorRole] = [
            .biases, .scales, .rollingMean, .rollingVariance, .weights, .biasMomentum, .scaleMomentum, .weightMomentum,
        ]
        #expect(roles == [0: normalized, 2: plain, 4: normalized, 6: plain])
        var end = 0
        for tensor in layout.tensors {
            #expect(tensor.offset == (end + 15) / 16 * 16)
            end = tensor.offset + tensor.count
        }
        #expect(layout.floatCount == (end + 15) / 16 * 16)
        #expect(layout.tensor(layer: 0, role: .weights)?.shape == [8, 2, 3, 3])
        #expect(layout.tensor(layer: 4, role: .weights)?.shape == [9, 6])
        // Filters × (biases, scales, two rolling ones, weights).
        let counts = [8 * (4 + 2 * 3 * 3), 6 * (1 + 8 * 2 * 2), 9 * (4 + 6), 6 * (1 + 9)]
        #expect(layout.parameterCount == counts.reduce(0, +))
    }
}
