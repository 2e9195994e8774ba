/// A grey image that strokes are drawn on with a round pen.
struct Canvas {
    let width: Int
    let height: Int
    /// Squared distance of each pixel's centre from the nearest ink.
    private var distances: [Float]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        distances = [Float](repeating: .infinity, count: width * height)
    }

    /// How far from a stroke a pixel can still be grey.
    private static let reach: Float = 4

    /// Adds the line between two points; the centre of the first pixel is (0.5, 0.5).
    mutating func draw(from start: SIMD2<Float>, to end: SIMD2<Float>) {
        let columns = covered(start.x, end.x, limit: width)
        let rows = covered(start.y, end.y, limit: height)
        let direction = end - start
        let length = direction.x * direction.x + direction.y * direction.y
        for row in rows {
            for column in columns {
                let offset = SIMD2(Float(column) + 0.5, Float(row) + 0.5) - start
                let along = length > 0 ? (offset.x * direction.x + offset.y * direction.y) / length : 0
                let rest = offset - direction * max(0, min(1, along))
                let distance = rest.x * rest.x + rest.y * rest.y
                distances[row * width + column] = min(distances[row * width + column], distance)
            }
        }
    }

    /// Adds a whole stroke.
    mutating func draw(_ stroke: [SIMD2<Float>]) {
        for (start, end) in zip(stroke, stroke.dropFirst()) {
            draw(from: start, to: end)
        }
    }

    /// The share of ink of each pixel, row by row: 1 within `radius` of a stroke, falling to 0 over one pixel.
    func coverage(radius: Float) -> [Float] {
        distances.map { max(0, min(1, radius + 0.5 - $0.squareRoot())) }
    }

    private func covered(_ first: Float, _ second: Float, limit: Int) -> Range<Int> {
        let low = Int(max(0, min(first, second) - Self.reach))
        let high = Int(max(0, min(Float(limit), max(first, second) + Self.reach)))
        return low < high ? low..<high : 0..<0
    }
}
