import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// An executor that only infers, against the reference kernels in `Double` and the executor that trains.
@Suite struct InferenceTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var net = "batch=9\nheight=8\nwidth=9\nchannels=4"
        var layers: String
        /// Winograd's sums round more.
        var tolerance = 1e-5

        var text: String { "[net]\n\(net)\n\(layers)" }
    }

    private static func conv(_ filters: Int, _ more: String = "batch_normalize=1\nactivation=leaky") -> String {
        "[conv]\nfilters=\(filters)\nsize=3\npad=1\n\(more)\n"
    }

    static let cases = [
        Case(testDescription: "leaky", layers: conv(16) + conv(10)),
        Case(testDescription: "linear", layers: conv(17, "batch_normalize=1\nactivation=linear") + conv(16)),
        Case(
            testDescription: "relu and ramp",
            layers: conv(16, "batch_normalize=1\nactivation=relu") + conv(5, "activation=ramp")),
        Case(
            testDescription: "curves",
            layers: conv(16, "batch_normalize=1\nactivation=logistic") + conv(6, "activation=tanh")),
        Case(testDescription: "no normalisation", layers: conv(16, "activation=leaky") + conv(33, "activation=linear")),
        Case(testDescription: "groups", layers: conv(32) + conv(24, "groups=4\nbatch_normalize=1\nactivation=leaky")),
        Case(
            testDescription: "depthwise", layers: conv(16) + conv(16, "groups=16\nbatch_normalize=1\nactivation=leaky")),
        Case(
            testDescription: "strides and pools",
            layers: conv(20, "stride=2\nbatch_normalize=1\nactivation=leaky") + "[maxpool]\nsize=2\nstride=1\n"
                + conv(7)),
        Case(
            testDescription: "a route that reads the layer",
            layers: conv(16) + conv(32) + "[route]\nlayers=-1,0\n" + conv(16) + "[shortcut]\nfrom=0\nactivation=leaky\n"
        ),
        Case(
            testDescription: "outputs that are read late",
            layers: conv(5) + conv(17) + conv(9) + "[maxpool]\nsize=2\nstride=1\n" + conv(17)
                + "[route]\nlayers=1,0\n[route]\nlayers=-1,2\n"),
        Case(
            testDescription: "a deconvolution",
            layers: conv(16) + "[deconv]\nfilters=8\nsize=2\nstride=2\nbatch_normalize=1\nactivation=leaky\n" + conv(4)),
        Case(
            testDescription: "normalisation alone, dropout, signs",
            layers: conv(16) + "[batchnorm]\n[dropout]\n" + conv(8, "binary=1\nbatch_normalize=1\nactivation=leaky")
                + "[dropout]\n"),
        Case(
            testDescription: "connected",
            layers: conv(16) + "[connected]\noutput=20\nbatch_normalize=1\nactivation=leaky\n"),
        Case(testDescription: "connected without", layers: "[connected]\noutput=20\nactivation=relu\n[dropout]\n"),
        Case(
            testDescription: "Winograd", net: "batch=3\nheight=14\nwidth=15\nchannels=3",
            layers: conv(32) + conv(48) + conv(32, "batch_normalize=1\nactivation=relu"), tolerance: 5e-5),
        Case(
            testDescription: "strict", net: "compat=strict\nbatch=9\nheight=8\nwidth=9\nchannels=4",
            layers: conv(16) + "[conv]\nfilters=16\nstride=2\nbatch_normalize=1\nactivation=leaky\n[dropout]\n"
                + "[connected]\noutput=7\nbatch_normalize=1\nactivation=leaky\n"),
        Case(
            testDescription: "two that predict", net: "batch=9\nheight=8\nwidth=8\nchannels=4",
            layers: conv(21, "activation=linear") + "[yolo]\nclasses=2\nmask=0,1,2\nnum=3\nanchors=2,2,4,4,7,6\nmax=4\n"
                + "[route]\nlayers=-2\n" + conv(21, "activation=linear")
                + "[yolo]\nclasses=2\nmask=0,1,2\nnum=3\nanchors=2,2,4,4,7,6\nmax=4\n"),
        Case(
            testDescription: "a sequence", net: "batch=4\ntime_steps=3\nheight=1\nwidth=1\nchannels=6",
            layers: "[connected]\noutput=8\nbatch_normalize=1\nactivation=leaky\n[lstm]\noutput=6\n"),
    ].map { network in
        var network = network
        if !network.layers.contains("[yolo]") {
            network.layers += "[connected]\noutput=5\nactivation=linear\n[softmax]\n"
        }
        return network
    }

    private static func executor(
        of trial: Trial, miniBatch: Int? = nil, threads: Int = 1, algorithm: ConvolutionAlgorithm = .winograd
    ) throws -> OneDNNExecutor {
        try OneDNNExecutor(
            network: trial.description, miniBatch: miniBatch ?? trial.miniBatch, arena: trial.arena, threads: threads,
            algorithm: algorithm, onlyInfers: true)
    }

    private static func infer(_ executor: OneDNNExecutor, _ images: [Float]) -> [[Float]] {
        let none: [Float] = []
        executor.load(images: images.span, truth: none.span)
        #expect(executor.forward(Pass(mode: .inference)) == 0)
        return executor.predictingLayers.map { layer in
            executor.withOutput(ofLayer: layer) { span in span.indices.map { span[$0] } }
        }
    }

    @Test(arguments: cases, [1, 2])
    func `What it predicts is the reference's, and that of the executor that trains`(
        network: Case, threads: Int
    ) throws {
        let trial = try Trial(network.text, threads: threads)
        let state = trial.arena.memory.floats.map(\.bitPattern)
        let executor = try Self.executor(of: trial, threads: threads)
        let judge = Judge(trial)
        for seed in UInt64(5)..<7 {
            let images = trial.images(seed: seed)
            let found = Self.infer(executor, images)
            let none: [Float] = []
            judge.network.load(images: images.span, truth: none.span)
            _ = judge.network.forward(Pass(mode: .inference))
            let unfolded = Self.infer(trial.executor, images)
            for (place, layer) in executor.predictingLayers.enumerated() {
                let expected = judge.output(ofLayer: layer, miniBatch: trial.miniBatch)
                expectClose(found[place], expected, tolerance: network.tolerance)
                expectClose(found[place], unfolded[place].map(Double.init), tolerance: network.tolerance)
            }
        }
        #expect(trial.arena.memory.floats.lazy.map(\.bitPattern).elementsEqual(state), "the arena is read alone")
    }

    @Test func `Inference with the rolling statistics of a mini-batch is training's own forward`() throws {
        let text = ExecutorTests.network.replacing("[dropout]\n", with: "")
        let trial = try Trial(text)
        let images = trial.images(seed: 3)
        trial.load(images, trial.truth(seed: 3))
        _ = trial.executor.forward(Pass(mode: .training))
        let trained = trial.output
        try trial.keepStatistics(ofLayers: [0, 2, 3], begunWith: text)
        let found = Self.infer(try Self.executor(of: trial), images)
        expectClose(found[0], trained.map(Double.init), tolerance: 1e-3)
    }

    @Test func `Between updates it sees the newest parameters`() throws {
        let trial = try Trial(ExecutorTests.network)
        let executor = try Self.executor(of: trial)
        let images = trial.images(seed: 77)
        var last = Self.infer(executor, images)
        for iteration in 0..<3 {
            _ = trial.train(iterations: iteration..<iteration + 1)
            executor.parametersDidChange()
            let found = Self.infer(executor, images)
            #expect(found != last)
            last = found
            expectClose(found[0], Self.infer(trial.executor, images)[0].map(Double.init), tolerance: 5e-5)
        }
        // Another that goes through the same updates alone has the same state.
        let undisturbed = try Trial(ExecutorTests.network)
        _ = undisturbed.train(iterations: 0..<3)
        #expect(undisturbed.hasSameState(as: trial))
    }

    /// 32 × 32 × 16 numbers an image: 64 images are as many as stay near.
    private static let wide = """
        [net]
        batch=2
        height=32
        width=32
        channels=1
        [convolutional]
        batch_normalize=1
        filters=16
        size=3
        pad=1
        activation=leaky
        [avgpool]
        [connected]
        output=4
        activation=linear
        [softmax]
        """

    @Test(arguments: [63, 64, 65, 128, 130, 200])
    func `A large mini-batch is taken in parts, and every image is predicted as by itself`(images count: Int) throws {
        let trial = try Trial(Self.wide)
        let executor = try Self.executor(of: trial, miniBatch: count)
        let parts = (count + 63) / 64
        #expect(executor.imagesPerPass == (count + parts - 1) / parts)
        let images = (0..<count * 1024).map { noise($0, seed: 8) }
        let found = Self.infer(executor, images)[0]
        #expect(found.count == count * 4)
        let alone = try Self.executor(of: trial, miniBatch: 1)
        for image in 0..<count {
            let expected = Self.infer(alone, Array(images[image * 1024..<(image + 1) * 1024]))[0]
            expectClose(found[image * 4..<image * 4 + 4], expected.map(Double.init), tolerance: 1e-5, "\(image)")
        }
        // Nothing is left of the mini-batch before.
        let others = images.map { -$0 }
        #expect(Self.infer(executor, others)[0] != found)
        #expect(Self.infer(executor, images)[0] == found)
    }

    @Test(arguments: [1, 2, 3])
    func `Bits are the same in every run with the same threads`(threads: Int) throws {
        for network in Self.cases {
            let trial = try Trial(network.text)
            let images = trial.images(seed: 2)
            let found = Self.infer(try Self.executor(of: trial, threads: threads), images)
            let again = try Self.executor(of: trial, threads: threads)
            _ = Self.infer(again, trial.images(seed: 3))
            #expect(Self.infer(again, images) == found, "\(network)")
        }
    }

    @Test(arguments: Activation.allCases, [true, false])
    func `No activation hides NaN`(activation: Activation, normalize: Bool) throws {
        let trial = try Trial(
            """
            [net]
            height=6
            width=6
            channels=1
            [convolutional]
            batch_normalize=\(normalize ? 1 : 0)
            filters=20
            activation=\(activation)
            """)
        let executor = try Self.executor(of: trial)
        for place in [0, 7, 35] {
            var image = [Float](repeating: 1, count: 36)
            image[place] = .nan
            let found = Self.infer(executor, image)[0]
            for index in found.indices { #expect(found[index].isNaN == (index % 36 == place)) }
        }
        trial[0, .weights][3] = .nan
        executor.parametersDidChange()
        let found = Self.infer(executor, [Float](repeating: 1, count: 36))[0]
        #expect(found.indices.allSatisfy { found[$0].isNaN == ($0 / 36 == 3) })
    }

    @Test func `A normalised convolution is one primitive`() throws {
        let trial = try Trial(ExecutorTests.network)
        let names = try Self.executor(of: trial).implementations
        #expect(names.map(\.layer) == [0, 2, 3, 5])
        #expect(names.allSatisfy { $0.names.count == 1 })
    }
}
