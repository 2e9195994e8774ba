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
        for layer in trial.description.layers.indices {
            for (role, momentum) in learned where !trial[layer, role].isEmpty {
                let gradient = fixture.tensors["\(layer).\(role).gradient"]?.values
                expectClose(
                    trial[layer, momentum], gradient ?? [Double](repeating: 0, count: trial[layer, role].count),
                    tolerance: 2e-5, "gradient of layer \(layer)'s \(role)")
            }
            for role in [TensorRole.rollingMean, .rollingVariance] where !trial[layer, role].isEmpty {
                expectClose(
                    trial[layer, role], fixture["\(layer).\(role).after"].values, tolerance: 1e-5,
                    "layer \(layer)'s \(role)")
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
            let name = "\(tensor.layer).\(tensor.role)"
            expectClose(
                trial[tensor.layer, tensor.role], fixture["\(name).after"].values, tolerance: 1e-3, "\(name)")
        }
    }

    private func restore(_ trial: Trial, from fixture: Fixture) {
        for tensor in trial.description.layout.tensors {
            let values = fixture.tensors["\(tensor.layer).\(tensor.role)"]?.floats
            trial[tensor.layer, tensor.role] = values ?? [Float](repeating: 0, count: tensor.count)
        }
        trial.executor.parametersDidChange()
    }
}
