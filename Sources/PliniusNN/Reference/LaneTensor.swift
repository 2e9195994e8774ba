/// A tensor of a mini-batch in which eight images lie side by side: (blocks of images, channels, positions, 8 lanes).
///
/// With images as lanes every layer is vector code of full width: a convolution needs no unfolded copy, borders cost nothing
/// (what they would multiply by zero is skipped), and pooling, dropout and softmax never look across lanes. The last block's
/// lanes without an image repeat the last image, so that they never overflow on their own; their deltas are kept at zero.
package struct LaneTensor<Scalar: ReferenceScalar> {
    package typealias Lanes = SIMD8<Scalar>

    package let shape: Shape
    /// Images in it.
    package let images: Int
    /// Lanes from one channel to the next.
    package let pitch: Int
    /// All lanes, those between channels included.
    let storage: Buffer<Lanes>
    /// Ones for the lanes of the last block that hold an image of their own, zeros for the others.
    private let tail: Lanes

    package init(_ storage: Buffer<Lanes>, shape: Shape, images: Int) {
        self.shape = shape
        self.images = images
        pitch = Self.pitch(of: shape)
        self.storage = storage[0..<Self.count(of: shape, images: images)]
        let full = images % 8 == 0 ? 8 : images % 8
        var tail = Lanes()
        for lane in 0..<full { tail[lane] = 1 }
        self.tail = tail
    }

    /// Storage that a tensor takes.
    package static func count(of shape: Shape, images: Int) -> Int {
        blocks(of: images) * shape.channels * pitch(of: shape)
    }

    private static func blocks(of images: Int) -> Int { (images + 7) / 8 }

    /// Channels lie an odd number of cache lines apart, lest the channels of a position all fall into the same few cache sets.
    private static func pitch(of shape: Shape) -> Int { shape.area == 1 ? 1 : (shape.area + 1) / 4 * 4 + 2 }

    package var blocks: Int { Self.blocks(of: images) }

    /// All positions of one channel of one block.
    @inline(__always) package func plane(_ block: Int, _ channel: Int) -> Buffer<Lanes> {
        let start = (block * shape.channels + channel) * pitch
        return storage[start..<start + shape.area]
    }

    /// Ones for the lanes of a block that hold an image, zeros for those that repeat one.
    @inline(__always) package func mask(_ block: Int) -> Lanes { block == blocks - 1 ? tail : Lanes(repeating: 1) }

    /// Elements in a row that are of one channel, or of channels that have one position each.
    @inline(__always) func run(_ block: Int, from element: Int, count: Int) -> Buffer<Lanes> {
        let start = place(block, element)
        return storage[start..<start + count]
    }

    /// Place in the storage of a block's element, by its row-major index within an image.
    @inline(__always) private func place(_ block: Int, _ element: Int) -> Int {
        (block * shape.channels + element / shape.area) * pitch + element % shape.area
    }

    /// One element of an image, of eight images; elements count row-major.
    package subscript(block: Int, element: Int) -> Lanes {
        @inline(__always) get { storage[place(block, element)] }
        @inline(__always) nonmutating set { storage[place(block, element)] = newValue }
    }

    /// Copies blocks in from rows of one image each.
    func copy(fromRows rows: Buffer<Float>, blocks: Range<Int>) {
        for block in blocks {
            for element in 0..<shape.count {
                var lanes = Lanes()
                for lane in 0..<8 {
                    let image = min(block * 8 + lane, images - 1)
                    lanes[lane] = Scalar(rows[image * shape.count + element])
                }
                self[block, element] = lanes
            }
        }
    }

    /// Copies all images out to rows.
    func copy(toRows rows: Buffer<Scalar>) { copy(toRows: rows, images: 0..<images) }

    /// Copies images out to rows, or adds them to what is there.
    func copy(toRows rows: Buffer<Scalar>, images: Range<Int>, adds: Bool = false) {
        for image in images {
            for element in 0..<shape.count {
                let place = image * shape.count + element
                let value = self[image / 8, element][image % 8]
                rows[place] = adds ? rows[place] + value : value
            }
        }
    }

    /// Clears the lanes that repeat an image: a delta has none there.
    func mask(_ blocks: Range<Int>) {
        for block in blocks where block == self.blocks - 1 {
            for element in 0..<shape.count { self[block, element] *= tail }
        }
    }

    /// Copies a worker's share of one time step's images out of a mini-batch of all steps, the first step's images first.
    func copy(fromStep step: Int, of batch: LaneTensor, _ worker: PassWorker, repeating: Bool) {
        for unit in worker.share(of: blocks * shape.count) {
            let (block, element) = unit.quotientAndRemainder(dividingBy: shape.count)
            var lanes = Lanes()
            for lane in 0..<8 where repeating || block * 8 + lane < images {
                let image = step * images + min(block * 8 + lane, images - 1)
                lanes[lane] = batch[image / 8, element][image % 8]
            }
            self[block, element] = lanes
        }
    }

    /// Joins what each time step made for its images, a worker's share of it.
    func copy(fromSteps steps: [LaneTensor], _ worker: PassWorker, repeating: Bool) {
        for unit in worker.share(of: blocks * shape.count) {
            let (block, element) = unit.quotientAndRemainder(dividingBy: shape.count)
            var lanes = Lanes()
            for lane in 0..<8 where repeating || block * 8 + lane < images {
                let (step, image) = min(block * 8 + lane, images - 1).quotientAndRemainder(dividingBy: steps[0].images)
                lanes[lane] = steps[step][image / 8, element][image % 8]
            }
            self[block, element] = lanes
        }
    }

    /// Sets parts of the storage to zero.
    func clear(_ worker: PassWorker) { for index in worker.share(of: storage.count) { storage[index] = Lanes() } }

    /// Adds parts of a tensor of the same shape.
    func add(_ other: LaneTensor, _ worker: PassWorker) {
        for unit in worker.share(of: blocks * shape.channels) {
            let target = plane(unit / shape.channels, unit % shape.channels)
            let source = other.plane(unit / shape.channels, unit % shape.channels)
            for position in 0..<target.count { target[position] += source[position] }
        }
    }

    /// Whether every number is finite: whatever is not gives NaN when it is multiplied by zero.
    var isFinite: Bool {
        var sum = Lanes()
        for block in 0..<blocks { for element in 0..<shape.count { sum += self[block, element] * 0 } }
        return sum.sum() == 0
    }
}
