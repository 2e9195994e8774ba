/// A rectangle by its centre and size, in parts of the image or any other unit.
public struct Box<Scalar: BinaryFloatingPoint & Sendable>: Hashable, Sendable {
    public var x: Scalar
    public var y: Scalar
    public var width: Scalar
    public var height: Scalar

    public init(x: Scalar, y: Scalar, width: Scalar, height: Scalar) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// Whether all four are numbers and there is an area.
    package var isSound: Bool {
        x.isFinite && y.isFinite && width.isFinite && height.isFinite && width > 0 && height > 0
    }

    /// Intersection over union, 0 to 1; 0 where either is empty or not a number (Darknet's is NaN for two empty boxes).
    public func iou(_ other: Box) -> Scalar {
        let shared = Self.overlap(x, width, other.x, other.width)
        let sharedHeight = Self.overlap(y, height, other.y, other.height)
        guard shared > 0, sharedHeight > 0 else { return 0 }
        let intersection = shared * sharedHeight
        let union = width * height + other.width * other.height - intersection
        return union > 0 && union.isFinite ? intersection / union : 0
    }

    /// Root of the sum of the squared differences of the four numbers.
    package func distance(_ other: Box) -> Scalar {
        let parts = SIMD4(
            Double(x - other.x), Double(y - other.y), Double(width - other.width), Double(height - other.height))
        return Scalar((parts * parts).sum().squareRoot())
    }

    /// Undoes a letterbox: from parts of the network's input to parts of the image that was fitted into it.
    ///
    /// The image fills the input's width or height, the other side is centred between two bands, whole pixels wide.
    public func withoutLetterbox(image: (width: Int, height: Int), input: (width: Int, height: Int)) -> Box {
        var fitted = input
        if input.width * image.height < input.height * image.width {
            fitted.height = image.height * input.width / image.width
        } else {
            fitted.width = image.width * input.height / image.height
        }
        let horizontal = Scalar(input.width) / Scalar(fitted.width)
        let vertical = Scalar(input.height) / Scalar(fitted.height)
        return Box(
            x: (x - Scalar(input.width - fitted.width) / 2 / Scalar(input.width)) * horizontal,
            y: (y - Scalar(input.height - fitted.height) / 2 / Scalar(input.height)) * vertical,
            width: width * horizontal, height: height * vertical)
    }

    /// What two stretches share; not a number if one of theirs is none, since `min` keeps its first.
    private static func overlap(_ x: Scalar, _ size: Scalar, _ y: Scalar, _ other: Scalar) -> Scalar {
        min((size + other) / 2 - (x - y).magnitude, min(size, other))
    }
}
