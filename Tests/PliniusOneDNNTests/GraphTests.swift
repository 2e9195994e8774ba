import PliniusNN
import PliniusOneDNN
import Testing

/// Graphs on oneDNN against the reference kernels in `Double`.
@Suite struct GraphTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var image = "height=6\nwidth=4\nchannels=2"
        var layers: String
    }

    static let cases = [
        Case(
            testDescription: "shortcut over blocks",
            layers: conv(16) + conv(16) + "[shortcut]\nfrom=-2\nactivation=leaky\n"),
        Case(
            testDescription: "shortcut with factors and a curve",
            layers: conv(17) + conv(17) + "[shortcut]\nfrom=0\nalpha=.5\nbeta=2\nactivation=logistic\n"),
        Case(
            testDescription: "shortcut between layouts", image: "height=6\nwidth=4\nchannels=16",
            layers: conv(16) + "[shortcut]\nfrom=-2\n" + "[route]\nlayers=-3\n[shortcut]\nfrom=-2\n"),
        Case(
            testDescription: "shortcut between shapes",
            layers: conv(20) + "[maxpool]\nsize=2\nstride=2\n" + conv(16)
                + "[shortcut]\nfrom=0\nalpha=.7\nbeta=1.5\nactivation=elu\n"),
        Case(testDescription: "shortcut to the layer before", layers: conv(16) + "[shortcut]\nfrom=-1\n"),
        Case(testDescription: "route of blocks", layers: conv(16) + conv(32) + "[route]\nlayers=-1,0,-1\n"),
        Case(testDescription: "route of cut blocks", layers: conv(17) + conv(5) + "[route]\nlayers=-1,0\n"),
        Case(
            testDescription: "route of groups",
            layers: conv(32) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + conv(16) + "[route]\nlayers=-1,0\n"),
        Case(
            testDescription: "route of groups of cut blocks",
            layers: conv(20) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + conv(6) + "[route]\nlayers=-1,0\n"),
        Case(
            testDescription: "route to the input and of different sizes",
            layers: "[route]\nlayers=-1\n" + conv(16) + "[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-1,1,-4\n"),
        Case(
            testDescription: "one layer read in many ways",
            layers: conv(16) + "[maxpool]\nsize=2\nstride=1\n" + "[route]\nlayers=0\n[maxpool]\nsize=3\nstride=1\n"
                + "[route]\nlayers=0\n[dropout]\n" + "[route]\nlayers=0\n" + conv(16) + "[shortcut]\nfrom=0\n"
                + "[shortcut]\nfrom=1\n[shortcut]\nfrom=3\n[shortcut]\nfrom=5\nactivation=relu\n[dropout]\n"
                + "[shortcut]\nfrom=0\n"),
        Case(
            testDescription: "activations",
            layers: conv(17) + "[activation]\nactivation=relu\n[activation]\nactivation=elu\n[shortcut]\nfrom=0\n"),
        Case(
            testDescription: "upsample, reorg and crop",
            layers: "[crop]\ncrop_height=4\ncrop_width=4\nflip=1\n" + conv(16) + "[upsample]\nscale=.5\n" + conv(8)
                + "[upsample]\nstride=-2\n[shortcut]\nfrom=1\nactivation=leaky\n[reorg]\nstride=2\n[route]\nlayers=-2\n"
                + "[crop]\ncrop_height=2\ncrop_width=2\nnoadjust=1\n[route]\nlayers=-1,-3\n" + conv(16)
                + "[reorg]\nflatten=1\n"),
        Case(
            testDescription: "a cost with options",
            layers: conv(3) + "[avgpool]\n[cost]\ntype=seg\nnoobj=.5\nsmooth=.2\nthresh=.05\n"),
        Case(
            testDescription: "two losses",
            layers: conv(16)
                + "[avgpool]\n[connected]\noutput=3\nactivation=linear\n[softmax]\n[route]\nlayers=-2\n[cost]\n"
                + "[route]\nlayers=-4\n"),
    ]

    private static func conv(_ filters: Int) -> String {
        "[conv]\nfilters=\(filters)\nsize=3\npad=1\nbatch_normalize=1\nactivation=leaky\n"
    }

    @Test(arguments: cases, [1, 2])
    func `A pass and an update are the reference's`(graph: Case, threads: Int) throws {
        let text = "[net]\nbatch=9\nlearning_rate=.05\n\(graph.image)\n\(graph.layers)"
        let end = "[connected]\noutput=3\nactivation=linear\n[softmax]\n"
        try ShapeTests().judge(text + end, threads: threads)
    }

    @Test func `Bits are the same in every run with the same threads`() throws {
        for graph in Self.cases {
            let text = "[net]\nbatch=9\n\(graph.image)\n\(graph.layers)[connected]\noutput=3\n[softmax]\n"
            let first = try Trial(text, threads: 2)
            let losses = first.train(iterations: 0..<3)
            let other = try Trial(text, threads: 2)
            #expect(other.train(iterations: 0..<3) == losses)
            #expect(other.hasSameState(as: first))
        }
    }
}
