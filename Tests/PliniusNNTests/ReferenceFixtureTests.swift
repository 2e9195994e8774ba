import PliniusNN
import Testing
import _PliniusTestSupport

/// The reference kernels against what PyTorch computes in double precision.
@Suite struct ReferenceFixtureTests {
    private let learned: [(TensorRole, TensorRole)] = [
        (.biases, .biasMomentum), (.scales, .scaleMomentum), (.weights, .weightMomentum),
    ]

    @Test(arguments: Fixture.passes)
    func `One pass is PyTorch's`(fixture: Fixture) throws {
        let shadow = try Shadow(fixture.config, threads: 2)
        restore(shadow, from: fixture)
        shadow.load(fixture["images"].floats, truth: fixture["truth"].floats)

        let rolling = [TensorRole.rollingMean, .rollingVariance]
        _ = shadow.network.forward(Pass(mode: .inference))
        expectClose(shadow.output(ofLayer: shadow.description.outputLayer), fixture["inference"].values, "inference")

        let pass = Pass(
            mode: .training, seed: fixture.seed, iteration: fixture.iteration, firstImage: fixture.firstImage)
        expectClose([shadow.network.forward(pass)], fixture["loss"].values, "loss")
        shadow.network.backward(pass)
        for layer in shadow.description.layers.indices {
            if let output = fixture.tensors["\(layer).output"] {
                expectClose(shadow.output(ofLayer: layer), output.values, "output of layer \(layer)")
            }
            let parts = shadow.description.layers[layer].parts.indices
            for part in parts {
                let name = parts.count > 1 ? "\(layer).\(part)" : "\(layer)"
                for (role, momentum) in learned where !shadow[layer, role].isEmpty {
                    let count = shadow[layer, role, part: part].count
                    let gradient = fixture.tensors["\(name).\(role).gradient"]?.values
                    expectClose(
                        shadow[layer, momentum, part: part], gradient ?? [Double](repeating: 0, count: count), floor: 1,
                        "gradient of layer \(name)'s \(role)")
                }
                for role in rolling where !shadow[layer, role].isEmpty {
                    expectClose(
                        shadow[layer, role, part: part], fixture["\(name).\(role).after"].values,
                        "layer \(name)'s \(role)")
                }
            }
        }
    }

    @Test(arguments: Fixture.trajectories)
    func `Several updates are PyTorch's`(fixture: Fixture) throws {
        let shadow = try Shadow(fixture.config)
        restore(shadow, from: fixture)
        let options = shadow.description.options
        let passes = fixture["images"].shape[0]
        let images = fixture["images"].floats
        let truth = fixture["truth"].floats
        var losses: [Double] = []
        for index in 0..<passes {
            let (update, part) = index.quotientAndRemainder(dividingBy: options.subdivisions)
            let pass = Pass(
                mode: .training, seed: fixture.seed, iteration: fixture.iteration + UInt64(update),
                firstImage: part * options.miniBatch)
            shadow.load(
                Array(images[index * images.count / passes..<(index + 1) * images.count / passes]),
                truth: Array(truth[index * truth.count / passes..<(index + 1) * truth.count / passes]))
            losses.append(shadow.network.forward(pass))
            shadow.network.backward(pass)
            guard part == options.subdivisions - 1 else { continue }
            shadow.network.update(options.step(ofUpdate: Int(fixture.iteration) + update + 1, seed: fixture.seed))
        }
        // The rates are computed in `Float`.
        expectClose(losses, fixture["losses"].values, tolerance: 1e-6)
        for tensor in shadow.description.layout.tensors {
            let name = "\(tensor.layer).\(tensor.role)"
            expectClose(shadow[tensor.layer, tensor.role], fixture["\(name).after"].values, tolerance: 1e-6, "\(name)")
        }
    }

    private func restore(_ shadow: Shadow, from fixture: Fixture) {
        for tensor in shadow.description.layout.tensors {
            let hasParts = shadow.description.layers[tensor.layer].parts.count > 1
            let values = fixture.tensors["\(tensor.layer)\(hasParts ? ".\(tensor.part)" : "").\(tensor.role)"]?.values
            precondition(
                values != nil || tensor.role.rawValue > TensorRole.weights.rawValue, "the fixture lacks \(tensor)")
            shadow[tensor.layer, tensor.role, part: tensor.part] =
                values ?? [Double](repeating: 0, count: tensor.count)
        }
    }
}
