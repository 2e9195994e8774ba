import PliniusNN
import Testing
import _PliniusSupport

/// Numbers in [-1, 1) that look random and are the same in every run.
func noise(_ index: Int, seed: UInt64) -> Double {
    let word = RandomStream(seed: seed, purpose: .sampling).block(UInt64(index)).x
    return Double(RandomStream.unit(word)) * 2 - 1
}

/// Elements in memory of their own.
final class Grid<Element> {
    let buffer: Buffer<Element>
    private let memory: PrivateMemory

    init(count: Int) {
        memory = PrivateMemory(byteCount: count * MemoryLayout<Element>.stride)
        buffer = BufferMemory().view(of: memory, as: Element.self)[0..<count]
    }

    subscript(index: Int) -> Element {
        get { buffer[index] }
        set { buffer[index] = newValue }
    }

    var array: [Element] { (0..<buffer.count).map { buffer[$0] } }
}

extension Grid<Double> {
    convenience init(count: Int, seed: UInt64) {
        self.init(count: count)
        for index in 0..<count { self[index] = noise(index, seed: seed) }
    }
}

/// A tensor in lanes, and the rows that it was made of; lanes without an image hold zeros.
final class Tensor {
    let lanes: LaneTensor<Double>
    let rows: [Double]
    private let storage: Grid<SIMD8<Double>>

    init(_ shape: Shape, images: Int, seed: UInt64? = nil) {
        storage = Grid(count: LaneTensor<Double>.count(of: shape, images: images))
        lanes = LaneTensor(storage.buffer, shape: shape, images: images)
        rows = (0..<images * shape.count).map { index in seed.map { noise(index, seed: $0) } ?? 0 }
        for (index, value) in rows.enumerated() {
            let (image, element) = index.quotientAndRemainder(dividingBy: shape.count)
            lanes[image / 8, element][image % 8] = value
        }
    }

    /// The rows as they are now.
    func read() -> [Double] {
        rows.indices.map { index in
            let (image, element) = index.quotientAndRemainder(dividingBy: lanes.shape.count)
            return lanes[image / 8, element][image % 8]
        }
    }
}

/// Expects numbers to agree within `tolerance` of the largest, or of `floor` if all are smaller.
func expectClose(
    _ found: [Double],
    _ expected: [Double],
    tolerance: Double = 1e-12,
    floor: Double = 1e-300,
    _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.count == expected.count, comment, sourceLocation: sourceLocation)
    let size = expected.map(\.magnitude).max() ?? 0
    let error = zip(found, expected).map { ($0 - $1).magnitude }.max() ?? 0
    #expect(
        error <= tolerance * max(size, floor) && found.allSatisfy(\.isFinite),
        "\(comment ?? "") error \(error), size \(size)",
        sourceLocation: sourceLocation
    )
}

/// A configuration's network in `Double`, with its state at hand.
final class Shadow {
    let description: NetworkDescription
    let network: ReferenceNetwork<Double>
    let state: UnsafeMutableBufferPointer<Double>
    private let memory: PrivateMemory

    /// Plans the network and fills its state with noise: weights and biases about 0, scales and variances about 1.
    init(_ configuration: String, threads: Int = 1, seed: UInt64 = 1) throws {
        description = try NetworkDescription(parsing: configuration, file: "test.cfg")
        memory = PrivateMemory(byteCount: description.layout.floatCount * 8)
        state = memory.bytes.bindMemory(to: Double.self)
        network = ReferenceNetwork(
            description, miniBatch: description.options.miniBatch, state: memory, threads: threads)
        for tensor in description.layout.tensors {
            for index in 0..<tensor.count {
                let value = noise(tensor.offset + index, seed: seed)
                switch tensor.role {
                case .weights, .biases, .rollingMean: state[tensor.offset + index] = value / 2
                case .scales, .rollingVariance: state[tensor.offset + index] = 1 + value / 3
                default: break
                }
            }
        }
    }

    var miniBatch: Int { network.miniBatch }

    /// One of a layer's tensors.
    subscript(layer: Int, role: TensorRole, part part: Int = 0) -> [Double] {
        get { Array(state[place(layer, role, part)]) }
        set { for (index, value) in zip(place(layer, role, part), newValue) { state[index] = value } }
    }

    private func place(_ layer: Int, _ role: TensorRole, _ part: Int) -> Range<Int> {
        guard let tensor = description.layout.tensor(layer: layer, part: part, role: role) else { return 0..<0 }
        return tensor.offset..<tensor.offset + tensor.count
    }

    /// Loads noise for images and positive noise for the truth.
    func loadNoise(seed: UInt64 = 2) {
        let images = (0..<miniBatch * description.input.count).map { Float(noise($0, seed: seed)) }
        let truth = (0..<miniBatch * description.truthCount).map { Float(noise($0, seed: seed + 1).magnitude) }
        load(images, truth: truth)
    }

    func load(_ images: [Float], truth: [Float] = []) {
        network.load(images: images.span, truth: truth.span)
    }

    func output(ofLayer layer: Int) -> [Double] {
        let rows = Grid<Double>(count: miniBatch * description.layers[layer].output.count)
        network.copyOutput(ofLayer: layer, to: rows.buffer)
        return rows.array
    }
}
