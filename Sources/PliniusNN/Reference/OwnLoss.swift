/// What a layer with a loss of its own asks of its input, Darknet's delta; its cost is the sum of the squares.
struct OwnLoss<Scalar: ReferenceScalar> {
    /// As the input; zero in lanes without an image.
    let deltas: LaneTensor<Scalar>
    /// One for each plane.
    private let costs: Buffer<Double>

    init(_ input: LaneTensor<Scalar>, _ memory: BufferMemory) {
        deltas = memory.tensor(of: Scalar.self, input.shape, images: input.images)
        costs = memory.buffer(of: Double.self, count: input.blocks * input.shape.channels)
    }

    /// The images of a block; the other lanes repeat the last one.
    func lanes(_ block: Int) -> Range<Int> { 0..<min(8, deltas.images - 8 * block) }

    /// Clears the deltas, has them measured in `units` parts, none of which looks at another's, and sums their squares.
    /// - Returns: the cost, from the first worker.
    func measure(units: Int, _ worker: PassWorker, _ part: (_ unit: Int) -> Void) -> Double {
        deltas.clear(worker)
        worker.meet()
        for unit in worker.share(of: units) { part(unit) }
        worker.meet()
        let channels = deltas.shape.channels
        for plane in worker.share(of: costs.count) {
            let deltas = deltas.plane(plane / channels, plane % channels)
            costs[plane] = deltas.total { deltas[$0] * deltas[$0] }
        }
        worker.meet()
        return worker.isFirst ? (0..<costs.count).reduce(0.0) { $0 + costs[$1] } : 0
    }

    /// Hands the deltas to the input; zero without a truth.
    func backward(_ inputDelta: LaneTensor<Scalar>, hasTruth: Bool, _ worker: PassWorker) {
        forEachPlane(worker) { block, channel in
            let source = deltas.plane(block, channel)
            let target = inputDelta.plane(block, channel)
            for position in 0..<target.count { target[position] = hasTruth ? source[position] : SIMD8<Scalar>() }
        }
    }

    /// A worker's share of the planes.
    @inline(__always) func forEachPlane(_ worker: PassWorker, _ body: (_ block: Int, _ channel: Int) -> Void) {
        let channels = deltas.shape.channels
        for plane in worker.share(of: deltas.blocks * channels) { body(plane / channels, plane % channels) }
    }
}

/// Numbers of one image that lie a fixed distance apart in its row.
struct Entries<Scalar: ReferenceScalar> {
    private let tensor: LaneTensor<Scalar>
    private let block: Int
    private let lane: Int
    private let first: Int
    private let stride: Int

    init(_ tensor: LaneTensor<Scalar>, _ block: Int, _ lane: Int, first: Int, stride: Int = 1) {
        self.tensor = tensor
        self.block = block
        self.lane = lane
        self.first = first
        self.stride = stride
    }

    subscript(index: Int) -> Scalar {
        get { tensor[block, first + index * stride][lane] }
        nonmutating set { tensor[block, first + index * stride][lane] = newValue }
    }

    /// Four in a row.
    func four(_ index: Int) -> SIMD4<Scalar> { SIMD4(self[index], self[index + 1], self[index + 2], self[index + 3]) }
}

extension Entries {
    /// The box and the class of a list's entry; nil where the list has ended, or the entry says nothing that can be learned.
    ///
    /// Such an entry has a class that the layer does not know, or no area: whoever seals data refuses it.
    func box(classes: Int) -> (box: Box<Scalar>, class: Int)? {
        let box = Box(x: self[0], y: self[1], width: self[2], height: self[3])
        guard box.isSound, self[4] >= 0, self[4] < Scalar(classes) else { return nil }
        return (box, Int(self[4]))
    }

    /// The cell that holds a place from 0 to 1; what is outside belongs to the cell at the border.
    static func cell(_ place: Scalar, of count: Int) -> Int {
        let position = place * Scalar(count)
        return position >= Scalar(count) ? count - 1 : position > 0 ? Int(position) : 0
    }
}

extension LaneTensor {
    /// Writes the softmax of elements of another tensor that lie `stride` apart.
    func softmax(of source: LaneTensor, _ block: Int, first: Int, count: Int, stride: Int) {
        let elements = Swift.stride(from: first, to: first + count * stride, by: stride)
        var greatest = source[block, first]
        for element in elements { greatest = Scalar.greater(greatest, source[block, element]) }
        var sum = Lanes()
        for element in elements {
            let power = (source[block, element] - greatest).mapLanes(Scalar.exponential)
            self[block, element] = power
            sum += power
        }
        for element in elements { self[block, element] /= sum }
    }
}
