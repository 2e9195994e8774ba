import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// The network of the paper's evaluation, update by update.
@Suite struct PaperNetworkTests {
    /// The layers of `configs/mnist.cfg` with another batch.
    static let network: String = {
        func convolution(_ filters: Int) -> String {
            "[convolutional]\nbatch_normalize=1\nfilters=\(filters)\nsize=3\npad=1\nactivation=leaky\n"
        }
        let pool = "[maxpool]\nsize=2\nstride=2\n"
        return """
            [net]
            batch=16
            height=28
            width=28
            channels=1
            learning_rate=0.1
            momentum=0.9
            decay=0.0005

            """ + convolution(32) + pool + String(repeating: convolution(64), count: 9) + pool + convolution(128) + """
                [dropout]
                probability=.5
                [convolutional]
                filters=10
                size=1
                activation=leaky
                [avgpool]
                [softmax]
                """
    }()

    /// Ten blurred shapes in noise: a set that a network learns.
    private func batch(_ iteration: Int) -> (images: [Float], truth: [Float]) {
        var images: [Float] = []
        var truth = [Float](repeating: 0, count: 160)
        for image in 0..<16 {
            let label = (iteration * 7 + image * 3) % 10
            truth[image * 10 + label] = 1
            images += (0..<784).map { pixel in
                let shape: Float = noise(label * 784 + pixel, seed: 50) > 0.6 ? 0.6 : 0
                return shape + 0.4 * noise(image * 784 + pixel, seed: UInt64(iteration)).magnitude
            }
        }
        return (images, truth)
    }

    /// Length of the difference over length of the second.
    ///
    /// A rounding that moves a value across the bend of an activation, or to another place of a pool's window, changes single
    /// gradients by much: the greatest difference would say more about those than about the rest.
    private func distance(_ found: [Float], _ expected: [Float]) -> Float {
        func length(_ values: [Float]) -> Float { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        return length(zip(found, expected).map { $0 - $1 }) / max(length(expected), 1e-3)
    }

    /// Free runs of any two implementations in `Float` part after a few updates at this rate, those of one implementation with one
    /// bit of difference too; so each update is compared from the same state.
    @Test(arguments: [ConvolutionAlgorithm.winograd, .direct])
    func `From the same state, each loss and each gradient is the reference's`(
        algorithm: ConvolutionAlgorithm
    ) throws {
        let trial = try Trial(Self.network, threads: 2, algorithm: algorithm)
        trial.arena.initialize(trial.description, seed: 1)
        trial.executor.parametersDidChange()
        let arena = ParameterArena(layout: trial.description.layout)
        let judge = ReferenceExecutor(network: trial.description, miniBatch: 16, arena: arena, threads: 2)
        for iteration in 0..<20 {
            _ = arena.memory.floats.update(fromContentsOf: trial.arena.memory.floats)
            let (images, truth) = batch(iteration)
            let pass = Pass(mode: .training, seed: 3, iteration: UInt64(iteration))
            trial.load(images, truth)
            let loss = trial.executor.forward(pass)
            trial.executor.backward(pass)
            judge.load(images: images.span, truth: truth.span)
            expectClose([loss], [Double(judge.forward(pass))], tolerance: 2e-5, "loss \(iteration)")
            // Every fourth update's gradients: the judge takes its time.
            if iteration % 4 == 3 {
                judge.backward(pass)
                for tensor in arena.layout.tensors {
                    let distance = distance(trial[tensor.layer, tensor.role], Array(arena.floats(of: tensor)))
                    #expect(
                        distance < (algorithm == .winograd ? 1e-2 : 2e-3),
                        "update \(iteration): layer \(tensor.layer)'s \(tensor.role) is off by \(distance)")
                }
            }
            trial.executor.update(trial.step(iteration))
        }
    }
}
