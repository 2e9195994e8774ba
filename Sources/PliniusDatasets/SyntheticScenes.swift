/// Pages of 64 × 64 with one to four handwritten-looking digits on them, and where each is: detection and segmentation with no download.
///
/// Sample `i` of seed `s` is the same on every system and whatever `count` is. Digits are those of ``SyntheticDigits``, without scratches;
/// no two begin nearer to each other than 18 pixels in both directions.
public final class SyntheticScenes: RecordSource {
    /// What is told of a page.
    public enum Annotation: Sendable {
        /// Each digit's box, as tight as its ink.
        case boxes
        /// The digit whose ink each pixel has; 255 for paper.
        case masks
    }

    public let extents = ImageExtents(channels: 1, height: SyntheticScenes.side, width: SyntheticScenes.side)
    public let classes = 10
    public let count: Int
    public let truth: SampleTruth

    private static let side = 64
    private static let mostDigits = 4
    private let seed: UInt64
    private let annotation: Annotation
    private var position = 0

    /// The first `count` samples of a seed.
    public init(count: Int, seed: UInt64, _ annotation: Annotation) {
        precondition(count >= 0, "a count is not negative")
        self.count = count
        self.seed = seed
        self.annotation = annotation
        switch annotation {
        case .boxes: truth = .boxes(most: Self.mostDigits)
        case .masks: truth = .mask(height: Self.side, width: Self.side)
        }
    }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard position < count else { return false }
        let page = Page(seed: seed, index: position, digits: Self.mostDigits, side: Self.side)
        pixels = page.pixels
        switch annotation {
        case .boxes: truth = YOLOBoxes(page.boxes).bytes(most: Self.mostDigits)
        case .masks: truth = page.mask
        }
        position += 1
        return true
    }
}

/// One page with its digits.
private struct Page {
    let pixels: [UInt8]
    let mask: [UInt8]
    let boxes: [YOLOBoxes.Box]

    init(seed: UInt64, index: Int, digits: Int, side: Int) {
        var random = SampleRandom(seed: seed, index: index)
        var inks = [Float](repeating: 0, count: side * side)
        var mask = [UInt8](repeating: 255, count: side * side)
        var boxes: [YOLOBoxes.Box] = []
        var corners: [SIMD2<Float>] = []
        let wanted = 1 + random.below(digits)
        // On a full page not every digit finds a place.
        for _ in 0..<8 * wanted where corners.count < wanted {
            let corner = SIMD2(random.uniform(0...Float(side - 28)), random.uniform(0...Float(side - 28)))
            guard corners.allSatisfy({ abs($0.x - corner.x) >= 18 || abs($0.y - corner.y) >= 18 }) else { continue }
            corners.append(corner)
            let digit = random.below(10)
            let variants = DigitGlyphs.variants(of: digit)
            let paths = variants[random.below(variants.count)]
            let hand = Hand(&random, corner: corner)
            var canvas = Canvas(width: side, height: side)
            for path in paths {
                canvas.draw(path.flattened { hand.place($0 + SIMD2(random.normal(), random.normal()) * 0.018) })
            }
            let ink = random.uniform(150...255)
            var (low, high) = (SIMD2(side, side), SIMD2(0, 0))
            for (place, share) in canvas.coverage(radius: random.uniform(0.7...1.5)).enumerated() {
                inks[place] = max(inks[place], share * ink)
                guard share > 0.5 else { continue }
                mask[place] = UInt8(digit)
                let point = SIMD2(place % side, place / side)
                low = pointwiseMin(low, point)
                high = pointwiseMax(high, point &+ 1)
            }
            // Whole pixels in 64ths: exact.
            let (start, end) = (SIMD2<Float>(low) / Float(side), SIMD2<Float>(high) / Float(side))
            boxes.append(
                YOLOBoxes.Box(label: digit, extents: SIMD4(lowHalf: (start + end) / 2, highHalf: end - start)))
        }
        let noise = random.uniform(2...20)
        pixels = inks.map { UInt8(max(0, min(255, $0 + random.normal() * noise))) }
        self.mask = mask
        self.boxes = boxes
    }
}
