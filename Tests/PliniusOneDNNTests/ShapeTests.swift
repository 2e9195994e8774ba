import PliniusNN
import PliniusOneDNN
import Testing

/// oneDNN's plan against the reference kernels in `Double`, over shapes that layouts and blocks of channels stumble over.
@Suite struct ShapeTests {
    /// A convolution of each kind between two others, so that all its gradients are asked for.
    struct Case: CustomTestStringConvertible, Sendable {
        var channels = 3
        var filters = 10
        var size = 3
        var stride = 1
        var padding = 1
        var groups = 1
        var image = 5
        var batch = 3
        var normalize = true
        var activation = Activation.leaky

        var testDescription: String {
            "\(channels)→\(filters) \(size)×\(size)/\(stride)+\(padding) g\(groups) \(image)×\(image) b\(batch) \(activation)"
        }

        var configuration: String {
            """
            [net]
            batch=\(batch)
            height=\(image)
            width=\(image + 1)
            channels=2
            learning_rate=0.05
            [convolutional]
            filters=\(channels)
            size=1
            activation=linear
            [convolutional]
            filters=\(filters)
            size=\(size)
            stride=\(stride)
            padding=\(padding)
            groups=\(groups)
            batch_normalize=\(normalize ? 1 : 0)
            activation=\(activation)
            [maxpool]
            size=2
            stride=1
            [convolutional]
            filters=4
            size=1
            batch_normalize=1
            activation=tanh
            [avgpool]
            [softmax]
            """
        }
    }

    static let cases = [
        Case(), Case(channels: 1, filters: 1), Case(channels: 17, filters: 17), Case(channels: 10, filters: 33),
        Case(channels: 16, filters: 16, stride: 2), Case(channels: 17, filters: 3, size: 5, padding: 2),
        Case(channels: 3, filters: 17, size: 1, padding: 0), Case(channels: 48, filters: 10, size: 1, stride: 2),
        Case(channels: 8, filters: 12, groups: 4), Case(channels: 10, filters: 10, groups: 10),
        Case(channels: 32, filters: 32, groups: 32), Case(channels: 64, filters: 32, groups: 2, image: 7),
        Case(channels: 34, filters: 6, stride: 2, groups: 2), Case(channels: 16, filters: 16, batch: 1),
        Case(channels: 16, filters: 32, image: 4, batch: 9), Case(channels: 3, filters: 20, normalize: false),
        Case(channels: 17, filters: 17, size: 5, stride: 2, padding: 2, normalize: false),
        Case(channels: 32, filters: 48, image: 14, batch: 4), Case(channels: 64, filters: 64, image: 9, batch: 4),
    ]

    @Test(arguments: cases)
    func `A pass and an update are the reference's`(shape: Case) throws { try judge(shape.configuration) }

    @Test(arguments: Activation.allCases, [true, false])
    func `Every activation, with and without normalisation`(activation: Activation, normalize: Bool) throws {
        try judge(Case(channels: 5, filters: 18, normalize: normalize, activation: activation).configuration)
    }

    @Test(arguments: [ConvolutionAlgorithm.winograd, .direct])
    func `Both algorithms, over several threads`(algorithm: ConvolutionAlgorithm) throws {
        let shape = Case(channels: 32, filters: 32, image: 13, batch: 5).configuration
        for threads in [1, 2, 3] { try judge(shape, threads: threads, algorithm: algorithm) }
    }

    /// Sides that tiles of 4×4 fit and do not fit, every padding, channels that fill blocks and do not, more units than threads and fewer,
    /// products of one to four vectors and more, sums of gradients over several units.
    @Test(arguments: [
        Case(channels: 16, filters: 16, image: 4, batch: 1),
        Case(channels: 16, filters: 48, padding: 0, image: 6, batch: 2),
        Case(channels: 33, filters: 20, padding: 2, image: 5, batch: 2),
        Case(channels: 20, filters: 70, image: 4, batch: 3),
        Case(channels: 17, filters: 16, image: 10, batch: 9),
        Case(channels: 80, filters: 16, image: 3, batch: 8, normalize: false),
        Case(channels: 19, filters: 31, padding: 2, image: 6, batch: 3, normalize: false),
    ])
    func `Winograd's tiles, units and parts`(shape: Case) throws {
        for threads in [1, 3] { try judge(shape.configuration, threads: threads) }
    }

    @Test func `Layers that want rows get them from any layout, and give blocks back`() throws {
        try judge(
            """
            [net]
            batch=4
            height=6
            width=5
            channels=3
            [dropout]
            probability=.2
            [maxpool]
            size=3
            stride=2
            [connected]
            output=24
            batch_normalize=1
            activation=elu
            [convolutional]
            filters=20
            size=1
            batch_normalize=1
            activation=leaky
            [dropout]
            [connected]
            output=7
            activation=linear
            [softmax]
            [cost]
            type=sse
            """)
    }

    @Test func `Of equals in a window the first gets the gradient`() throws {
        try judge(
            """
            [net]
            batch=2
            height=6
            width=7
            channels=2
            [convolutional]
            filters=18
            size=1
            activation=linear
            [maxpool]
            size=3
            stride=2
            [connected]
            output=3
            activation=linear
            [softmax]
            """
        ) { trial in
            // The same everywhere: what the weights' gradient is depends on the places alone.
            trial[0, .weights] = [Float](repeating: 0, count: 36)
        }
    }

    @Test(arguments: ["sse", "masked", "L1", "seg", "smooth", "wgan"])
    func `Every cost, straight on a convolution`(type: String) throws {
        try judge(
            """
            [net]
            batch=3
            height=5
            width=5
            channels=1
            [convolutional]
            filters=3
            size=3
            pad=1
            activation=logistic
            [convolutional]
            filters=18
            size=3
            stride=2
            activation=linear
            [cost]
            type=\(type)
            scale=.5
            """)
    }

    /// Compares inference, loss, output, gradients, rolling statistics, and the state after an update.
    func judge(
        _ configuration: String, threads: Int = 1, algorithm: ConvolutionAlgorithm = .winograd,
        prepare: (Trial) -> Void = { _ in }
    ) throws {
        let trial = try Trial(configuration, threads: threads, algorithm: algorithm)
        prepare(trial)
        trial.executor.parametersDidChange()
        let judge = Judge(trial)
        let (images, truth) = (trial.images(seed: 5), trial.truth(seed: 5))
        trial.load(images, truth)
        judge.network.load(images: images.span, truth: truth.span)
        let inference = Pass(mode: .inference)
        let training = Pass(mode: .training, seed: 21, iteration: 4, firstImage: 8)
        for pass in [inference, training] {
            let loss = trial.executor.forward(pass)
            let expected = judge.network.forward(pass)
            if pass == training { expectClose([loss], [expected], tolerance: 2e-5, "loss") }
            expectClose(trial.output, judge.output(miniBatch: trial.miniBatch), tolerance: 5e-5, "\(pass.mode)")
        }
        trial.executor.backward(training)
        judge.network.backward(training)
        compare(trial, judge, tolerance: 2e-4)
        trial.executor.update(trial.step(0))
        judge.network.update(trial.step(0))
        compare(trial, judge, tolerance: 2e-4)
        // The packed weights have followed.
        #expect(trial.executor.forward(inference) == 0)
        _ = judge.network.forward(inference)
        expectClose(trial.output, judge.output(miniBatch: trial.miniBatch), tolerance: 2e-4, "after the update")
        #expect(trial.executor.firstNonFiniteLayer() == nil)
    }

    private func compare(_ trial: Trial, _ judge: Judge, tolerance: Double) {
        for tensor in trial.description.layout.tensors {
            expectClose(
                trial[tensor], judge[tensor], tolerance: tolerance,
                "layer \(tensor.layer)'s \(tensor.role), part \(tensor.part)")
        }
    }
}
