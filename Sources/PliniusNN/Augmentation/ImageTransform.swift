/// What becomes of one image, and of what is known about it, on the way to a network.
///
/// Each pixel of the output shows a point of the source, and the points form a parallelogram: `origin + x * column + y * row`.
public struct ImageTransform: Hashable, Sendable {
    /// A rectangle in whole pixels.
    struct Frame: Hashable, Sendable {
        var x, y, width, height: Int

        /// A rectangle in the middle of an image; no side is below 1.
        static func centered(_ image: Shape, width: Int, height: Int) -> Frame {
            let (width, height) = (max(1, width), max(1, height))
            return Frame(x: (image.width - width) / 2, y: (image.height - height) / 2, width: width, height: height)
        }
    }

    /// Shapes of the images; they have as many channels.
    public let source, target: Shape
    /// The source's point at the output's first pixel.
    private let origin: SIMD2<Float>
    /// How far the next pixel of the row is in the source.
    private let column: SIMD2<Float>
    /// How far the next row is.
    private let row: SIMD2<Float>
    /// The part of the output that shows something; the rest is grey.
    private(set) var frame: Frame
    /// Whether left and right of the output change places.
    public var isMirrored = false
    /// What is added to the hue, in circles.
    public internal(set) var hue: Float = 0
    /// What the saturation is multiplied by.
    public internal(set) var saturation: Float = 1
    /// What the brightness is multiplied by.
    public internal(set) var exposure: Float = 1

    init(_ source: Shape, to target: Shape, origin: SIMD2<Float>, column: SIMD2<Float>, row: SIMD2<Float>) {
        (self.source, self.target) = (source, target)
        (self.origin, self.column, self.row) = (origin, column, row)
        frame = Frame(x: 0, y: 0, width: target.width, height: target.height)
    }

    /// Leaves an image as it is.
    public init(identity shape: Shape) {
        self.init(shape, to: shape, origin: SIMD2(), column: SIMD2(1, 0), row: SIMD2(0, 1))
    }

    /// Resizes a window of the source to all of the output; corner pixels fall on corner pixels.
    init(_ source: Shape, to target: Shape, window: Frame) {
        func step(_ source: Int, _ target: Int) -> Float { target > 1 ? Float(source - 1) / Float(target - 1) : 0 }
        self.init(
            source, to: target, origin: SIMD2(Float(window.x), Float(window.y)),
            column: SIMD2(step(window.width, target.width), 0), row: SIMD2(0, step(window.height, target.height)))
    }

    /// Resizes all of the source to a part of the output.
    init(_ source: Shape, to target: Shape, showing frame: Frame) {
        let inside = Shape(channels: source.channels, height: frame.height, width: frame.width)
        let resized = ImageTransform(
            source, to: inside, window: Frame(x: 0, y: 0, width: source.width, height: source.height))
        self.init(
            source, to: target, origin: -(Float(frame.x) * resized.column + Float(frame.y) * resized.row),
            column: resized.column, row: resized.row)
        self.frame = frame
    }

    /// Whether every pixel stays where it is.
    public var movesNothing: Bool {
        let identity = ImageTransform(identity: source)
        return !isMirrored && source == target && frame == identity.frame && origin == identity.origin
            && column == identity.column
            && row == identity.row
    }

    /// Makes the output of the source, in the same colours.
    ///
    /// Between pixels the four nearest count by their nearness; what lies outside of the source is black.
    /// - Parameters:
    ///   - image: (channels, height, width) of the source.
    ///   - output: (channels, height, width) of the target.
    public func apply(to image: Span<Float>, into output: inout MutableSpan<Float>) {
        precondition(image.count == source.count && output.count == target.count, "\(source) becomes \(target)")
        for y in 0..<target.height {
            for x in 0..<target.width {
                let pixel = y * target.width + (isMirrored ? target.width - 1 - x : x)
                guard shows(x, y) else {
                    for channel in 0..<target.channels { output[channel * target.area + pixel] = 0.5 }
                    continue
                }
                let point = point(Float(x), Float(y))
                let low = point.rounded(.down)
                let (part, left, top) = (point - low, Int(low.x), Int(low.y))
                let (columns, across) = Self.taps(left, part.x, below: source.width)
                let (rows, down) = Self.taps(top, part.y, below: source.height)
                for channel in 0..<target.channels {
                    let plane = channel * source.area
                    let (upper, lower) = (plane + rows.x * source.width, plane + rows.y * source.width)
                    output[channel * target.area + pixel] =
                        down.x * (across.x * image[upper + columns.x] + across.y * image[upper + columns.y])
                        + down.y * (across.x * image[lower + columns.x] + across.y * image[lower + columns.y])
                }
            }
        }
    }

    /// Whether a pixel of the output shows the source.
    func shows(_ x: Int, _ y: Int) -> Bool {
        frame.x..<frame.x + frame.width ~= x && frame.y..<frame.y + frame.height ~= y
    }

    /// The source's point at a point of the output.
    func point(_ x: Float, _ y: Float) -> SIMD2<Float> { origin + x * column + y * row }

    /// Two neighbours along a side, and how much each counts: nothing outside of it.
    private static func taps(
        _ first: Int, _ part: Float, below end: Int
    ) -> (places: (x: Int, y: Int), weights: (x: Float, y: Float)) {
        (
            (max(0, min(first, end - 1)), max(0, min(first + 1, end - 1))),
            (0..<end ~= first ? 1 - part : 0, 0..<end ~= first + 1 ? part : 0)
        )
    }
}
