import PliniusNN
import Testing

/// How kinds of layers are described: what their sections mean, what is refused, what a run's identity holds of them.
@Suite struct LayerKindTests {
    private static let net = "[net]\nheight=6\nwidth=5\nchannels=4\n"

    /// A section, its options as they are read, its output, and the tensors of its state.
    static let sections: [(text: String, summary: String, output: String, tensors: [String])] = [
        (
            "[batchnorm]", "batchnorm", "4x6x5",
            [
                "biases [4]", "scales [4]", "rolling_mean [4]", "rolling_variance [4]", "bias_momentum [4]",
                "scale_momentum [4]",
            ]
        ),
        (
            "[local]", "local 1 1 1 0 logistic", "1x6x5",
            [
                "biases [1, 6, 5]", "weights [30, 1, 4, 1, 1]", "bias_momentum [1, 6, 5]",
                "weight_momentum [30, 1, 4, 1, 1]",
            ]
        ),
        // Darknet pads a local layer by one whatever its size; its shapes are these.
        (
            "[local]\nfilters=3\nsize=5\nstride=2\npad=1\nactivation=relu", "local 3 5 2 2 relu", "3x3x3",
            [
                "biases [3, 3, 3]", "weights [9, 3, 4, 5, 5]", "bias_momentum [3, 3, 3]",
                "weight_momentum [9, 3, 4, 5, 5]",
            ]
        ),
        (
            "[local]\nsize=2\npad=1", "local 1 2 1 1 logistic", "1x6x5",
            [
                "biases [1, 6, 5]", "weights [30, 1, 4, 2, 2]", "bias_momentum [1, 6, 5]",
                "weight_momentum [30, 1, 4, 2, 2]",
            ]
        ),
        (
            "[deconvolutional]", "deconv 1 1 1 0 false logistic", "1x6x5",
            ["biases [1]", "weights [4, 1, 1, 1]", "bias_momentum [1]", "weight_momentum [4, 1, 1, 1]"]
        ),
        (
            "[deconv]\nfilters=3\nsize=4\nstride=2\npadding=1\nbatch_normalize=1\nactivation=leaky",
            "deconv 3 4 2 1 true leaky", "3x12x10",
            [
                "biases [3]", "scales [3]", "rolling_mean [3]", "rolling_variance [3]", "weights [4, 3, 4, 4]",
                "bias_momentum [3]", "scale_momentum [3]", "weight_momentum [4, 3, 4, 4]",
            ]
        ),
        ("[deconv]\nsize=3\npad=1\npadding=7", "deconv 1 3 1 1 false logistic", "1x6x5", nil),
        ("[normalization]", "normalization 5 0.0001 0.75 1.0", "4x6x5", []),
        ("[lrn]\nsize=4\nalpha=.5\nbeta=2\nkappa=3", "normalization 4 0.5 2.0 3.0", "4x6x5", []),
        ("[l2norm]", "l2norm", "4x6x5", []),
        ("[conv]\nbinary=1", "conv 1 1 1 0 1 false logistic weights", "1x6x5", summed),
        ("[conv]\nxnor=1", "conv 1 1 1 0 1 false logistic weightsAndInputs", "1x6x5", summed),
        ("[conv]\nbinary=1\nxnor=1", "conv 1 1 1 0 1 false logistic weightsAndInputs", "1x6x5", summed),
        ("[conv]\nbinary=0\nxnor=0", "conv 1 1 1 0 1 false logistic", "1x6x5", summed),
        ("[softmax]\nspatial=1\nnoloss=1", "softmax 1 1.0 true spatial", "4x6x5", []),
        ("[logistic]", "logistic", "4x6x5", []),
    ].map { ($0.0, $0.1, $0.2, $0.3 ?? deconvolved) }

    private static let deconvolved = [
        "biases [1]", "weights [4, 1, 3, 3]", "bias_momentum [1]", "weight_momentum [4, 1, 3, 3]",
    ]

    private static let summed = [
        "biases [1]", "weights [1, 4, 1, 1]", "bias_momentum [1]", "weight_momentum [1, 4, 1, 1]",
    ]

    @Test func `A tree groups children by their parents`() throws {
        let network = try parse("[net]\ninputs=8\n[softmax]\ntree= -1, -1, 0, 0, 3, 3, 3, 1")
        #expect(
            summary(network.layers[0]) == "softmax 1 1.0 false [Range(0..<2), Range(2..<4), Range(4..<7), Range(7..<8)]"
        )
    }

    @Test(arguments: sections)
    func `A section means`(text: String, summary: String, output: String, tensors: [String]) throws {
        let network = try parse(Self.net + text)
        #expect(PliniusNNTests.summary(network.layers[0]) == summary)
        #expect(network.layers[0].output.description == output)
        #expect(network.layout.tensors.map { "\($0.role) \($0.shape)" } == tensors)
        #expect(network.warnings.map(\.line).allSatisfy { $0 == 1 })
        #expect(network.warnings.isEmpty == (text.contains("[logistic]")))
    }

    @Test(arguments: [
        ("[local]", 14), ("[lrn]", 15), ("[deconv]", 16), ("[l2norm]", 17), ("[logistic]", 18), ("[batchnorm]", 19),
    ])
    func `A kind has its number in a run's identity`(text: String, code: UInt8) throws {
        // Kind 4, [avgpool], has no options.
        let plain = try parse(Self.net + "[avgpool]").canonicalBytes
        let other = try parse(Self.net + text).canonicalBytes
        let place = plain.count - 6
        #expect(plain[place] == 4)
        #expect(other[place] == code)
        #expect(other.prefix(place) == plain.prefix(place))
    }

    @Test(arguments: [
        ("[local]\nsize=3", ["filters=2", "stride=2", "pad=1", "activation=relu"]),
        ("[local]", ["size=2"]),
        ("[deconv]\nsize=3", ["filters=2", "stride=2", "pad=1", "padding=1", "activation=relu", "batch_normalize=1"]),
        ("[deconv]", ["size=2"]),
        ("[lrn]", ["size=4", "alpha=.5", "beta=2", "kappa=3"]),
        ("[conv]", ["binary=1", "xnor=1", "batch_normalize=1", "batch_normalize=1\nxnor=1"]),
        ("[conv]\nfilters=4\n[avgpool]\n[softmax]", ["noloss=1", "spatial=1", "tree=-1,-1,0,0", "tree=-1,-1,1,1"]),
    ])
    func `Every option counts in a run's identity`(section: String, options: [String]) throws {
        let plain = try parse(Self.net + section).canonicalBytes
        var seen: Set<[UInt8]> = [plain]
        for option in options where option != "padding=1" {
            let isNew = seen.insert(try parse("\(Self.net)\(section)\n\(option)").canonicalBytes).inserted
            #expect(isNew, "\(option)")
        }
        // Two ways to say the same.
        if options.contains("padding=1") {
            let padded = try parse("\(Self.net)\(section)\npadding=1").canonicalBytes
            #expect(seen.contains(padded))
        }
    }

    @Test(arguments: [
        ("[conv]\nbatch_normalize=1", "binary=1"), ("[conv]", "xnor=1"), ("[softmax]", "spatial=1"),
    ])
    func `What came later changes one byte, so that identities of before stay`(section: String, option: String) throws {
        let plain = try parse(Self.net + section).canonicalBytes
        let other = try parse("\(Self.net)\(section)\n\(option)").canonicalBytes
        let changes = zip(plain, other).filter { $0 != $1 }
        #expect(plain.count == other.count && changes.count == 1)
        #expect(changes.allSatisfy { $0.0 < 2 && $0.1 > 1 })
    }

    @Test(arguments: [
        ("[softmax]\ntree=-1,0", "net.cfg:6: tree: expected a parent for each of the 120 inputs, found 2"),
        (
            "[avgpool]\n[softmax]\ntree=-1,-1,2,0",
            "net.cfg:7: tree: class 2 has the parent 2: expected a class before it, or -1 if it has none"
        ),
        (
            "[avgpool]\n[softmax]\ntree=-1,0,-1,2",
            "net.cfg:7: tree: class 2 has the parent -1, whose other children stand further up: put them side by side"
        ),
        (
            "[avgpool]\n[softmax]\ntree=-1,-2,0,0",
            "net.cfg:7: tree: \(parents): expected -1 to 16777216, found -2"
        ),
        (
            "[avgpool]\n[softmax]\ntree=0,0,0,0",
            "net.cfg:7: tree: class 0 has the parent 0: expected a class before it, "
                + "or -1 if it has none"
        ),
        ("[avgpool]\n[softmax]\ntree=-1,-1,,0", "net.cfg:7: tree: \(parents): expected a whole number, found \"\""),
        (
            "[avgpool]\n[softmax]\ntree=-1,-1,0,0\ngroups=2",
            "net.cfg:6: expected one of groups, spatial and tree, found several"
        ),
        (
            "[avgpool]\n[softmax]\ntree=-1,-1,0,0\nspatial=1",
            "net.cfg:6: expected one of groups, spatial and tree, found several"
        ),
        ("[softmax]\nspatial=1\ngroups=4", "net.cfg:5: expected one of groups, spatial and tree, found several"),
        (
            "[avgpool]\n[softmax]\ntree=-1,-1,0,0\n[connected]\noutput=4\n[softmax]",
            "net.cfg:6: tree: only the layer that predicts may have a tree of classes, and that is layer 3"
        ),
        ("[softmax]\nspatial=2", "net.cfg:6: spatial: expected 0 to 1, found 2"),
        ("[conv]\nxnor=2", "net.cfg:6: xnor: expected 0 to 1, found 2"),
        ("[conv]\nbinary=x", "net.cfg:6: binary: expected a whole number, found \"x\""),
        ("[local]\nfilters=0", "net.cfg:6: filters: expected 1 to 1048576, found 0"),
        ("[local]\npad=2", "net.cfg:6: pad: expected 0 to 1, found 2"),
        ("[local]\nsize=6", "net.cfg:6: size: a window of 6 does not fit into an image side of 5 with 0 of padding"),
        ("[local]\nactivation=x", "net.cfg:6: activation: \(activations), found \"x\""),
        (
            "[local]\nsize=1024\npad=1\nfilters=100000",
            "net.cfg:8: filters: its weights take more than 2147483648 numbers"
        ),
        ("[deconv]\nstride=0", "net.cfg:6: stride: expected 1 to 1024, found 0"),
        ("[deconv]\npadding=3", "net.cfg:6: padding: cutting 3 off every side leaves nothing of the output"),
        (
            "[deconv]\nsize=1024\nfilters=1000000", "net.cfg:7: filters: its weights take more than 2147483648 numbers"
        ),
        (
            "[deconv]\nfilters=1000000\nstride=1024",
            "net.cfg:5: its output of 1000000x5121x4097 is more than 2147483648 numbers"
        ),
        ("[lrn]\nsize=0", "net.cfg:6: size: expected 1 to 1048576, found 0"),
        ("[lrn]\nkappa=0", "net.cfg:6: kappa: expected 1e-06 to 1000000.0, found 0.0"),
        ("[lrn]\nalpha=-1", "net.cfg:6: alpha: expected 0.0 to 1000000.0, found -1.0"),
        ("[lrn]\nbeta=nan", "net.cfg:6: beta: expected a number, found \"nan\""),
        ("[logistic]\n[avgpool]", "net.cfg:5: a loss over 120 values, but the network predicts 4"),
    ])
    func `A fault is told with its place`(text: String, message: String) {
        #expect(refusal(of: Self.net + text) == message)
    }

    private static let parents = "expected the parent of each class, -1 where there is none, divided by commas"
    private static let activations =
        "expected one of " + Activation.allCases.map(\.rawValue).joined(separator: ", ")

    @Test func `A network that grows without bounds is refused`() {
        let layers = String(repeating: "[deconv]\nfilters=1000000\nstride=1024\nsize=3\n", count: 9)
        #expect(
            refusal(of: "[net]\nheight=30000\nwidth=30000\nchannels=1\n\(layers)")
                == "net.cfg:5: its output of 1000000x30718979x30718979 is more than 2147483648 numbers")
    }
}
