import PliniusNN
import Testing

/// Each fault is refused with the file, the line, the key, and what was expected and found.
@Suite struct ConfigErrorTests {
    private static let image = "[net]\nheight=8\nwidth=8\nchannels=2\n"
    private static let layers =
        "expected one of "
        + [
            "activation",
            "avg",
            "avgpool",
            "batchnorm",
            "conn",
            "connected",
            "conv",
            "convolutional",
            "cost",
            "crnn",
            "crop",
            "deconv",
            "deconvolutional",
            "detection",
            "dropout",
            "gru",
            "iseg",
            "l2norm",
            "local",
            "logistic",
            "lrn",
            "lstm",
            "max",
            "maxpool",
            "normalization",
            "region",
            "reorg",
            "rnn",
            "route",
            "shortcut",
            "soft",
            "softmax",
            "upsample",
            "yolo",
        ].joined(separator: ", ")

    static let faults: [(text: String, message: String)] = [
        // The text.
        ("", "net.cfg: expected [net] to begin with, found nothing"),
        ("# nothing\n\n; at all", "net.cfg: expected [net] to begin with, found nothing"),
        ("[conv]\n[net]", "net.cfg:1: expected [net] to begin with, found [conv]"),
        ("\nbatch=1\n[net]", "net.cfg:2: batch stands before the first section: begin with [net]"),
        ("[net\nbatch=1", "net.cfg:1: \"[net\" is no section: expected [name]"),
        ("[]", "net.cfg:1: \"[]\" is no section: expected [name]"),
        ("[", "net.cfg:1: \"[\" is no section: expected [name]"),
        ("[net]\nbatch", "net.cfg:2: \"batch\" is neither [section] nor key=value"),
        ("[net]\r\nbatch=\r\n", "net.cfg:2: \"batch=\" lacks its value: give one, or leave the key out"),
        ("[net]\nbatch= # 12", "net.cfg:2: \"batch=\" lacks its value: give one, or leave the key out"),
        (
            "[net]\n=3",
            "net.cfg:2: \"\" is no key: expected up to 64 letters, digits, \"_\" or \"-\" before the ="
        ),
        ("[net]\nbatch=1\nbatch=2", "net.cfg:3: batch: is \"1\" on line 2 and \"2\" here: keep one"),
        ("[net]\ninputs=3", "net.cfg:1: expected 1 to 1024 layers, found 0"),
        ("[net]\ninputs=3\n[cost]", "net.cfg:1: expected a layer that predicts, found costs only"),
        (image + "[conv]\n[net]", "net.cfg:6: there is no layer [net]: \(layers)"),
        // Numbers and words.
        ("[net]\nbatch=many", "net.cfg:2: batch: expected a whole number, found \"many\""),
        ("[net]\nbatch=1.5", "net.cfg:2: batch: expected a whole number, found \"1.5\""),
        ("[net]\nbatch=0", "net.cfg:2: batch: expected 1 to 65536, found 0"),
        ("[net]\nbatch=-7", "net.cfg:2: batch: expected 1 to 65536, found -7"),
        (
            "[net]\nbatch=99999999999999999999",
            "net.cfg:2: batch: expected a whole number, found \"99999999999999999999\""
        ),
        ("[net]\nmomentum=high", "net.cfg:2: momentum: expected a number, found \"high\""),
        ("[net]\nmomentum=nan", "net.cfg:2: momentum: expected a number, found \"nan\""),
        ("[net]\nmomentum=1e99", "net.cfg:2: momentum: expected a number, found \"1e99\""),
        ("[net]\nmomentum=1.5", "net.cfg:2: momentum: expected 0.0 to 1.0, found 1.5"),
        (
            "[net]\npolicy=polly",
            "net.cfg:2: policy: expected one of constant, step, steps, exp, poly, random, sigmoid, found \"polly\""
        ),
        (
            "[net]\nsampling=with-replacment",
            "net.cfg:2: sampling: expected one of epochs, with-replacement, twice, found \"with-replacment\""
        ),
        (
            "[net]\nbatch=10\nsubdivisions=3",
            "net.cfg:3: subdivisions: expected a divisor of batch=10, so that all parts are equal; found 3"
        ),
        (
            "[net]\npolicy=poly",
            "net.cfg:1: max_batches: policy=poly needs the number of all updates, found none"
        ),
        ("[net]\npolicy=steps", "net.cfg:1: steps: is missing: expected numbers divided by commas"),
        ("[net]\npolicy=steps\nsteps=4,\nscales=1", "net.cfg:3: steps: expected a whole number, found \"\""),
        (
            "[net]\npolicy=steps\nsteps=4\nscales=1,2",
            "net.cfg:4: scales: expected one for each of the 1 steps, found 2"
        ),
        ("[net]\nbatch=4\n[softmax]", "net.cfg:1: expected height, width and channels, or inputs; found no input"),
        (image + "inputs=5\n[softmax]", "net.cfg:5: inputs: expected height x width x channels = 128, found 5"),
        // Solvers.
        (image + "adam=2", "net.cfg:5: adam: expected 0 to 1, found 2"),
        (image + "adam=1\nB1=1", "net.cfg:6: B1: expected 0.0 to 0.999999, found 1.0"),
        (image + "adam=1\nB2=-.1", "net.cfg:6: B2: expected 0.0 to 0.999999, found -0.1"),
        (image + "adam=1\neps=0", "net.cfg:6: eps: expected 1e-20 to 1.0, found 0.0"),
        (image + "adam=1\neps=small", "net.cfg:6: eps: expected a number, found \"small\""),
        (image + "clip=-1", "net.cfg:5: clip: expected 0.0 to 1e+09, found -1.0"),
        // What is still to come.
        (
            image + "[conv]\ndot=1",
            "net.cfg:6: dot: it is a penalty that Darknet's code for processors has not: expected 0 or no such line, found \"1\""
        ),
        (
            image + "[softmax]\ntree=words.tree",
            "net.cfg:6: tree: expected the parent of each class, -1 where there is none, divided by commas: expected a whole "
                + "number, found \"words.tree\""
        ),
        // Layers.
        (image + "[convolutionl]", "net.cfg:5: there is no layer [convolutionl]: \(layers)"),
        (image + "[attention]", "net.cfg:5: there is no layer [attention]: \(layers)"),
        (
            image + "[conv]\nactivation=lekay",
            "net.cfg:6: activation: expected one of linear, logistic, loggy, relu, elu, selu, relie, ramp, leaky, tanh, "
                + "plse, stair, hardtan, lhtan, found \"lekay\""
        ),
        (
            image + "[conv]\nfilters=4\ngroups=3",
            "net.cfg:7: groups: expected a divisor of 2 input channels and of 4 filters, found 3"
        ),
        (
            image + "[conv]\nsize=9",
            "net.cfg:6: size: a window of 9 does not fit into an image side of 8 with 0 of padding"
        ),
        (image + "[conv]\nbatch_normalize=2", "net.cfg:6: batch_normalize: expected 0 to 1, found 2"),
        (
            image + "[max]\nsize=2\nstride=2\npadding=5",
            "net.cfg:8: padding: 5 makes a first window that sees nothing of the image"
        ),
        (
            image + "[max]\nsize=3\nstride=3\npadding=6",
            "net.cfg:8: padding: 6 makes a first window that sees nothing of the image"
        ),
        (
            "[net]\nheight=1\nwidth=1\nchannels=1\n[max]\nsize=2\nstride=1\npadding=3",
            "net.cfg:8: padding: 3 makes a last window that sees nothing of the image"
        ),
        (image + "[dropout]\nprobability=1", "net.cfg:6: probability: expected 0.0 to 0.999, found 1.0"),
        (image + "[softmax]\ngroups=3", "net.cfg:6: groups: expected a divisor of the 128 inputs, found 3"),
        (image + "[softmax]\ntemperature=0", "net.cfg:6: temperature: expected 1e-06 to 1000000.0, found 0.0"),
        (
            image + "[cost]\ntype=mse",
            "net.cfg:6: type: expected one of sse, masked, L1, seg, smooth, wgan, found \"mse\""
        ),
        (
            image + "[softmax]\n[connected]\noutput=3\n[softmax]",
            "net.cfg:5: a loss over 128 values, but the network predicts 3"
        ),
        // Sizes beyond reason.
        (
            "[net]\nheight=65536\nwidth=65536\nchannels=65536\n[avgpool]",
            "net.cfg:1: expected images of at most 2147483648 values, found 281474976710656"
        ),
        (
            "[net]\nheight=40000\nwidth=40000\nchannels=1\n[conv]\nfilters=1000000",
            "net.cfg:5: its output of 1000000x40000x40000 is more than 2147483648 numbers"
        ),
        (
            "[net]\ninputs=2000000000\n[conv]\nfilters=1000000\nsize=1000\npadding=1000",
            "net.cfg:4: filters: its weights take more than 2147483648 numbers"
        ),
        (
            // 2^64 weights.
            "[net]\ninputs=16777216\n[conv]\nfilters=1048576\nsize=1024\npadding=1024\nstride=1024",
            "net.cfg:4: filters: its weights take more than 2147483648 numbers"
        ),
        (
            "[net]\ninputs=2000000000\n[connected]\noutput=16000000",
            "net.cfg:3: the network is too large: up to here it takes 64000000032000000 numbers of state and 2016000000 of "
                + "outputs for 1 images; 2147483648 of each are allowed"
        ),
        (
            "[net]\nbatch=65536\ninputs=65536\n[avgpool]",
            "net.cfg:4: the network is too large: up to here it takes 0 numbers of state and 8589934592 of outputs for "
                + "65536 images; 2147483648 of each are allowed"
        ),
    ]

    @Test(arguments: faults)
    func `A fault is told with its place`(text: String, message: String) {
        #expect(refusal(of: text) == message)
    }

    @Test func `What is quoted is short and harmless`() {
        let long = String(repeating: "x", count: 5000)
        #expect(refusal(of: "[net]\n\(long)=1").utf8.count < 200)
        #expect(refusal(of: "[net]\nbatch=\(long)").utf8.count < 200)
        #expect(refusal(of: "[net]\n[\(long)]").utf8.count < 200)
        #expect(
            refusal(of: "[net]\nbatch=\u{1B}[2J") == "net.cfg:2: batch: expected a whole number, found \"\\u{1B}[2J\"")
    }

    @Test func `Texts that would take long are refused soon`() {
        #expect(refusal(of: String(repeating: "\n", count: 100_000)) == "net.cfg:100001: more than 100000 lines")
        let keys = (0..<300).map { "key\($0)=1" }.joined(separator: "\n")
        #expect(refusal(of: "[net]\n\(keys)") == "net.cfg:258: key256: [net] has more than 256 keys")
        let layers = String(repeating: "[dropout]\n", count: 1025)
        #expect(refusal(of: "[net]\ninputs=1\n\(layers)") == "net.cfg:1: expected 1 to 1024 layers, found 1025")
        let idle = String(repeating: "[dropout]\na=1\nb=1\n", count: 1000)
        #expect(
            refusal(of: "[net]\ninputs=1\n\(idle)")
                == "net.cfg:1503: more than 1000 keys without meaning up to here: is this Darknet's format?")
    }

    static let oversights: [(text: String, warnings: [String])] = [
        ("[net]\ninputs=2\n[softmax]", []),
        (
            "[net]\ninputs=2\nlerning_rate=1\n[softmax]",
            ["net.cfg:3: [net] has no use for lerning_rate: it is passed over; did you mean learning_rate?"]
        ),
        (
            "[net]\ninputs=2\nmosaic=1\n[softmax]\ntemprature=2",
            [
                "net.cfg:3: [net] has no use for mosaic: it is passed over",
                "net.cfg:5: [softmax] has no use for temprature: it is passed over; did you mean temperature?",
            ]
        ),
        ("[net]\ninputs=2\nmosaic=1\n[softmax]", ["net.cfg:3: [net] has no use for mosaic: it is passed over"]),
        (
            "[net]\nheight=2\nwidth=2\nchannels=1\nhue=.1\n[softmax]",
            ["net.cfg:5: hue changes colours, and images of 1 channels have none: it is passed over"]
        ),
        (
            "[net]\ninputs=2\ngamma=.9\n[softmax]",
            ["net.cfg:3: [net] has no use for gamma: it is passed over"]
        ),
        ("[net]\ninputs=2\npolicy=exp\ngamma=.9\n[softmax]", []),
        ("[net]\ninputs=2\ninputs=2\n[softmax]", []),
        (
            "[net]\ninputs=2\n[softmax]\nnoloss=1",
            ["net.cfg:1: the network has no loss and cannot learn: end it with [softmax] or [cost]"]
        ),
        ("[net]\ninputs=2\nadam=0\ntime_steps=1\n[softmax]\nspatial=0", []),
        ("[net]\ninputs=2\nadam=1\nB1=.8\nB2=.99\neps=1e-6\nclip=.1\n[softmax]", []),
        ("[net]\ninputs=2\nB1=.8\n[softmax]", ["net.cfg:3: [net] has no use for B1: it is passed over"]),
    ]

    @Test(arguments: oversights)
    func `What is passed over is told`(text: String, warnings: [String]) throws {
        #expect(try parse(text).warnings.map(\.description) == warnings)
    }
}
