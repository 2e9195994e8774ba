extension LayerDescription {
    /// Boxes as offsets from anchors, in each cell of a grid: YOLOv3's `[yolo]`, and YOLOv2's `[region]`.
    ///
    /// The input has, for each anchor in `mask`, the channels x, y, w, h, objectness and one for each class.
    public struct AnchorBoxes: Hashable, Sendable {
        public var classes: Int
        /// Widths and heights of all anchors: pixels of the network's input in `[yolo]`, cells in `[region]`.
        public var anchors: [SIMD2<Float>]
        /// What an anchor is divided by to give a part of the image.
        public var unit: SIMD2<Float>
        /// The anchors that this layer predicts.
        public var mask: [Int]
        /// Most boxes in the truth of an image.
        public var maximumBoxes: Int
        /// A prediction that overlaps a true box more than this is not told that there is nothing.
        public var ignoreThreshold: Float
        /// A prediction that overlaps a true box more than this is drawn to it; 1 switches that off.
        public var truthThreshold: Float = 1
        /// Whether it predicts only, with no loss.
        public var onlyForward = false
        /// Whether one class excludes the others.
        public var softmax = false
        /// The classes' hierarchy, in which siblings exclude each other.
        public var tree: ClassTree?
        /// Whether the objectness stands for the background, which is a class like the others under `softmax`.
        public var background = false
        /// Whether the objectness is to tell the overlap.
        public var rescores = false
        /// Whether a true box chooses its anchor by the anchors' sizes, not by what is predicted there.
        public var matchesAnchors = true
        public var coordinateScale: Float = 1
        public var objectScale: Float = 1
        public var noObjectScale: Float = 1
        public var classScale: Float = 1
        /// By which part of themselves the data path moves the sides of an image; `nil` if nothing is said.
        public var jitter: Float?
        /// Whether the data path changes the size of the images from time to time.
        public var resizes: Bool
        /// Images per update: what counts the images that were seen.
        public var batch: Int

        /// Channels of one anchor.
        public var entries: Int { 5 + classes }

        /// An anchor's size in parts of the image.
        func prior<Scalar: ReferenceScalar>(_ anchor: Int) -> SIMD2<Scalar> {
            SIMD2<Scalar>(anchors[anchor]) / SIMD2<Scalar>(unit)
        }

        /// The box that four entries of an anchor's channels mean, in parts of the image.
        func box<Scalar: ReferenceScalar>(
            _ entries: SIMD4<Scalar>, anchor: Int, row: Int, column: Int, grid: Shape
        ) -> Box<Scalar> {
            let prior: SIMD2<Scalar> = prior(anchor)
            return Box(
                x: (Scalar(column) + entries.x) / Scalar(grid.width),
                y: (Scalar(row) + entries.y) / Scalar(grid.height),
                width: Scalar.exponential(entries.z) * prior.x, height: Scalar.exponential(entries.w) * prior.y)
        }
    }

    /// A few boxes in each cell of a grid, which share one prediction of the class: YOLOv1's `[detection]`.
    ///
    /// The input of an image is, for all cells, the classes; then the objectness of each box; then x, y, w, h of each box.
    public struct GridBoxes: Hashable, Sendable {
        public var classes: Int
        /// Cells along a side of the image.
        public var side: Int
        /// Boxes of a cell.
        public var boxes: Int
        /// Whether the classes of a cell become probabilities that add up to 1.
        public var softmax: Bool
        /// Whether w and h are the roots of width and height.
        public var usesRoots: Bool
        /// Whether the objectness is to tell the overlap.
        public var rescores: Bool
        /// Whether small objects are the second box's, and the others the first's.
        public var forcesBySize: Bool
        /// Whether a random box takes each object during the first 64,000 images.
        public var random: Bool
        public var coordinateScale: Float
        public var objectScale: Float
        public var noObjectScale: Float
        public var classScale: Float
        /// By which part of themselves the data path moves the sides of an image; `nil` if nothing is said.
        public var jitter: Float?
        /// Images per update: what counts the images that were seen.
        public var batch: Int

        public var cells: Int { side * side }
        /// Numbers that an image takes.
        public var count: Int { cells * (classes + 5 * boxes) }

        /// Where the objectness of a box is; the classes of a cell begin at `cell * classes`.
        func objectness(_ cell: Int, _ box: Int) -> Int { cells * classes + cell * boxes + box }
        /// Where a box is.
        func place(_ cell: Int, _ box: Int) -> Int { cells * (classes + boxes) + (cell * boxes + box) * 4 }

        /// The box that four numbers mean, in parts of the image.
        func box<Scalar: ReferenceScalar>(_ numbers: SIMD4<Scalar>, cell: Int) -> Box<Scalar> {
            let (row, column) = cell.quotientAndRemainder(dividingBy: side)
            return Box(
                x: (Scalar(column) + numbers.x) / Scalar(side), y: (Scalar(row) + numbers.y) / Scalar(side),
                width: usesRoots ? numbers.z * numbers.z : numbers.z,
                height: usesRoots ? numbers.w * numbers.w : numbers.w)
        }
    }

    /// Classes of the pixels, and coordinates in which pixels of the same instance lie together: `[iseg]`.
    ///
    /// The input has a channel for each class, and then one for each coordinate.
    public struct InstanceMasks: Hashable, Sendable {
        public var classes: Int
        /// Coordinates of a pixel.
        public var ids: Int

        /// Most instances in the truth of an image.
        public static var maximumInstances: Int { 90 }
    }

    /// What the truth of one image is to a loss.
    public enum Truth: Hashable, Sendable, CustomStringConvertible {
        /// One number for each prediction.
        case predictions(count: Int)
        /// For each box centre, size (in parts of the image) and class; an x of 0 ends the list.
        case boxes(maximum: Int)
        /// For each cell 1 if there is an object, 1 for its class among 0, and its box: centre in parts of the cell.
        case cells(side: Int, classes: Int)
        /// For each instance its class, and a plane that is not 0 at its pixels; a negative class ends the list.
        case masks(height: Int, width: Int)

        /// Floats that it takes.
        public var count: Int {
            switch self {
            case .predictions(let count): count
            case .boxes(let maximum): maximum * 5
            case .cells(let side, let classes): side * side * (5 + classes)
            case .masks(let height, let width): InstanceMasks.maximumInstances * (height * width + 1)
            }
        }

        public var description: String {
            switch self {
            case .predictions(let count): "\(count) values"
            case .boxes(let maximum): "up to \(maximum) boxes"
            case .cells(let side, let classes): "\(side)x\(side) cells of \(classes) classes"
            case .masks(let height, let width): "masks of \(height)x\(width)"
            }
        }
    }

    /// The anchors of a `[yolo]` or `[region]`; nil for other layers.
    var anchorBoxes: AnchorBoxes? {
        switch kind {
        case .yolo(let boxes), .region(let boxes): boxes
        default: nil
        }
    }

    /// What the layer's loss compares with; nil if it has no loss.
    public var truth: Truth? {
        switch kind {
        case .cost, .logistic: .predictions(count: input.count)
        case .softmax(let softmax): softmax.noLoss ? nil : .predictions(count: input.count)
        case .yolo(let boxes), .region(let boxes): boxes.onlyForward ? nil : .boxes(maximum: boxes.maximumBoxes)
        case .detection(let grid): .cells(side: grid.side, classes: grid.classes)
        case .iseg: .masks(height: input.height, width: input.width)
        default: nil
        }
    }

    /// Whether it predicts something else than one number for each number of the truth, and ends its branch of the network.
    public var isHead: Bool {
        switch kind {
        case .yolo, .region, .detection, .iseg: true
        default: false
        }
    }
}
