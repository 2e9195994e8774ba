import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// Recurrent layers inside a plan of oneDNN's.
@Suite struct RecurrentTests {
    static let cells = [
        "[rnn]\noutput=20\nactivation=tanh\nshortcut=1", "[gru]\noutput=6\ntanh=1\nbatch_normalize=1",
        "[lstm]\noutput=6",
        "[crnn]\noutput_filters=18\nhidden_filters=3\nactivation=leaky",
    ]

    private static func network(_ cell: String, _ net: String = "batch=5\ntime_steps=3") -> String {
        """
        [net]
        \(net)
        height=4
        width=3
        channels=2
        [conv]
        filters=17
        size=3
        pad=1
        activation=leaky
        \(cell)
        [connected]
        output=3
        activation=linear
        [softmax]
        """
    }

    @Test(arguments: cells, [1, 2])
    func `A pass and an update are the reference's`(cell: String, threads: Int) throws {
        try ShapeTests().judge(Self.network(cell), threads: threads)
        try ShapeTests().judge(Self.network(cell, "batch=5\ntime_steps=3\nadam=1\neps=.01"), threads: threads)
    }

    @Test(arguments: cells)
    func `Training goes on with the same bits from a copy of the arena`(cell: String) throws {
        let unbroken = try Trial(Self.network(cell))
        _ = unbroken.train(iterations: 0..<2)
        let resumed = try Trial(Self.network(cell), seed: 8)
        _ = resumed.train(iterations: 10..<11)
        _ = resumed.arena.memory.floats.update(fromContentsOf: unbroken.arena.memory.floats)
        resumed.executor.parametersDidChange()
        #expect(resumed.train(iterations: 2..<4) == unbroken.train(iterations: 2..<4))
        #expect(resumed.hasSameState(as: unbroken))
    }

    @Test(arguments: cells)
    func `Step by step with a carried state is a sequence at once`(cell: String) throws {
        let whole = try Trial(Self.network(cell))
        let images = whole.images(seed: 3)
        whole.load(images)
        _ = whole.executor.forward(Pass(mode: .inference))
        let expected = whole.output
        let single = try OneDNNExecutor(
            network: whole.description, miniBatch: 5, timeSteps: 1, arena: whole.arena, threads: 1)
        for _ in 0..<2 {
            var found: [Float] = []
            for step in 0..<3 {
                let rows = Array(images[step * 5 * 24..<(step + 1) * 5 * 24])
                single.load(images: rows.span, truth: [Float]().span)
                _ = single.forward(Pass(mode: .inference, carriesState: true))
                found += single.withOutput { span in span.indices.map { span[$0] } }
            }
            expectClose(found, expected.map(Double.init), tolerance: 1e-6)
            single.resetState()
        }
    }
}
