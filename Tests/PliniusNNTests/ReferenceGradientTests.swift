import PliniusNN
import Testing

/// Finite differences in `Double`: each gradient is that of the cost which forward computes.
@Suite struct ReferenceGradientTests {
    struct Case: CustomStringConvertible, Sendable {
        var description: String
        var net = "batch=3\nheight=5\nwidth=4\nchannels=2"
        var layers: String
        /// What delta is the gradient of, in units of the cost; Darknet leaves the 2 of a square away.
        var share = 0.5
    }

    static let sse = "[cost]\ntype=sse"

    static let cases: [Case] =
        Activation.allCases.map {
            Case(description: "\($0)", layers: "[conv]\nfilters=3\nsize=3\npad=1\nactivation=\($0)\n" + linear(2))
        } + [
            Case(
                description: "batch normalization",
                layers: "[conv]\nfilters=3\nsize=3\npad=1\nbatch_normalize=1\nactivation=tanh\n" + linear(2)),
            Case(
                description: "batch normalization over two blocks of images, the last not full",
                net: "batch=11\nheight=2\nwidth=3\nchannels=2",
                layers: "[conv]\nfilters=3\nsize=1\nbatch_normalize=1\nactivation=leaky\n" + linear(2)),
            Case(
                description: "batch normalization of a single value",
                net: "batch=1\ninputs=3",
                layers: "[connected]\noutput=2\nactivation=linear\n"
                    + "[connected]\noutput=2\nbatch_normalize=1\nactivation=logistic\n"),
            Case(
                description: "groups", net: "batch=2\nheight=4\nwidth=4\nchannels=6",
                layers: "[conv]\nfilters=9\nsize=3\npad=1\ngroups=3\nactivation=logistic\n" + linear(2)),
            Case(
                description: "stride and padding", net: "batch=2\nheight=7\nwidth=6\nchannels=2",
                layers: linear(3) + "[conv]\nfilters=3\nsize=3\nstride=2\npadding=2\nactivation=tanh\n" + linear(2)),
            Case(
                description: "connected to an image",
                layers: linear(3) + "[connected]\noutput=5\nactivation=tanh\n[connected]\noutput=2\nactivation=linear\n"
            ),
            Case(
                description: "connected with batch normalization",
                layers: linear(1) + "[connected]\noutput=5\nbatch_normalize=1\nactivation=elu\n"
                    + "[connected]\noutput=2\nactivation=linear\n"),
            Case(
                description: "batch normalization on its own",
                layers: linear(3) + "[batchnorm]\n[conv]\nfilters=2\nsize=2\nactivation=tanh\n"),
            Case(
                description: "batch normalization on its own, of the image",
                layers: "[batchnorm]\n" + linear(2)),
            Case(
                description: "local", net: "batch=9\nheight=5\nwidth=4\nchannels=2",
                layers: linear(3) + "[local]\nfilters=2\nsize=3\npad=1\nactivation=tanh\n" + linear(2)),
            Case(
                description: "local with strides and an even size",
                layers: linear(3) + "[local]\nfilters=2\nsize=2\nstride=2\npad=1\nactivation=logistic\n"),
            Case(
                description: "deconvolution", net: "batch=9\nheight=3\nwidth=4\nchannels=2",
                layers: linear(3) + "[deconv]\nfilters=5\nsize=3\nstride=2\npad=1\nactivation=tanh\n" + linear(2)),
            Case(
                description: "deconvolution with batch normalization",
                layers: linear(3) + "[deconv]\nfilters=2\nsize=2\nstride=3\nbatch_normalize=1\nactivation=tanh\n"),
            Case(
                description: "response normalization", net: "batch=9\nheight=3\nwidth=3\nchannels=2",
                layers: linear(7) + "[lrn]\nalpha=.3\nsize=3\n" + linear(2)),
            Case(
                description: "response normalization over an even number of channels",
                layers: linear(7) + "[lrn]\nalpha=.3\nbeta=1.5\nkappa=.5\nsize=4\n" + linear(2)),
            recurrent("rnn", "[rnn]\noutput=2\nactivation=tanh"),
            recurrent(
                "rnn with shortcuts, not the first layer", linear(1) + "[rnn]\noutput=2\nshortcut=1\nactivation=elu"),
            recurrent("rnn with batch normalization", batch: 5, "[rnn]\noutput=2\nbatch_normalize=1\nactivation=tanh"),
            recurrent("rnn of a single step", steps: 1, linear(1) + "[rnn]\noutput=2\nactivation=logistic"),
            recurrent(
                "rnn over two blocks of images, neither full", steps: 2, batch: 9, "[rnn]\noutput=2\nactivation=tanh"),
            recurrent("gru", linear(1) + "[gru]\noutput=2"),
            recurrent(
                "gru with tanh and batch normalization", batch: 5,
                linear(1) + "[gru]\noutput=2\ntanh=1\nbatch_normalize=1"),
            recurrent("gru after gru", "[gru]\noutput=2\ntanh=1\n[gru]\noutput=2"),
            recurrent("lstm", linear(1) + "[lstm]\noutput=2"),
            recurrent("lstm with batch normalization", batch: 5, "[lstm]\noutput=2\nbatch_normalize=1"),
            recurrent("crnn", linear(1) + "[crnn]\noutput_filters=2\nhidden_filters=3\nactivation=tanh"),
            recurrent(
                "crnn with shortcuts and batch normalization", batch: 5,
                "[crnn]\noutput_filters=1\nhidden_filters=2\nshortcut=1\nbatch_normalize=1\nactivation=loggy"),
            Case(description: "length one", layers: linear(4) + "[l2norm]\n" + linear(2)),
            Case(description: "logistic", layers: linear(2) + "[logistic]", share: 1),
            Case(description: "maxpool 2/2, padded", layers: linear(2) + "[maxpool]\nsize=2\nstride=2\n" + linear(2)),
            Case(
                description: "maxpool 2/2, not padded", net: "batch=3\nheight=6\nwidth=7\nchannels=2",
                layers: linear(2) + "[maxpool]\nsize=2\nstride=2\npadding=0\n" + linear(2)),
            Case(description: "maxpool 3/2", layers: linear(2) + "[maxpool]\nsize=3\nstride=2\n" + linear(2)),
            Case(description: "maxpool 2/1", layers: linear(2) + "[maxpool]\nsize=2\nstride=1\n" + linear(2)),
            Case(description: "avgpool", layers: linear(3) + "[avgpool]\n"),
            Case(description: "dropout", layers: linear(3) + "[dropout]\nprobability=.3\n" + linear(2)),
            Case(
                description: "dropout after a curve",
                layers: "[conv]\nfilters=3\nsize=3\nactivation=logistic\n[dropout]\n" + linear(2)),
            Case(description: "masked cost", layers: linear(2) + "[cost]\ntype=masked"),
            Case(description: "scaled cost", layers: linear(2) + "[cost]\nscale=3", share: 1.5),
            Case(description: "L1 cost", layers: linear(2) + "[cost]\ntype=L1", share: 1),
            Case(description: "smooth cost", layers: linear(2) + "[cost]\ntype=smooth"),
            Case(description: "seg cost", layers: linear(2) + "[cost]\ntype=seg"),
            Case(description: "wgan cost", layers: linear(2) + "[cost]\ntype=wgan", share: 1),
            Case(description: "softmax", layers: linear(2) + "[avgpool]\n[softmax]", share: 1),
            Case(
                description: "softmax in groups at a temperature, over an image",
                layers: linear(2) + "[softmax]\ngroups=4\ntemperature=2.5", share: 1),
            Case(
                description: "softmax over channels", layers: linear(3) + "[softmax]\nspatial=1\ntemperature=.7",
                share: 1),
            Case(
                description: "softmax in a tree", net: "batch=9\nheight=2\nwidth=2\nchannels=1",
                layers: linear(7) + "[softmax]\ntree=-1,-1,0,0,0,2,2\ntemperature=2", share: 1),
            Case(
                description: "softmax in a tree without a loss of its own",
                layers: linear(5) + "[avgpool]\n[softmax]\ntree=-1,-1,-1,1,1\nnoloss=1\n[cost]"),
            Case(
                description: "softmax without a loss of its own, then a cost",
                layers: linear(2) + "[softmax]\nnoloss=1\ntemperature=.5\n[cost]\ntype=sse"),
            // The cost that is reported is the mean over two layers, and delta the sum.
            Case(
                description: "two costs", layers: linear(2) + "[cost]\ntype=L1\n[cost]\ntype=wgan", share: 2),
            Case(
                description: "a whole network", net: "batch=9\nheight=8\nwidth=8\nchannels=1",
                layers: """
                    [convolutional]
                    batch_normalize=1
                    filters=4
                    size=3
                    pad=1
                    activation=leaky
                    [maxpool]
                    size=2
                    stride=2
                    [convolutional]
                    batch_normalize=1
                    filters=5
                    size=3
                    pad=1
                    activation=leaky
                    [dropout]
                    [convolutional]
                    filters=3
                    size=1
                    activation=leaky
                    [avgpool]
                    [softmax]
                    """, share: 1),
        ]

    private static func recurrent(_ name: String, steps: Int = 3, batch: Int = 2, _ layers: String) -> Case {
        Case(
            description: name, net: "batch=\(batch)\ntime_steps=\(steps)\nheight=2\nwidth=3\nchannels=1",
            layers: layers + "\n[connected]\noutput=2\nactivation=linear\n")
    }

    static func linear(_ filters: Int) -> String {
        "[conv]\nfilters=\(filters)\nsize=2\nactivation=linear\n"
    }

    @Test(arguments: cases + graphs)
    func `Gradients are those of the cost`(_ network: Case) throws {
        let hasLoss =
            network.layers.contains("[cost]") || network.layers.contains("[softmax]")
            || network.layers.contains("[logistic]")
        let text = "[net]\n\(network.net)\n\(network.layers)\n\(hasLoss ? "" : Self.sse)\n"
        let shadow = try Shadow(text, seed: 11)
        shadow.loadNoise()
        let pass = Pass(mode: .training, seed: 5, iteration: 3)
        _ = shadow.network.forward(pass)
        shadow.network.backward(pass)
        let step = 1e-5
        for (role, momentum) in [
            (TensorRole.biases, TensorRole.biasMomentum), (.scales, .scaleMomentum), (.weights, .weightMomentum),
        ] {
            for tensor in shadow.description.layout.tensors where tensor.role == role {
                let gradient = shadow[tensor.layer, momentum, part: tensor.part]
                let differences = (0..<tensor.count).map { index in
                    let place = tensor.offset + index
                    let value = shadow.state[place]
                    shadow.state[place] = value + step
                    let above = shadow.network.forward(pass)
                    shadow.state[place] = value - step
                    let below = shadow.network.forward(pass)
                    shadow.state[place] = value
                    // Darknet's delta points downhill.
                    return network.share * (below - above) / (2 * step)
                }
                expectClose(
                    gradient, differences, tolerance: 1e-6, floor: 1e-3,
                    "layer \(tensor.layer), part \(tensor.part), \(role)")
            }
        }
    }

    @Test func `Backward ends at a layer that stops it`() throws {
        let text = """
            [net]
            batch=2
            inputs=3
            [connected]
            output=4
            activation=linear
            [connected]
            output=3
            activation=linear
            stopbackward=1
            [connected]
            output=2
            activation=linear
            [cost]
            """
        let shadow = try Shadow(text)
        shadow.loadNoise()
        let pass = Pass(mode: .training)
        _ = shadow.network.forward(pass)
        shadow.network.backward(pass)
        #expect(shadow[0, .weightMomentum].allSatisfy { $0 == 0 })
        #expect(shadow[1, .weightMomentum].allSatisfy { $0 == 0 })
        #expect(shadow[2, .weightMomentum].allSatisfy { $0 != 0 })
    }

    @Test func `Two halves of a batch add up to the whole, dropout included`() throws {
        func text(subdivisions: Int) -> String {
            """
            [net]
            batch=12
            subdivisions=\(subdivisions)
            height=5
            width=5
            channels=2
            [conv]
            filters=3
            size=3
            activation=leaky
            [dropout]
            [conv]
            filters=2
            size=2
            activation=tanh
            [cost]
            """
        }
        let whole = try Shadow(text(subdivisions: 1))
        let parts = try Shadow(text(subdivisions: 3))
        let images = (0..<12 * 50).map { Float(noise($0, seed: 8)) }
        let truth = (0..<12 * 8).map { Float(noise($0, seed: 9)) }
        var cost = 0.0
        for part in 0..<3 {
            let pass = Pass(mode: .training, seed: 4, iteration: 7, firstImage: part * 4)
            parts.load(
                Array(images[part * 200..<part * 200 + 200]), truth: Array(truth[part * 32..<part * 32 + 32]))
            cost += parts.network.forward(pass)
            parts.network.backward(pass)
        }
        let pass = Pass(mode: .training, seed: 4, iteration: 7)
        whole.load(images, truth: truth)
        expectClose([cost], [whole.network.forward(pass)])
        whole.network.backward(pass)
        expectClose(Array(parts.state), Array(whole.state))
    }
}
