/// Handwritten-looking digits, 28 × 28, made up on the spot: everything runs with no download.
///
/// Sample `i` of seed `s` is the same on every system and whatever `count` is. A digit is one of the ways to write it, bent, turned by
/// up to 19°, stretched, slanted, shifted, drawn with a pen of random width and ink, with scratches and noise.
public final class SyntheticDigits: SampleSource {
    public let extents = ImageExtents(channels: 1, height: 28, width: 28)
    public let classes = 10
    public let count: Int

    private let seed: UInt64
    private var position = 0

    /// The first `count` samples of a seed.
    public init(count: Int, seed: UInt64) {
        precondition(count >= 0, "a count is not negative")
        self.count = count
        self.seed = seed
    }

    public func next(into pixels: inout [UInt8]) throws(SourceError) -> Int? {
        guard position < count else { return nil }
        defer { position += 1 }
        return Self.draw(seed: seed, index: position, into: &pixels)
    }

    /// Draws one sample.
    /// - Parameter pixels: Replaced by 784 bytes, row by row, 0 for paper and 255 for ink.
    /// - Returns: The digit.
    public static func draw(seed: UInt64, index: Int, into pixels: inout [UInt8]) -> Int {
        var random = SampleRandom(seed: seed, index: index)
        let digit = random.below(10)
        let variants = DigitGlyphs.variants(of: digit)
        let paths = variants[random.below(variants.count)]
        let hand = Hand(&random)
        var canvas = Canvas(width: 28, height: 28)
        for path in paths {
            canvas.draw(path.flattened { hand.place($0 + SIMD2(random.normal(), random.normal()) * 0.018) })
        }
        if random.unit() < 0.2 {
            scratch(&canvas, &random)
        }
        let ink = random.uniform(150...255)
        let noise = random.uniform(2...26)
        pixels = canvas.coverage(radius: random.uniform(0.55...1.5)).map { share in
            UInt8(max(0, min(255, share * ink + random.normal() * noise)))
        }
        return digit
    }

    /// A short line that belongs to no digit.
    private static func scratch(_ canvas: inout Canvas, _ random: inout SampleRandom) {
        let start = SIMD2(random.uniform(1...27), random.uniform(1...27))
        canvas.draw(from: start, to: start + SIMD2(random.uniform(-5...5), random.uniform(-5...5)))
    }
}

/// How somebody writes one digit: from the unit square to the paper.
struct Hand {
    private let right: SIMD2<Float>
    private let down: SIMD2<Float>
    private let centre: SIMD2<Float>

    /// - Parameter corner: Where on the paper the square of 28 x 28 begins that the digit fills.
    init(_ random: inout SampleRandom, corner: SIMD2<Float> = .zero) {
        let size = SIMD2(random.uniform(15...24), random.uniform(18...24))
        let slant = random.uniform(-0.3...0.3)
        // With t the tangent of half the angle, both are quotients: no sine whose last bit differs between systems.
        let t = random.uniform(-0.17...0.17)
        let cosine = (1 - t * t) / (1 + t * t)
        let sine = 2 * t / (1 + t * t)
        right = SIMD2(cosine, sine) * size.x
        down = SIMD2(-cosine * slant - sine, cosine - sine * slant) * size.y
        centre = SIMD2(14 + random.uniform(-2.5...2.5), 14 + random.uniform(-2...2)) + corner
    }

    func place(_ point: SIMD2<Float>) -> SIMD2<Float> {
        centre + right * (point.x - 0.5) + down * (point.y - 0.5)
    }
}
