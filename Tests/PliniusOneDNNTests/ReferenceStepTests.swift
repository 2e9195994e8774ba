import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// Layers that the plan runs on the reference kernels, between steps of oneDNN, against the reference kernels in `Double`.
@Suite struct ReferenceStepTests {
    static let kinds = [
        "[batchnorm]\n",
        "[local]\nfilters=5\nsize=3\npad=1\nactivation=leaky\n",
        "[deconv]\nfilters=17\nsize=3\nstride=2\npad=1\nactivation=leaky\n",
        "[deconv]\nfilters=5\nsize=2\nbatch_normalize=1\nactivation=tanh\n",
        "[lrn]\nalpha=.1\n",
        "[l2norm]\n",
        "[conv]\nfilters=17\nsize=3\npad=1\nbinary=1\nactivation=leaky\n",
        "[conv]\nfilters=16\nsize=3\npad=1\nxnor=1\nbatch_normalize=1\nactivation=leaky\n",
        "[softmax]\nspatial=1\nnoloss=1\n",
    ]

    private static let net = "[net]\nbatch=9\nlearning_rate=.05\nheight=5\nwidth=4\nchannels=2\n"
    private static let conv = "[conv]\nfilters=16\nsize=3\npad=1\nactivation=leaky\n"

    @Test(arguments: kinds, [1, 2])
    func `A pass and an update are the reference's`(layer: String, threads: Int) throws {
        let end = "[connected]\noutput=3\nactivation=linear\n[softmax]\n"
        try ShapeTests().judge(Self.net + Self.conv + layer + Self.conv + end, threads: threads)
        try ShapeTests().judge(Self.net + layer + Self.conv + end, threads: threads)
    }

    @Test(arguments: ["[logistic]\n", "[softmax]\nspatial=1\n", "[avgpool]\n[softmax]\ntree=" + tree], [1, 2])
    func `A loss is the reference's`(layer: String, threads: Int) throws {
        try ShapeTests().judge(Self.net + Self.conv + layer, threads: threads)
    }

    @Test(arguments: ["[cost]\n", "[cost]\ntype=smooth\nsmooth=.1\n", "[softmax]\n", "[logistic]\n"])
    func `A loss compares with a layer that is the truth`(layer: String) throws {
        try ShapeTests().judge(Self.net + Self.conv + "truth=1\n" + Self.conv + layer)
    }

    /// Sixteen classes, three at the top.
    private static let tree = "-1,-1,-1,0,0,0,0,2,2,3,3,3,8,8,8,8"

    @Test func `Training goes on with the same bits from a copy of the arena`() throws {
        let text = Self.net + Self.kinds[..<8].joined(separator: Self.conv) + "[logistic]\n"
        let unbroken = try Trial(text, threads: 2)
        _ = unbroken.train(iterations: 0..<2)
        let resumed = try Trial(text, threads: 2, seed: 8)
        _ = resumed.train(iterations: 7..<8)
        _ = resumed.arena.memory.floats.update(fromContentsOf: unbroken.arena.memory.floats)
        resumed.executor.parametersDidChange()
        #expect(resumed.train(iterations: 2..<4) == unbroken.train(iterations: 2..<4))
        #expect(resumed.hasSameState(as: unbroken))
    }
}
