import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusTestSupport

/// oneDNN's plan against what PyTorch computes in double precision.
@Suite struct FixtureTests {
    private let learned: [(TensorRole, TensorRole)] = [
        (.biases, .biasMomentum), (.scales, .scaleMomentum), (.weights, .weightMomentum),
    ]

    @Test(arguments: Fixture.passes)
    func `One pass is PyTorch's`(fixture: Fixture) throws {
        let trial = try Trial(fixture.config)
        restore(trial, from: fixture)
        trial.load(fixture["images"].floats, fixture["truth"].floats)
        #expect(trial.executor.forward(Pass(mode: .inference)) == 0)
        expectClose(trial.output, fixture["inference"].values, tolerance: 1e-5, "inference")

        let pass = Pass(
            mode: .training, seed: fixture.seed, iteration: fixture.iteration, firstImage: fixture.firstImage)
        expectClose([trial.executor.forward(pass)], fixture["loss"].values, tolerance: 1e-5, "loss")
        if let output = fixture.tensors["\(trial.description.outputLayer).output"] {
            expectClose(trial.output, output.values, tolerance: 1e-5, "output")
        }
        trial.executor.backward(pass)
        for tensor in trial.description.layout.tensors {
            let name = name(of: tensor, in: trial)
            if let (_, momentum) = learned.first(where: { $0.0 == tensor.role }) {
                let gradient = fixture.tensors["\(name).gradient"]?.values
                let sums = trial.description.layout.tensor(layer: tensor.layer, part: tensor.part, role: momentum)
                expectClose(
                    trial[try #require(sums)], gradient ?? [Double](repeating: 0, count: tensor.count), tolerance: 2e-5,
                    "gradient of \(name)")
            } else if [.rollingMean, .rollingVariance].contains(tensor.role) {
                expectClose(trial[tensor], fixture["\(name).after"].values, tolerance: 1e-5, "\(name)")
            }
        }
    }

    @Test(arguments: Fixture.trajectories)
    func `Several updates are PyTorch's`(fixture: Fixture) throws {
        let trial = try Trial(fixture.config)
        restore(trial, from: fixture)
        let options = trial.description.options
        let passes = fixture["images"].shape[0]
        let images = fixture["images"].floats
        let truth = fixture["truth"].floats
        var losses: [Float] = []
        for index in 0..<passes {
            let (update, part) = index.quotientAndRemainder(dividingBy: options.subdivisions)
            let pass = Pass(
                mode: .training, seed: fixture.seed, iteration: fixture.iteration + UInt64(update),
                firstImage: part * options.miniBatch)
            trial.load(
                Array(images[index * images.count / passes..<(index + 1) * images.count / passes]),
                Array(truth[index * truth.count / passes..<(index + 1) * truth.count / passes]))
            losses.append(trial.executor.forward(pass))
            trial.executor.backward(pass)
            if part == options.subdivisions - 1 {
                trial.executor.update(trial.step(Int(fixture.iteration) + update))
            }
        }
        expectClose(losses, fixture["losses"].values, tolerance: 1e-4)
        for tensor in trial.description.layout.tensors {
            let name = name(of: tensor, in: trial)
            expectClose(
                trial[tensor], fixture["\(name).after"].values, tolerance: 1e-3, "\(name)")
        }
    }

    /// What fixtures call a tensor; those of a recurrent layer have their part's number.
    private func name(of tensor: ArenaTensor, in trial: Trial) -> String {
        let hasParts = trial.description.layers[tensor.layer].parts.count > 1
        return "\(tensor.layer)\(hasParts ? ".\(tensor.part)" : "").\(tensor.role)"
    }

    private func restore(_ trial: Trial, from fixture: Fixture) {
        for tensor in trial.description.layout.tensors {
            let values = fixture.tensors[name(of: tensor, in: trial)]?.floats
            trial[tensor] = values ?? [Float](repeating: 0, count: tensor.count)
        }
        trial.executor.parametersDidChange()
    }
}
