import PliniusNN
import Testing

/// The options of [cost] that weigh elements.
@Suite struct CostOptionTests {
    /// The loss and the delta of a cost over four elements, of one image.
    private func cost(
        _ options: String, _ values: [Double], truth: [Float]
    ) throws -> (loss: Double, delta: [Double]) {
        let shadow = try Shadow("[net]\ninputs=1\n[connected]\noutput=4\nactivation=linear\n[cost]\n" + options)
        shadow[0, .weights] = [0, 0, 0, 0]
        shadow[0, .biases] = values
        shadow.load([1], truth: truth)
        let pass = Pass(mode: .training)
        let loss = shadow.network.forward(pass)
        shadow.network.backward(pass)
        return (loss, shadow[0, .biasMomentum])
    }

    @Test func `What is background counts less`() throws {
        let found = try cost("type=seg\nnoobj=.25\nscale=2", [0.5, -1, 0.5, 2], truth: [0, 0, 1, -1])
        #expect(found.loss == 0.25 * (0.25 + 1) + 0.25 + 9)
        #expect(found.delta == [-0.25, 0.5, 1, -6])
    }

    @Test func `A part of the truth is shared out`() throws {
        let found = try cost("smooth=.5", [0, 0, 1, 0], truth: [0, 2, 0, -1])
        #expect(found.delta == [0.125, 1.125, -0.875, -0.375])
        #expect(found.loss == [0.125, 1.125, 0.875, 0.375].reduce(0) { $0 + $1 * $1 })
        // What is unknown stays so.
        #expect(try cost("type=masked\nsmooth=.5", [1, 0, 0, 0], truth: [-1234, 1, 1, 1]).delta[0] == 0)
    }

    @Test func `Small deltas are left out, and their errors count`() throws {
        let found = try cost("thresh=2\nscale=3", [0, 0, 0, 0], truth: [0.25, -0.25, 0.5, -0.75])
        #expect(found.delta == [0, 0, 1.5, -2.25])
        #expect(found.loss == 0.0625 * 2 + 0.25 + 0.5625)
    }

    @Test(arguments: [
        ("smooth=1.5", "net.cfg:4: smooth: expected 0.0 to 1.0, found 1.5"),
        ("thresh=-1", "net.cfg:4: thresh: expected 0.0 to 1e+09, found -1.0"),
        ("type=seg\nnoobj=x", "net.cfg:5: noobj: expected a number, found \"x\""),
    ])
    func `A fault is told with its place`(options: String, message: String) {
        #expect(refusal(of: "[net]\ninputs=2\n[cost]\n" + options) == message)
    }

    @Test func `Options count where they mean something, and their defaults do not`() throws {
        func bytes(_ options: String) throws -> [UInt8] {
            try parse("[net]\ninputs=2\n[softmax]\n[cost]\ntype=seg\n" + options).canonicalBytes
        }
        let texts = ["", "smooth=.5", "thresh=.5", "noobj=.5"]
        #expect(Set(try texts.map(bytes)).count == 4)
        #expect(try bytes("smooth=0\nthresh=0\nnoobj=1") == bytes(""))
        #expect(
            try parse("[net]\ninputs=2\n[softmax]\n[cost]\nnoobj=.5").warnings.map(\.description) == [
                "net.cfg:5: [cost] has no use for noobj: it is passed over"
            ])
    }
}
