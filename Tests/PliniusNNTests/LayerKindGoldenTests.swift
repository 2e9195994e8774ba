import Glibc
import PliniusNN
import Testing

/// Values of layers that were worked out by hand, and what each repair of Darknet's formulas changes.
@Suite struct LayerKindGoldenTests {
    private let training = Pass(mode: .training)

    @Test func `Response normalization has all neighbours in its windows`() throws {
        let shadow = try Shadow(
            "[net]\nheight=1\nwidth=1\nchannels=4\n[normalization]\nalpha=.1\nbeta=.75\nkappa=1\nsize=5\n[softmax]")
        shadow.load([1, 2, 3, 4])
        _ = shadow.network.forward(training)
        // Darknet's norms are 1.5, 3.1, 3.1 and 3: it leaves the third channel out.
        let expected = zip([2.4, 4, 4, 3.9], [1.0, 2, 3, 4]).map { $1 * pow($0, -0.75) }
        expectClose(shadow.output(ofLayer: 0), expected, tolerance: 1e-8)
    }

    @Test func `A length of nothing stays nothing, and what is not a number shows`() throws {
        let shadow = try Shadow("[net]\nbatch=2\nheight=1\nwidth=2\nchannels=2\n[l2norm]\n[cost]")
        shadow.load([3, 0, 4, 0, .nan, 1, 1, -1], truth: [Float](repeating: 1, count: 8))
        _ = shadow.network.forward(training)
        let output = shadow.output(ofLayer: 0)
        expectClose(Array(output[..<4]), [0.6, 0, 0.8, 0])
        #expect(output[4].isNaN && output[6].isNaN)
        expectClose([output[5], output[7]], [sqrt(0.5), -sqrt(0.5)])
    }

    @Test func `Nothing is learnt through a length of nothing`() throws {
        let shadow = try Shadow(
            "[net]\ninputs=3\n[connected]\noutput=2\nactivation=linear\n[l2norm]\n[cost]")
        shadow[0, .weights] = [Double](repeating: 0, count: 6)
        shadow[0, .biases] = [0, 0]
        shadow.load([1, 2, 3], truth: [1, 1])
        _ = shadow.network.forward(training)
        shadow.network.backward(training)
        #expect(shadow[0, .biasMomentum] == [0, 0])
    }

    @Test func `A logistic loss of extreme logits is finite`() throws {
        let shadow = try Shadow("[net]\ninputs=4\n[logistic]")
        shadow.load([1000, -1000, 1000, 0], truth: [1, 0, 0, 0.5])
        let loss = shadow.network.forward(training)
        expectClose([loss], [1000 + log(2)])
        expectClose(shadow.output(ofLayer: 0), [1, 0, 1, 0.5])
        #expect(shadow.network.forward(Pass(mode: .inference)) == 0)
    }

    @Test func `A deconvolution spreads each input over a window`() throws {
        let shadow = try Shadow(
            "[net]\nheight=1\nwidth=2\nchannels=1\n[deconv]\nsize=3\nstride=2\npadding=1\nactivation=linear\n[softmax]")
        shadow[0, .weights] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
        shadow[0, .biases] = [100]
        shadow.load([1, 10])
        _ = shadow.network.forward(Pass(mode: .inference))
        // The middle row of 3x5, its ends cut off.
        expectClose(shadow.output(ofLayer: 0), [105, 146, 150])
    }

    @Test func `A local layer pads by what its size needs`() throws {
        let shadow = try Shadow(
            "[net]\nheight=1\nwidth=3\nchannels=1\n[local]\nsize=5\npad=1\nactivation=linear\n[softmax]")
        // At each position the weight of the middle tap is 1, and that of its neighbour to the right 10.
        for position in 0..<3 {
            var weights = [Double](repeating: 0, count: 25)
            weights[12] = 1
            weights[13] = 10
            for tap in 0..<25 { shadow[0, .weights][position * 25 + tap] = weights[tap] }
        }
        shadow[0, .biases] = [0.25, 0.5, 0.75]
        shadow.load([1, 2, 3])
        _ = shadow.network.forward(Pass(mode: .inference))
        expectClose(shadow.output(ofLayer: 0), [21.25, 32.5, 3.75])
    }

    // MARK: Signs

    private static let probed = "[net]\nbatch=9\nheight=3\nwidth=3\nchannels=2\n[conv]\nfilters=3\nactivation=linear\n"
    private static let signed = "[conv]\nfilters=2\nsize=2\npadding=1\nactivation=tanh\n"

    @Test(arguments: ["binary", "xnor"])
    func `Signs are multiplied forward`(option: String) throws {
        let shadow = try Shadow(
            "[net]\nheight=1\nwidth=2\nchannels=2\n[conv]\nfilters=2\nactivation=linear\n\(option)=1\n[softmax]")
        shadow[0, .weights] = [1, -3, 0, 0.5]
        shadow[0, .biases] = [10, 20]
        shadow.load([7, -1, 0, 2])
        _ = shadow.network.forward(Pass(mode: .inference))
        // Means 2 and 0.25; what is zero counts as negative.
        let expected =
            option == "xnor" ? [14.0, 6, 19.5, 20.5] : [24, 4, 18.25, 20.75]
        expectClose(shadow.output(ofLayer: 0), expected)
        #expect(shadow[0, .weights] == [1, -3, 0, 0.5])
    }

    @Test(arguments: ["binary", "xnor"])
    func `Gradients pass straight through signs`(option: String) throws {
        let signed = try Shadow("\(Self.probed)\(Self.signed)\(option)=1\n[cost]")
        let plain = try Shadow("\(Self.probed)\(Self.signed)[cost]")
        let images = (0..<9 * 18).map { Float(noise($0, seed: 4)) }
        let zeros = [Float](repeating: 0, count: 9 * 32)
        signed.load(images, truth: zeros)
        _ = signed.network.forward(training)
        signed.network.backward(training)
        // The delta of the signed sums, on the plain layer's inputs and weights.
        let output = signed.output(ofLayer: 1)
        let delta = output.map { -$0 * (1 - $0 * $0) }
        plain.load(images, truth: zeros)
        _ = plain.network.forward(training)
        let probe = plain.output(ofLayer: 0)
        var (weights, biases) = ([Double](repeating: 0, count: 24), [0.0, 0])
        var probeBiases = [0.0, 0, 0]
        for image in 0..<9 {
            for filter in 0..<2 {
                for row in 0..<4 {
                    for column in 0..<4 {
                        let part = delta[image * 32 + filter * 16 + row * 4 + column]
                        biases[filter] += part
                        for (tap, channel) in (0..<4).flatMap({ tap in (0..<3).map { (tap, $0) } }) {
                            let (y, x) = (row + tap / 2 - 1, column + tap % 2 - 1)
                            guard 0..<3 ~= y, 0..<3 ~= x else { continue }
                            let weight = filter * 12 + channel * 4 + tap
                            weights[weight] += part * probe[image * 27 + channel * 9 + y * 3 + x]
                            probeBiases[channel] += part * plain[1, .weights][weight]
                        }
                    }
                }
            }
        }
        expectClose(signed[1, .biasMomentum], biases)
        expectClose(signed[1, .weightMomentum], weights)
        expectClose(signed[0, .biasMomentum], probeBiases)
    }

    @Test func `Signs do not hide what is not a number`() throws {
        let shadow = try Shadow("[net]\ninputs=2\n[conv]\nxnor=1\n[softmax]")
        shadow.load([1, .nan])
        _ = shadow.network.forward(Pass(mode: .inference))
        #expect(shadow.network.firstNonFiniteLayer() == 0)
        shadow.load([1, 1])
        shadow[0, .weights] = [.nan, 1]
        _ = shadow.network.forward(Pass(mode: .inference))
        #expect(shadow.output(ofLayer: 0)[0].isNaN)
    }

    // MARK: Trees

    @Test func `A truth in a tree is one of its ancestors`() throws {
        let text = "[net]\nbatch=3\ninputs=6\n[connected]\noutput=6\nactivation=linear\n[softmax]\ntree=-1,-1,0,0,2,2"
        let (leaf, whole) = try (Shadow(text), Shadow(text))
        let images = (0..<18).map { Float(noise($0, seed: 4)) }
        // Class 5 below 2 below 0; class 1 at the top; class 3 below 0. Darknet marks groups without a truth by −1234.
        leaf.load(images, truth: [0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
        whole.load(
            images,
            truth: [
                1, 0, 1, 0, 0, 1, 0, 1, -1234, -1234, -1234, -1234, 1, 0, 0, 1, -1234, -1234,
            ])
        let losses = [leaf.network.forward(training), whole.network.forward(training)]
        let output = leaf.output(ofLayer: 1)
        let known = [output[0], output[2], output[5], output[7], output[12], output[15]]
        expectClose(losses, [Double](repeating: -known.reduce(0) { $0 + log($1) }, count: 2))
        for (first, second) in [(0, 2), (2, 4), (4, 6)] {
            expectClose([output[first..<second].reduce(0, +)], [1])
        }
        leaf.network.backward(training)
        whole.network.backward(training)
        #expect(leaf[0, .weightMomentum] == whole[0, .weightMomentum])
        #expect(leaf[0, .biasMomentum].allSatisfy { $0 != 0 })
    }

    @Test func `A tree predicts its leaves`() throws {
        let shadow = try Shadow("[net]\ninputs=6\n[softmax]\ntree=-1,-1,0,0,2,2")
        shadow.load([0, Float(log(3.0)), 1, 1, Float(log(4.0)), 0], truth: [0, 1, 0, 0, 0, 0])
        _ = shadow.network.forward(training)
        expectClose(shadow.output(ofLayer: 0), [0.25, 0.75, 0.5, 0.5, 0.8, 0.2], tolerance: 1e-6)
        _ = shadow.network.forward(Pass(mode: .inference))
        expectClose(shadow.output(ofLayer: 0), [0, 0.75, 0, 0.125, 0.1, 0.025], tolerance: 1e-6)
    }

    @Test(arguments: [
        "[conv]\nfilters=5\nsize=2\nxnor=1\nactivation=leaky\n[conv]\nfilters=3\nbinary=1\nbatch_normalize=1\n[softmax]\nspatial=1",
        "[batchnorm]\n[conv]\nfilters=3\nsize=2\nactivation=tanh\n[batchnorm]\n[cost]",
        "[local]\nfilters=5\nsize=3\npad=1\nactivation=tanh\n[local]\nfilters=3\nsize=2\n[cost]",
        "[conv]\nfilters=3\n[deconv]\nfilters=5\nsize=3\nstride=2\nbatch_normalize=1\nactivation=leaky\n[lrn]\n[l2norm]\n[logistic]",
    ])
    func `Bits do not depend on the number of threads`(layers: String) throws {
        var states: [[Double]] = []
        for threads in 1...3 {
            let shadow = try Shadow("[net]\nbatch=11\nheight=5\nwidth=4\nchannels=2\n\(layers)", threads: threads)
            for step in 0..<2 {
                shadow.loadNoise(seed: UInt64(step))
                _ = shadow.network.forward(training)
                shadow.network.backward(training)
                shadow.network.update(SolverStep(learningRate: 0.1, momentum: 0.9, decay: 0.01, batch: 11))
            }
            states.append(Array(shadow.state))
        }
        #expect(states[0] == states[1] && states[0] == states[2])
        #expect(states[0].allSatisfy { $0.isFinite })
    }
}
