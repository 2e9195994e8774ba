internal import COneDNN
internal import PliniusNN

/// How the activations of a mini-batch lie in memory, where oneDNN and the shim's kernels agree.
///
/// Images are outermost; then blocks of `block` channels, then positions, then the channels of the block, with zeros behind the
/// last channel. A block of 1 is channels first, a block of all channels is channels last.
struct ActivationLayout: Hashable {
    let images: Int
    let shape: Shape
    let block: Int

    init(images: Int, shape: Shape, block: Int) {
        precondition([1, 8, 16, shape.channels].contains(block), "channels lie in blocks of 1, 8, 16 or all of them")
        self.images = images
        self.shape = shape
        self.block = block
    }

    /// The layout that comes from outside: (images, channels, height, width), row-major.
    static func rows(images: Int, shape: Shape) -> ActivationLayout {
        // Where a channel has one position, both names fit; the kernels are faster under this one.
        ActivationLayout(images: images, shape: shape, block: shape.area == 1 ? shape.channels : 1)
    }

    /// Floats, zeros behind the last channel included.
    var floatCount: Int { images * ((shape.channels + block - 1) / block * block) * shape.area }

    /// Whether there are zeros behind the last channel.
    var isPadded: Bool { shape.channels % block != 0 }

    /// Whether the memory is also that of rows of one image each.
    var isRows: Bool { block == 1 || shape.area == 1 && shape.channels % block == 0 }

    /// The same for the shim's kernels.
    var extents: conednn_extents {
        conednn_extents(
            images: Int64(images), channels: Int64(shape.channels), area: Int64(shape.area), block: Int64(block))
    }

    /// The same for oneDNN: (images, channels, height, width).
    func tensorLayout() throws(OneDNNError) -> TensorLayout {
        let order: TensorLayout.Order =
            switch block {
            case 1: .rowMajor
            case 8: .blocked8
            case 16: .blocked16
            default: .channelsLast
            }
        return try TensorLayout([images, shape.channels, shape.height, shape.width], order)
    }
}
