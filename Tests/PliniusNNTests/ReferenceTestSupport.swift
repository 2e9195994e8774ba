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
        let elements = memory.bytes.bindMemory(to: Element.self)
        buffer = Buffer(base: elements.baseAddress!, count: count)
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

/// Expects numbers to agree within `tolerance` of the largest.
func expectClose(
    _ found: [Double],
    _ expected: [Double],
    tolerance: Double = 1e-12,
    _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.count == expected.count, comment, sourceLocation: sourceLocation)
    let size = expected.map(\.magnitude).max() ?? 0
    let error = zip(found, expected).map { ($0 - $1).magnitude }.max() ?? 0
    #expect(
        error <= tolerance * max(size, 1e-300) && found.allSatisfy(\.isFinite),
        "\(comment ?? "") error \(error), size \(size)",
        sourceLocation: sourceLocation
    )
}
