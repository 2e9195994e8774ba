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

    @Test(arguments: [
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
