import PliniusNN
import Testing

/// Keys that change what a loss compares with, and whether there is one.
@Suite struct DarknetKeyTests {
    private static let pass = Pass(mode: .training, iteration: 100_000)

    // MARK: truth

    @Test func `Later losses compare with a layer that is the truth`() throws {
        let shadow = try Shadow(
            """
            [net]
            inputs=2
            [activation]
            truth=1
            [connected]
            output=2
            activation=linear
            [cost]
            """)
        shadow[1, .weights] = [0.5, 0, 0, 0.5]
        shadow[1, .biases] = [0, 0]
        // The data set's truth counts for nothing: the input (1, 2) does, of which (.5, 1) is made.
        shadow.load([1, 2], truth: [9, 9])
        #expect(shadow.network.forward(Self.pass) == 1.25)
        shadow.network.backward(Self.pass)
        #expect(shadow[1, .biasMomentum] == [0.5, 1])
    }

    @Test func `Losses before it compare with the data set`() throws {
        let shadow = try Shadow(
            """
            [net]
            inputs=2
            [connected]
            output=3
            activation=linear
            [cost]
            [activation]
            truth=1
            [connected]
            output=3
            activation=linear
            [cost]
            type=L1
            """)
        #expect(shadow.description.truthCount == 3)
        shadow[0, .weights] = Array(repeating: 0, count: 6)
        shadow[0, .biases] = [1, 2, 3]
        shadow[3, .weights] = Array(repeating: 0, count: 9)
        shadow[3, .biases] = [0, 0, 0]
        shadow.load([1, 1], truth: [1, 2, 5])
        // (2² + 1 + 2 + 3) / 2: the mean of two losses.
        #expect(shadow.network.forward(Self.pass) == 5)
        shadow.network.backward(Self.pass)
        #expect(shadow[3, .biasMomentum] == [1, 1, 1])
        #expect(shadow[0, .biasMomentum] == [0, 0, 2])
    }

    @Test func `A truth of another length is refused`() {
        #expect(
            refusal(of: "[net]\ninputs=2\n[activation]\ntruth=1\n[connected]\noutput=3\n[cost]")
                == "net.cfg:7: a loss over 3 values, but the layer of line 3 with truth=1 makes 2 values")
        #expect(
            refusal(of: "[net]\ninputs=8\n[activation]\ntruth=1\n[yolo]\nclasses=3")
                == "net.cfg:5: a loss over up to 90 boxes, but the layer of line 3 with truth=1 makes 8 values")
        #expect(
            refusal(of: "[net]\ninputs=2\n[softmax]\n[connected]\noutput=3\n[softmax]\n[activation]\ntruth=1\n[cost]")
                .contains("a loss over 3 values, but a loss on line 3 is over 2 values"))
    }

    // MARK: onlyforward

    @Test func `A head with onlyforward predicts and has no loss`() throws {
        let net = "[net]\nheight=2\nwidth=2\nchannels=7\n[conv]\nfilters=7\nactivation=tanh\n"
        let yolo = "[yolo]\nclasses=2\nanchors=1,1\n"
        func trained(_ text: String) throws -> (shadow: Shadow, cost: Double) {
            let shadow = try Shadow(net + text + yolo)
            shadow.load(
                (0..<28).map { Float($0) / 28 }, truth: [0.4, 0.4, 0.5, 0.5, 1] + Array(repeating: 0, count: 445))
            let cost = shadow.network.forward(Self.pass)
            shadow.network.backward(Self.pass)
            return (shadow, cost)
        }
        // As if it were not there, but that it predicts.
        let (plain, cost) = try trained("")
        let (shadow, costBeside) = try trained(yolo + "onlyforward=1\n[route]\nlayers=0\n")
        #expect(shadow.output(ofLayer: 1) == plain.output(ofLayer: 1))
        #expect(cost > 0 && cost == costBeside)
        #expect(shadow[0, .biasMomentum] == plain[0, .biasMomentum])
    }

    @Test func `A network of such heads alone cannot learn`() throws {
        let network = try parse(
            "[net]\nheight=2\nwidth=2\nchannels=7\n[conv]\nfilters=7\n[yolo]\nclasses=2\nonlyforward=1")
        #expect(network.warnings.map(\.message).contains { $0.hasPrefix("the network has no loss and cannot learn") })
    }

    // MARK: tree

    @Test func `In a region's tree the class and its ancestors are right among their siblings`() throws {
        let shadow = try Shadow(
            """
            [net]
            inputs=1
            [connected]
            output=9
            activation=linear
            [region]
            classes=4
            tree=-1,-1,0,0
            class_scale=3
            """)
        shadow[0, .weights] = Array(repeating: 0, count: 9)
        shadow[0, .biases] = [0, 0, 0, 0, 0, 0, 0, 1, 1]
        shadow.load([1], truth: [0.5, 0.5, 0.5, 0.5, 2] + Array(repeating: 0, count: 145))
        _ = shadow.network.forward(Self.pass)
        shadow.network.backward(Self.pass)
        // Siblings have a half each, and no slope of a logistic function.
        #expect(shadow.output(ofLayer: 1).suffix(4) == [0.5, 0.5, 0.5, 0.5])
        #expect(shadow[0, .biasMomentum].suffix(4) == [1.5, -1.5, 1.5, -1.5])
    }

    @Test(arguments: [
        ([Float(0.8), 0.2, 0.7, 0.3], [Float(0), 0, 0.9, 0]), ([0.8, 0.2, 0.6, 0.4], [0.9, 0, 0, 0]),
        ([0.2, 0.8, 0.6, 0.4], [0, 0.9, 0, 0]), ([0.5, 0.5, 1, 0], [0.9, 0, 0, 0]),
    ])
    func `A box in a tree is of the last class that is likely`(classes: [Float], expected: [Float]) throws {
        let region = try parse(
            "[net]\nchannels=9\nheight=1\nwidth=1\n[conv]\nfilters=9\n[region]\nclasses=4\ntree=-1,-1,0,0")
        let output: [Float] = [0.5, 0.5, 0, 0, 0.9] + classes
        let found = region.layers[1].detections(in: output.span, threshold: 0.1)
        #expect(found.map(\.probabilities) == [expected])
    }

    // MARK: What counts

    @Test func `What losses compare with is part of what a run is; what files hold is not`() throws {
        func digest(_ region: String, _ conv: String = "") throws -> [UInt8] {
            try parse(
                "[net]\nchannels=2\nheight=1\nwidth=1\n[conv]\nfilters=9\n\(conv)\n[region]\nclasses=4\n\(region)"
            )
            .canonicalBytes
        }
        let plain = try digest("")
        let files = "dontsave=1\ndontload=1\ndontloadscales=1\nnumload=2\nflipped=1\n"
        #expect(try digest("dontsave=1\ndontload=1", files) == plain)
        let others = try [plain, digest("onlyforward=1"), digest("tree=-1,-1,0,0"), digest("truth=1")]
        #expect(Set(others).count == 4)
    }

    @Test func `What is passed over is said`() throws {
        let network = try parse("[net]\nchannels=7\nheight=1\nwidth=1\n[conv]\nfilters=7\n[yolo]\nclasses=2\nrandom=1")
        #expect(
            network.warnings.map(\.description) == [
                "net.cfg:9: random is passed over: the size of the images is that of the sealed data set"
            ])
        let image = "[net]\nchannels=1\nheight=1\nwidth=1\n"
        #expect(
            refusal(of: image + "random=1").contains("5: random: the size of the images is that of the sealed data set")
        )
        #expect(refusal(of: image + "[conv]\nsmooth=1").contains("6: smooth: it is a penalty"))
        #expect(refusal(of: image + "[conv]\nfilters=2\nnumload=3").contains("numload: expected 0 to 2, found 3"))
        #expect(
            refusal(of: "[net]\nchannels=2\nheight=1\nwidth=1\n[conv]\nfilters=2\ngroups=2\nflipped=1")
                .contains("flipped: expected no groups beside, found 2"))
    }
}
