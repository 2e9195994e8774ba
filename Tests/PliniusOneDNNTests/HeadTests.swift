import PliniusNN
import PliniusOneDNN
import Testing

/// Heads in the plan: what they cost, and what they ask of the layers below, is what the reference kernels say.
@Suite struct HeadTests {
    private static let net = "[net]\nbatch=10\nheight=8\nwidth=8\nchannels=3\nlearning_rate=0.01\n"
    private static let body =
        "[conv]\nfilters=16\nsize=3\npad=1\nbatch_normalize=1\nactivation=leaky\n[maxpool]\nsize=2\nstride=2\n"

    private static func linear(_ filters: Int) -> String { "[conv]\nfilters=\(filters)\nsize=1\nactivation=linear\n" }

    @Test(arguments: [
        // Two scales, of which the second joins the first's features.
        body + linear(16) + linear(14) + "[yolo]\nclasses=2\nmask=1,2\nnum=3\nanchors=2,2,4,4,7,6\nmax=4\n"
            + "[route]\nlayers=-3\n" + linear(7) + "[yolo]\nclasses=2\nmask=0\nnum=3\nanchors=2,2,4,4,7,6\nmax=4",
        body + linear(18) + "[region]\nclasses=4\nnum=2\nanchors=1,1,2,3\nsoftmax=1\nbias_match=1\nmax=3",
        body + "[connected]\noutput=52\nactivation=linear\n[detection]\nclasses=3\nside=2\nnum=2\nsqrt=1\nsoftmax=1",
        body + linear(5) + "[iseg]\nclasses=3\nids=2",
    ])
    func `Both executors agree`(layers: String) throws {
        let trial = try Trial(Self.net + layers)
        let judge = Judge(trial)
        let pass = Pass(mode: .training, seed: 2, iteration: 5)
        let images = trial.images(seed: 4)
        var truth = trial.truth(seed: 4)
        if case .masks(let height, let width) = trial.description.truth {
            // Three instances; ninety that share all their pixels would add up more rounding than is allowed.
            for image in 0..<trial.miniBatch {
                truth[image * trial.description.truthCount + 3 * (height * width + 1)] = -1
            }
        }
        trial.load(images, truth)
        judge.network.load(images: images.span, truth: truth.span)
        let cost = trial.executor.forward(pass)
        let expected = judge.network.forward(pass)
        #expect(expected > 0)
        expectClose([cost], [expected], tolerance: 1e-5)
        trial.executor.backward(pass)
        judge.network.backward(pass)
        for tensor in trial.description.layout.tensors
        where [.biasMomentum, .scaleMomentum, .weightMomentum].contains(tensor.role) {
            let found = trial[tensor.layer, tensor.role]
            #expect(found.contains { $0 != 0 })
            expectClose(
                found, judge[tensor.layer, tensor.role], tolerance: 1e-4, "layer \(tensor.layer), \(tensor.role)")
        }
        expectClose(trial.output, judge.output(miniBatch: trial.miniBatch), tolerance: 1e-5)
    }
}
