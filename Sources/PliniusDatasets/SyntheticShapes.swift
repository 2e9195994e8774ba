/// Pictures of one figure on patterned ground, coloured or grey: classification and regression with no download.
///
/// Sample `i` of seed `s` is the same on every system and whatever `count` is. A figure is one of ten kinds, turned to any side,
/// stretched by up to 12 %, and 0.34 to 0.72 of the side across. Its colours and pattern, those of the ground, up to three stray lines
/// and the noise say nothing of the kind: only the outline does.
public final class SyntheticShapes: RecordSource {
    /// What is told of a picture.
    public enum Annotation: Sendable {
        /// The kind of its figure, in the order of ``names``.
        case kinds
        /// Where its figure's middle is, from the left and from the top, and how far it is across: shares of the side.
        ///
        /// To each a normal number of standard deviation ``noise`` is added, so no prediction has a smaller error.
        case places
    }

    /// What the kinds are called.
    public static let names = ShapeOutline.all.map(\.name)
    /// The standard deviation of what is added to each number of ``Annotation/places``.
    public static let noise: Float = 0.02
    /// How many pixels a side may have.
    public static let sides = 16...256

    public let extents: ImageExtents
    public let count: Int
    public let truth: SampleTruth
    public var classes: Int { annotation == .kinds ? ShapeOutline.all.count : 0 }

    private let seed: UInt64
    private let annotation: Annotation
    private var position = 0

    /// The first `count` samples of a seed.
    /// - Parameters:
    ///   - channels: 3 for colours, 1 for grey.
    ///   - side: Pixels in a row and in a column.
    public init(count: Int, seed: UInt64, channels: Int = 3, side: Int = 32, _ annotation: Annotation) {
        precondition(count >= 0, "a count is not negative")
        precondition([1, 3].contains(channels) && Self.sides.contains(side), "a picture has colours and a size")
        extents = ImageExtents(channels: channels, height: side, width: side)
        truth = annotation == .kinds ? .label : .regression(targets: 3)
        self.count = count
        self.seed = seed
        self.annotation = annotation
    }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard position < count else { return false }
        var random = SampleRandom(seed: seed, index: position)
        let kind = random.below(ShapeOutline.all.count)
        let side = Float(extents.width)
        let radius = random.uniform(0.17...0.36)
        let centre = SIMD2(
            random.uniform(0.9 * radius...1 - 0.9 * radius), random.uniform(0.9 * radius...1 - 0.9 * radius))
        let figure = ShapeOutline.all[kind].placed(at: centre * side, radius: radius * side, &random)
        pixels = Self.draw(figure, extents, &random)
        switch annotation {
        case .kinds: truth = [UInt8(kind), 0]
        case .places:
            truth = [centre.x, centre.y, 2 * radius].flatMap { number in
                littleEndian((number + Self.noise * random.normal()).bitPattern)
            }
        }
        position += 1
        return true
    }

    /// Draws a figure on its ground.
    /// - Returns: Channels, then rows, then columns.
    private static func draw(_ figure: PlacedOutline, _ extents: ImageExtents, _ random: inout SampleRandom) -> [UInt8]
    {
        let (channels, side) = (extents.channels, extents.width)
        let ground = (0..<channels).map { _ in random.uniform(0...255) }
        // One colour at least differs by far, to whichever side there is more room.
        let strong = random.below(channels)
        let figureColour = (0..<channels).map { channel in
            guard channel == strong else { return random.uniform(0...255) }
            let step = random.uniform(85...127)
            return ground[channel] < 128 ? ground[channel] + step : ground[channel] - step
        }
        let patterns = [Pattern(&random, around: ground), Pattern(&random, around: figureColour)]
        var lines = Canvas(width: side, height: side)
        for _ in 0..<random.below(4) {
            let start = SIMD2(random.uniform(0...1), random.uniform(0...1)) * Float(side)
            let way = SIMD2(random.uniform(-0.2...0.2), random.uniform(-0.2...0.2)) * Float(side)
            lines.draw(from: start, to: start + way)
        }
        let strayed = lines.coverage(radius: random.uniform(0.3...0.8))
        let lineColour = (0..<channels).map { _ in random.uniform(0...255) }
        let noise = random.uniform(2...10)

        let inside = figure.coverage(side: side)
        let shades = patterns.map { $0.shades(side: side) }
        var pixels = [UInt8](repeating: 0, count: extents.count)
        for channel in 0..<channels {
            for place in 0..<side * side {
                let low = patterns[0].value(channel, shades[0][place])
                let high = patterns[1].value(channel, shades[1][place])
                var value = low + inside[place] * (high - low)
                value += strayed[place] * (lineColour[channel] - value)
                pixels[channel * side * side + place] = UInt8(max(0, min(255, value + noise * random.normal())))
            }
        }
        return pixels
    }
}

/// Two colours that flow into each other: shades between random values on a grid.
private struct Pattern {
    private let colour: [Float]
    private let spread: [Float]
    private let cells: Int
    private let knots: [Float]

    init(_ random: inout SampleRandom, around colour: [Float]) {
        self.colour = colour
        spread = colour.map { _ in random.uniform(-30...30) }
        cells = 2 + random.below(6)
        knots = (0..<(cells + 1) * (cells + 1)).map { _ in random.uniform(-1...1) }
    }

    /// The shade of each pixel, -1 to 1, bilinear between the knots.
    func shades(side: Int) -> [Float] {
        var shades: [Float] = []
        shades.reserveCapacity(side * side)
        for row in 0..<side {
            for column in 0..<side {
                let y = (Float(row) + 0.5) * Float(cells) / Float(side)
                let x = (Float(column) + 0.5) * Float(cells) / Float(side)
                let (top, left) = (min(cells - 1, Int(y)), min(cells - 1, Int(x)))
                let (down, right) = (y - Float(top), x - Float(left))
                let knot = top * (cells + 1) + left
                let above = knots[knot] + right * (knots[knot + 1] - knots[knot])
                let next = knot + cells + 1
                let below = knots[next] + right * (knots[next + 1] - knots[next])
                shades.append(above + down * (below - above))
            }
        }
        return shades
    }

    func value(_ channel: Int, _ shade: Float) -> Float { colour[channel] + shade * spread[channel] }
}
