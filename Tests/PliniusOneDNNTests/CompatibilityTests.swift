import PliniusNN
import Testing

/// Under `compat=strict` both executors have the same faults.
@Suite struct CompatibilityTests {
    private static let net = "[net] compat=strict\nbatch=9\nlearning_rate=.05\nheight=6\nwidth=4\nchannels=3\n"
    private static let conv = "[conv]\nfilters=16\nsize=3\npad=1\nactivation=leaky\n"
    private static let end = "[connected]\noutput=3\nactivation=linear\n[softmax]\ntemperature=2\n"

    static let layers = [
        "[conv]\nbatch_normalize=1\nfilters=16\nsize=3\npad=1\nactivation=leaky\n",
        "[connected]\nbatch_normalize=1\noutput=7\nactivation=tanh\n",
        "[conv]\nfilters=16\nstride=2\nactivation=tanh\n",
        "[conv]\nfilters=16\nstride=2\ngroups=2\nbatch_normalize=1\nactivation=leaky\n",
        // One that overwrites what another reader of its input has asked for, in part and in full.
        "[conv]\nfilters=16\nstride=2\nactivation=tanh\n[route]\nlayers=-1,0\n",
        "[conv]\nfilters=16\nactivation=tanh\n[shortcut]\nfrom=0\nactivation=leaky\n",
        "[activation]\nactivation=tanh\n[shortcut]\nfrom=0\nactivation=tanh\n",
        "[lrn]\nalpha=.1\n[shortcut]\nfrom=0\nactivation=linear\n",
        "[reorg]\nstride=2\n[route]\nlayers=0,-1\n",
        // Dropout after layers that take their slopes from what they made, and one that does not; read twice.
        "[conv]\nfilters=16\nsize=3\npad=1\nactivation=tanh\n[dropout]\n" + conv
            + "[shortcut]\nfrom=1\nactivation=linear\n",
        "[conv]\nbatch_normalize=1\nfilters=16\nsize=3\npad=1\nactivation=tanh\n[dropout]\n" + conv,
        "[connected]\noutput=9\nactivation=logistic\n[dropout]\n[dropout]\n",
        "[maxpool]\nsize=2\nstride=2\n[dropout]\n",
        "[shortcut]\nfrom=0\nactivation=tanh\n[dropout]\n",
        "[deconv]\nfilters=5\nsize=2\nbatch_normalize=1\nactivation=tanh\n[dropout]\n",
        "[l2norm]\n",
        "[gru]\noutput=3\n",
    ]

    @Test(arguments: layers, [1, 2])
    func `A pass and an update are the reference's`(layer: String, threads: Int) throws {
        try ShapeTests().judge(Self.net + Self.conv + layer + Self.end, threads: threads)
    }

    @Test(arguments: ["[cost]\ntype=smooth\n", "[cost]\ntype=wgan\n", "[softmax]\nnoloss=1\n[cost]\n"])
    func `A loss is the reference's`(layer: String) throws {
        try ShapeTests().judge(Self.net + Self.conv + layer)
    }
}
