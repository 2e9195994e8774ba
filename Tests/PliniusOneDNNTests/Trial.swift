import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// Numbers in [-1, 1) that look random and are the same in every run.
func noise(_ index: Int, seed: UInt64) -> Float {
    RandomStream.unit(RandomStream(seed: seed, purpose: .sampling).block(UInt64(index)).x) * 2 - 1
}

/// Expects numbers to agree within `tolerance` of the largest, or of 0.1 where all are nothing but rounding.
func expectClose(
    _ found: some Collection<Float>, _ expected: some Collection<Double>, tolerance: Double,
    _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.count == expected.count, comment, sourceLocation: sourceLocation)
    let size = expected.map(\.magnitude).max() ?? 0
    let error = zip(found, expected).map { (Double($0) - $1).magnitude }.max() ?? 0
    #expect(
        error <= tolerance * max(size, 0.1) && found.allSatisfy(\.isFinite),
        "\(comment ?? "") error \(error), size \(size)", sourceLocation: sourceLocation)
}

/// A network on oneDNN with its state at hand, and the same network in `Double` on the reference kernels to judge it.
final class Trial {
    let description: NetworkDescription
    let arena: ParameterArena
    let executor: OneDNNExecutor

    /// Compiles a configuration and fills its state with noise: weights and biases about 0, scales and variances about 1.
    ///
    /// One thread unless more are the point: tests run side by side, and OpenMP's threads wait for each other by spinning.
    init(
        _ configuration: String, threads: Int = 1, algorithm: ConvolutionAlgorithm = .winograd, seed: UInt64 = 1
    ) throws {
        description = try NetworkDescription(parsing: configuration, file: "test.cfg")
        arena = ParameterArena(layout: description.layout)
        executor = try OneDNNExecutor(
            network: description, miniBatch: description.options.miniBatch, arena: arena, threads: threads,
            algorithm: algorithm)
        for tensor in description.layout.tensors {
            self[tensor] = (0..<tensor.count).map { index in
                let value = noise(tensor.offset + index, seed: seed)
                return switch tensor.role {
                case .weights: value * (6 / Float(tensor.count / tensor.shape[0])).squareRoot()
                case .biases, .rollingMean: value / 2
                case .scales, .rollingVariance: 1 + value / 3
                default: 0
                }
            }
        }
        executor.parametersDidChange()
    }

    /// Makes the rolling statistics those of the one mini-batch that was trained on since `text` was compiled.
    func keepStatistics(ofLayers layers: [Int], begunWith text: String) throws {
        let begun = try Trial(text)
        for layer in layers {
            for role in [TensorRole.rollingMean, .rollingVariance] {
                // A hundredth of the statistics went into the rolling ones.
                self[layer, role] = zip(self[layer, role], begun[layer, role]).map { ($0 - 0.99 * $1) / 0.01 }
            }
        }
    }

    /// A tensor's numbers.
    subscript(tensor: ArenaTensor) -> [Float] {
        get { Array(arena.floats(of: tensor)) }
        set { _ = arena.floats(of: tensor).update(fromContentsOf: newValue) }
    }

    /// One of a layer's tensors; empty if it has none of that role.
    subscript(layer: Int, role: TensorRole) -> [Float] {
        get { description.layout.tensor(layer: layer, role: role).map { Array(arena.floats(of: $0)) } ?? [] }
        set {
            guard let tensor = description.layout.tensor(layer: layer, role: role) else { return }
            _ = arena.floats(of: tensor).update(fromContentsOf: newValue)
        }
    }

    var miniBatch: Int { executor.miniBatch }
    var output: [Float] { executor.withOutput { span in span.indices.map { span[$0] } } }
    /// Whether the arenas are the same, bit by bit; a comparison of arrays would list thousands of differences.
    func hasSameState(as other: Trial) -> Bool {
        arena.memory.floats.lazy.map(\.bitPattern).elementsEqual(other.arena.memory.floats.lazy.map(\.bitPattern))
    }

    func images(seed: UInt64) -> [Float] {
        (0..<miniBatch * description.input.count).map { noise($0, seed: seed) }
    }

    /// Positive noise: every loss takes it.
    func truth(seed: UInt64) -> [Float] {
        (0..<miniBatch * description.truthCount).map { noise($0, seed: seed &+ 1_000_000).magnitude }
    }

    func load(_ images: [Float], _ truth: [Float] = []) { executor.load(images: images.span, truth: truth.span) }

    /// Trains on noise.
    /// - Returns: the losses.
    func train(iterations: Range<Int>) -> [Float] {
        iterations.map { iteration in
            load(images(seed: UInt64(iteration)), truth(seed: UInt64(iteration)))
            let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
            let loss = executor.forward(pass)
            executor.backward(pass)
            executor.update(step(iteration))
            return loss
        }
    }

    func step(_ iteration: Int) -> SolverStep {
        description.options.step(ofUpdate: iteration + 1, seed: 9)
    }
}

/// The reference kernels in `Double`, begun with the state of a trial.
final class Judge {
    let description: NetworkDescription
    let network: ReferenceNetwork<Double>
    private let memory: PrivateMemory

    init(_ trial: Trial) {
        description = trial.description
        memory = PrivateMemory(byteCount: description.layout.floatCount * 8)
        network = ReferenceNetwork(description, miniBatch: trial.miniBatch, state: memory, threads: 1)
        for (index, value) in trial.arena.memory.floats.enumerated() { state[index] = Double(value) }
    }

    var state: UnsafeMutableBufferPointer<Double> { memory.bytes.bindMemory(to: Double.self) }

    subscript(tensor: ArenaTensor) -> [Double] {
        Array(state[tensor.offset..<tensor.offset + tensor.count])
    }

    subscript(layer: Int, role: TensorRole) -> [Double] {
        guard let tensor = description.layout.tensor(layer: layer, role: role) else { return [] }
        return Array(state[tensor.offset..<tensor.offset + tensor.count])
    }

    func output(miniBatch: Int) -> [Double] { output(ofLayer: description.outputLayer, miniBatch: miniBatch) }

    func output(ofLayer layer: Int, miniBatch: Int) -> [Double] {
        let count = miniBatch * description.layers[layer].output.count
        let memory = PrivateMemory(byteCount: count * 8)
        let rows = BufferMemory().view(of: memory, as: Double.self)[0..<count]
        network.copyOutput(ofLayer: layer, to: rows)
        return (0..<rows.count).map { rows[$0] }
    }
}
