import PliniusNN
import Testing

/// Layers that read others than the one before, with every key that means something.
let graph = """
    [net]
    batch=2
    height=16
    width=12
    channels=4
    [conv]
    filters=8
    size=3
    pad=1
    [maxpool]
    size=2
    stride=2
    padding=0
    [conv]
    filters=6
    size=1
    [shortcut]
    from=-3
    activation=relu
    alpha=.5
    beta=2
    [route]
    layers=-1,1,2
    groups=2
    group_id=1
    [route]
    layers=0,-2
    [connected]
    output=5
    activation=linear
    [softmax]
    """

@Suite struct GraphConfigTests {
    @Test func `Routes and shortcuts know what they read`() throws {
        let network = try parse(graph)
        #expect(
            network.layers.map(summary) == [
                "conv 8 3 1 1 1 false logistic", "maxpool 2 2 0", "conv 6 1 1 0 1 false logistic",
                "shortcut 0 relu 0.5 2.0", "route [3, 1, 2] 2 1", "route [0, 3] 1 0", "connected 5 false linear",
                "softmax 1 1.0 false",
            ])
        #expect(network.layers.map(\.sources) == [[-1], [0], [1], [2, 0], [3, 1, 2], [0, 3], [5], [6]])
        // Images of different sizes become flat: 8 channels of 16x12, and 6 of 8x6.
        let outputs = ["8x16x12", "8x8x6", "6x8x6", "6x8x6", "10x8x6", "1824x1x1", "5x1x1", "5x1x1"]
        #expect(network.layers.map(\.output.description) == outputs)
        #expect(network.layers.map(\.input.description)[3...5] == ["6x8x6", "6x8x6", "8x16x12"])
        #expect(network.warnings.isEmpty)
    }

    @Test func `A first layer reads the network's input`() throws {
        let network = try parse("[net]\ninputs=3\n[route]\nlayers=-1,-1\n[shortcut]\nfrom=-2\n[softmax]")
        #expect(network.layers.map(\.sources) == [[-1, -1], [0, -1], [1]])
        #expect(network.outputs == 6)
    }

    private func conv(_ filters: Int, _ size: Int, stride: Int = 1) -> String {
        "[conv]\nbatch_normalize=1\nfilters=\(filters)\nsize=\(size)\nstride=\(stride)\npad=1\nactivation=leaky\n"
    }

    @Test func `A residual network of 18 layers has its shapes`() throws {
        var text = "[net]\nheight=256\nwidth=256\nchannels=3\n" + conv(64, 7, stride: 2) + "[max]\nsize=2\nstride=2\n"
        for (stage, filters) in [64, 128, 256, 512].enumerated() {
            for block in 0..<2 {
                text += conv(filters, 3, stride: stage > 0 && block == 0 ? 2 : 1) + conv(filters, 3)
                text += "[shortcut]\nfrom=-3\nactivation=leaky\n"
            }
        }
        let network = try parse(text + "[avgpool]\n[conv]\nfilters=1000\nactivation=linear\n[softmax]")
        let sums = network.layers.filter { $0.sources.count == 2 }
        #expect(sums.map(\.index) == [4, 7, 10, 13, 16, 19, 22, 25])
        #expect(sums.map(\.sources) == sums.map { [$0.index - 1, $0.index - 3] })
        #expect(
            sums.map(\.output.description) == [
                "64x64x64", "64x64x64", "128x32x32", "128x32x32", "256x16x16", "256x16x16", "512x8x8", "512x8x8",
            ])
        #expect(network.outputs == 1000 && network.warnings.isEmpty)
    }

    @Test func `A detector with two heads has its shapes`() throws {
        var text = "[net]\nheight=416\nwidth=416\nchannels=3\n"
        for filters in [16, 32, 64, 128, 256] { text += conv(filters, 3) + "[maxpool]\nsize=2\nstride=2\n" }
        text += conv(512, 3) + "[maxpool]\nsize=2\nstride=1\n" + conv(1024, 3) + conv(256, 1) + conv(512, 3)
        text += conv(255, 1) + "[activation]\nactivation=logistic\n[route]\nlayers=-4\n" + conv(128, 1)
        text += "[upsample]\nstride=2\n[route]\nlayers=-1, 8\n" + conv(256, 3) + conv(255, 1) + "[activation]\n"
        let network = try parse(text)
        #expect(network.layers.map(\.output.description)[8] == "256x26x26")
        #expect(
            network.layers.map(\.output.description)[11...] == [
                "512x13x13", "1024x13x13", "256x13x13", "512x13x13", "255x13x13", "255x13x13", "256x13x13", "128x13x13",
                "128x26x26", "384x26x26", "256x26x26", "255x26x26", "255x26x26",
            ])
        #expect(network.layers[17].sources == [13] && network.layers[20].sources == [19, 8])
    }

    private static let image = "[net]\nheight=8\nwidth=8\nchannels=2\n[conv]\n"

    @Test(arguments: [
        ("[route]", "net.cfg:6: layers: is missing: expected numbers divided by commas"),
        ("[route]\nlayers=1", "net.cfg:7: layers: expected a layer before this one, -2 to -1, or 0 to 0; found 1"),
        ("[route]\nlayers=0,", "net.cfg:7: layers: expected a whole number, found \"\""),
        ("[route]\nlayers=-3", "net.cfg:7: layers: expected a layer before this one, -2 to -1, or 0 to 0; found -3"),
        ("[route]\nlayers=9999", "net.cfg:7: layers: expected -1024 to 1024, found 9999"),
        (
            "[route]\nlayers=-1\ngroups=2",
            "net.cfg:8: groups: expected a divisor of the 1 channels of each layer, found 2"
        ),
        ("[route]\nlayers=-2\ngroups=2\ngroup_id=2", "net.cfg:9: group_id: expected 0 to 1, found 2"),
        (
            "[route]\nlayers=" + String(repeating: "0,", count: 64) + "0",
            "net.cfg:7: layers: expected at most 64 layers, found 65"
        ),
        ("[shortcut]", "net.cfg:6: from: is missing: expected the layer that is added"),
        ("[shortcut]\nfrom=1", "net.cfg:7: from: expected a layer before this one, -2 to -1, or 0 to 0; found 1"),
        ("[shortcut]\nfrom=-1,-2", "net.cfg:7: from: expected a whole number, found \"-1,-2\""),
        (
            "[shortcut]\nfrom=-1\nactivation=relux",
            "net.cfg:8: activation: expected one of \(Activation.allCases.map(\.rawValue).joined(separator: ", ")), "
                + "found \"relux\""
        ),
        ("[shortcut]\nfrom=-1\nbeta=x", "net.cfg:8: beta: expected a number, found \"x\""),
        (
            "[maxpool]\nsize=4\nstride=4\npadding=0\n[conv]\nsize=1\npadding=1\n[conv]\nsize=2\n[conv]\nsize=2\n[shortcut]\nfrom=0",
            nil
        ),
    ])
    func `A fault is told with its place`(layers: String, message: String?) {
        if let message {
            #expect(refusal(of: Self.image + layers) == message)
        } else {
            #expect(throws: Never.self) { try parse(Self.image + layers) }
        }
    }

    @Test func `A shortcut needs one ratio for both sides`() {
        let text = "[net]\nheight=8\nwidth=4\nchannels=1\n[conv]\nsize=4\n[shortcut]\nfrom=-2"
        #expect(
            refusal(of: text)
                == "net.cfg:8: from: expected one ratio between the sides of 1x5x1 and 1x8x4, found one for each side")
    }

    @Test(arguments: [
        ("from=-3", "from=-2"), ("activation=relu", "activation=elu"), ("alpha=.5", "alpha=1"), ("beta=2", "beta=1"),
        ("layers=-1,1,2", "layers=1,-1,2"), ("layers=-1,1,2", "layers=-1,1"), ("group_id=1", "group_id=0"),
        ("groups=2\ngroup_id=1", ""), ("layers=0,-2", "layers=0,-3"),
    ])
    func `Whatever changes the training counts`(line: String, other: String) throws {
        let changed = graph.replacing(line, with: other)
        #expect(changed != graph)
        #expect(try parse(changed).canonicalBytes != parse(graph).canonicalBytes)
    }

    @Test func `How a layer is named does not count`() throws {
        let other = graph.replacing("from=-3", with: "from=0").replacing("layers=-1,1,2", with: "layers=3,-3,-2")
        #expect(try parse(other).canonicalBytes == parse(graph).canonicalBytes)
    }
}
