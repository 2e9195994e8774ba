import CAllocationCount
import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// What a pass asks of the allocator once it is warm: nothing, whatever the layer, the solver and the executor.
///
/// oneDNN itself allocates where one of its primitives is run; that is not counted here.
@Suite struct AllocationTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let net: String
        let layers: String

        var text: String { "[net]\n\(net)\n\(layers)\n" }
    }

    private static let image = "batch=9\nheight=8\nwidth=8\nchannels=4\nlearning_rate=.01"
    private static let conv = "[conv]\nfilters=16\nsize=3\npad=1\nactivation=leaky\n"
    private static let end = "[connected]\noutput=3\nactivation=linear\n[softmax]\n"

    /// Every section that a layer may have, in most of its forms, after a convolution and before a loss.
    static let kinds = [
        "[conv]\nfilters=8\nsize=3\nstride=2\npad=1\nbatch_normalize=1\nactivation=leaky",
        "[conv]\nfilters=8\nsize=3\npad=1\ngroups=4\nactivation=relu", "[conv]\nfilters=4\nsize=1\nactivation=logistic",
        "[conv]\nfilters=8\nsize=3\npad=1\nbinary=1\nactivation=leaky",
        "[conv]\nfilters=8\nsize=3\npad=1\nxnor=1\nbatch_normalize=1\nactivation=leaky",
        "[connected]\noutput=7\nactivation=tanh", "[connected]\noutput=7\nbatch_normalize=1\nactivation=elu",
        "[local]\nfilters=3\nsize=3\npad=1\nactivation=leaky",
        "[deconv]\nfilters=4\nsize=3\nstride=2\npad=1\nactivation=leaky",
        "[deconv]\nfilters=4\nsize=2\nbatch_normalize=1\nactivation=leaky", "[maxpool]\nsize=2\nstride=2",
        "[maxpool]\nsize=3\nstride=1", "[avgpool]", "[batchnorm]", "[lrn]", "[l2norm]", "[dropout]",
        "[activation]\nactivation=selu", "[route]\nlayers=-1,0", "[route]\nlayers=-1\ngroups=2\ngroup_id=1",
        "[maxpool]\nsize=2\nstride=2\n" + conv + "[shortcut]\nfrom=0\nactivation=leaky\nalpha=.5\nbeta=2",
        "[shortcut]\nfrom=-2", "[upsample]", "[upsample]\nstride=-2", "[reorg]\nstride=2", "[reorg]\nflatten=1",
        "[reorg]\nstride=2\nreverse=1", "[crop]\ncrop_height=6\ncrop_width=5\nflip=1",
        "[softmax]\ngroups=4\nnoloss=1", "[softmax]\nspatial=1\nnoloss=1\ntemperature=2",
    ].map { Case(testDescription: $0, net: image, layers: conv + $0 + "\n" + end) }

    static let losses = [
        "[softmax]\ngroups=4", "[softmax]\nspatial=1", "[avgpool]\n[softmax]\ntree=-1,-1,0,0,0,1,1,1,2,2,2,2,3,3,3,3",
        "[logistic]", "[cost]\ntype=sse", "[cost]\ntype=masked", "[cost]\ntype=L1",
        "[cost]\ntype=seg\nnoobj=.5\nthresh=.01", "[cost]\ntype=smooth\nsmooth=.1", "[cost]\ntype=wgan",
        "[conv]\nfilters=14\nsize=1\nactivation=linear\n[yolo]\nclasses=2\nmask=1,2\nnum=3\nanchors=2,2,4,4,7,6\nmax=4",
        "[conv]\nfilters=18\nsize=1\nactivation=linear\n[region]\nclasses=4\nnum=2\nanchors=1,1,2,3\nsoftmax=1\nmax=3",
        "[connected]\noutput=52\nactivation=linear\n[detection]\nclasses=3\nside=2\nnum=2\nsqrt=1\nsoftmax=1\nrandom=1",
        "[conv]\nfilters=5\nsize=1\nactivation=linear\n[iseg]\nclasses=3\nids=2",
    ].map { Case(testDescription: $0, net: image, layers: conv + $0) }

    static let cells = [
        "[rnn]\noutput=6\nactivation=tanh\nshortcut=1", "[gru]\noutput=6\nbatch_normalize=1", "[lstm]\noutput=6",
        "[crnn]\noutput_filters=8\nhidden_filters=3\nactivation=leaky",
    ].map {
        Case(testDescription: $0, net: "batch=3\ntime_steps=4\nheight=4\nwidth=3\nchannels=2", layers: $0 + "\n" + end)
    }

    static let solvers = [
        "momentum=.9\nclip=1", "adam=1\nclip=1\nburn_in=3\npolicy=random", "policy=steps\nsteps=2,5\nscales=.1,.1",
        "policy=sigmoid\nstep=5\ngamma=.1", "policy=poly\nmax_batches=100",
    ].map { Case(testDescription: $0, net: image + "\n" + $0, layers: conv + end) }

    static let cases = kinds + losses + cells + solvers

    @Test(arguments: cases) func `An iteration allocates nothing`(network: Case) throws {
        guard callocation_counts() else { return }
        let trial = try Trial(network.text)
        try expectNone(trial.executor, trial, "oneDNN")
        let reference = ReferenceExecutor(
            network: trial.description, miniBatch: trial.miniBatch, arena: trial.arena, threads: 1)
        try expectNone(reference, trial, "reference")
    }

    @Test(arguments: cases) func `A pass that only infers allocates nothing`(network: Case) throws {
        guard callocation_counts() else { return }
        let trial = try Trial(network.text)
        let executor = try OneDNNExecutor(
            network: trial.description, miniBatch: trial.miniBatch, arena: trial.arena, threads: 1, onlyInfers: true)
        let images = trial.images(seed: 3)
        let none: [Float] = []
        var sum: Float = 0
        func infer() {
            executor.load(images: images.span, truth: none.span)
            _ = executor.forward(Pass(mode: .inference))
            executor.withOutput { sum += $0[0] }
        }
        for _ in 0..<3 { infer() }
        callocation_look_at_callers(true)
        defer { callocation_look_at_callers(false) }
        let before = callocation_own_count()
        for _ in 0..<4 { infer() }
        #expect(callocation_own_count() == before)
        withExtendedLifetime(sum) {}
    }

    /// Counts over training, inference, and whatever else a loop asks of an executor.
    private func expectNone(_ executor: any Executor, _ trial: Trial, _ name: String) throws {
        let images = trial.images(seed: 3)
        let truth = trial.truth(seed: 3)
        let none: [Float] = []
        var sum: Float = 0
        func iterate(_ iteration: Int) {
            executor.load(images: images.span, truth: truth.span)
            let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
            sum += executor.forward(pass)
            executor.backward(pass)
            executor.update(trial.step(iteration))
            executor.load(images: images.span, truth: none.span)
            _ = executor.forward(Pass(mode: .inference))
            executor.withOutput { sum += $0[0] }
        }
        for iteration in 0..<4 { iterate(iteration) }
        callocation_look_at_callers(true)
        defer { callocation_look_at_callers(false) }
        let before = callocation_own_count()
        for iteration in 4..<8 { iterate(iteration) }
        let count = callocation_own_count() - before
        #expect(count == 0, "\(name): \(Double(count) / 4) an iteration")
        withExtendedLifetime(sum) {}
    }

    @Test func `Every section is among them`() throws {
        let text = Self.cases.map(\.layers).joined(separator: "\n")
        for name in [
            "conv", "connected", "local", "deconv", "maxpool", "avgpool", "batchnorm", "lrn", "l2norm", "dropout",
            "activation", "route", "shortcut", "upsample", "reorg", "crop", "softmax", "logistic", "cost", "yolo",
            "region", "detection", "iseg", "rnn", "gru", "lstm", "crnn",
        ] { #expect(text.contains("[\(name)]"), "\(name)") }
        // The measure itself sees an object.
        guard callocation_counts() else { return }
        callocation_look_at_callers(true)
        defer { callocation_look_at_callers(false) }
        let before = callocation_own_count()
        withExtendedLifetime([UInt8](repeating: UInt8(text.utf8.count & 1), count: 100)) {}
        #expect(callocation_own_count() > before)
    }
}
