/// A kind of figure: closed lines of corners within about one of the origin.
///
/// What an odd number of them goes round is inside. Only +, −, ×, / and square roots build what is drawn from them: each system computes the same bits.
struct ShapeOutline: Sendable {
    typealias Point = SIMD2<Float>

    let name: String
    private let lines: [[Point]]

    /// In the order of their labels.
    static let all = [
        ShapeOutline(name: "disc", lines: [round(at: [0, 0], radius: 1)]),
        ShapeOutline(name: "ring", lines: [round(at: [0, 0], radius: 1), round(at: [0, 0], radius: 0.55)]),
        ShapeOutline(name: "triangle", lines: [[[0, -1], [0.866, 0.5], [-0.866, 0.5]]]),
        ShapeOutline(name: "square", lines: [[[-0.75, -0.75], [0.75, -0.75], [0.75, 0.75], [-0.75, 0.75]]]),
        ShapeOutline(name: "star", lines: [star]),
        ShapeOutline(
            name: "cross",
            lines: [
                [
                    [0.3, -1], [0.3, -0.3], [1, -0.3], [1, 0.3], [0.3, 0.3], [0.3, 1], [-0.3, 1], [-0.3, 0.3],
                    [-1, 0.3],
                    [-1, -0.3], [-0.3, -0.3], [-0.3, -1],
                ]
            ]),
        ShapeOutline(name: "crescent", lines: [round(at: [0, 0], radius: 1), round(at: [0.38, 0], radius: 0.62)]),
        ShapeOutline(name: "bar", lines: [[[-1, -0.36], [1, -0.36], [1, 0.36], [-1, 0.36]]]),
        ShapeOutline(
            name: "arrow",
            lines: [[[1, 0], [0.2, 0.8], [0.2, 0.3], [-1, 0.3], [-1, -0.3], [0.2, -0.3], [0.2, -0.8]]]),
        // Its line crosses itself in the middle.
        ShapeOutline(name: "hourglass", lines: [[[-0.8, -0.8], [0.8, -0.8], [-0.8, 0.8], [0.8, 0.8]]]),
    ]

    private static let star: [Point] = {
        // Cosines and sines of 90°, 54° and 18°, and of what lies across.
        let directions: [Point] = [
            [0, -1], [0.587_785, -0.809_017], [0.951_057, -0.309_017], [0.951_057, 0.309_017], [0.587_785, 0.809_017],
            [0, 1], [-0.587_785, 0.809_017], [-0.951_057, 0.309_017], [-0.951_057, -0.309_017],
            [-0.587_785, -0.809_017],
        ]
        return directions.enumerated().map { $0.offset % 2 == 0 ? $0.element : $0.element * 0.42 }
    }()

    /// Twenty corners of a circle.
    private static func round(at centre: Point, radius: Float) -> [Point] {
        let quarter = (0..<5).map { index -> Point in
            // With t the tangent of half an angle, both are quotients.
            let t = Float(index) / 5
            return [(1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)]
        }
        let turned = [
            quarter, quarter.map { [-$0.y, $0.x] }, quarter.map { [-$0.x, -$0.y] }, quarter.map { [$0.y, -$0.x] },
        ]
        return turned.joined().map { centre + radius * $0 }
    }

    /// The figure in a picture, turned to any side and stretched.
    func placed(at centre: Point, radius: Float, _ random: inout SampleRandom) -> PlacedOutline {
        let t = random.uniform(-1...1)
        let sign: Float = random.below(2) == 0 ? 1 : -1
        let cosine = sign * (1 - t * t) / (1 + t * t)
        let sine = sign * 2 * t / (1 + t * t)
        let stretch = random.uniform(0.88...1.12)
        let placed = lines.map { line in
            line.map { corner in
                let point = Point(corner.x * stretch, corner.y / stretch) * radius
                return centre + [cosine * point.x - sine * point.y, sine * point.x + cosine * point.y]
            }
        }
        return PlacedOutline(lines: placed)
    }
}

/// A figure where it lies in a picture, in pixels.
struct PlacedOutline {
    private var edges: [(start: SIMD2<Float>, end: SIMD2<Float>)] = []
    private var low = SIMD2<Float>(repeating: .infinity)
    private var high = -SIMD2<Float>(repeating: .infinity)

    init(lines: [[SIMD2<Float>]]) {
        for line in lines {
            var previous = line[line.count - 1]
            for corner in line {
                edges.append((previous, corner))
                low = pointwiseMin(low, corner)
                high = pointwiseMax(high, corner)
                previous = corner
            }
        }
    }

    /// The share of each pixel that is inside, row by row: 0 to 1 over the pixel around the outline.
    func coverage(side: Int) -> [Float] {
        var shares = [Float](repeating: 0, count: side * side)
        let (first, last) = (low - 1, high + 1)
        for row in max(0, Int(first.y))..<max(0, min(side, Int(last.y) + 1)) {
            for column in max(0, Int(first.x))..<max(0, min(side, Int(last.x) + 1)) {
                shares[row * side + column] = share(at: Float(column) + 0.5, Float(row) + 0.5)
            }
        }
        return shares
    }

    private func share(at x: Float, _ y: Float) -> Float {
        var isInside = false
        var nearest = Float.infinity
        for (start, end) in edges {
            let (right, down) = (end.x - start.x, end.y - start.y)
            let (fromX, fromY) = (x - start.x, y - start.y)
            if (start.y > y) != (end.y > y), fromX < right * fromY / down { isInside.toggle() }
            let length = right * right + down * down
            let along = length > 0 ? max(0, min(1, (fromX * right + fromY * down) / length)) : 0
            let (restX, restY) = (fromX - along * right, fromY - along * down)
            nearest = min(nearest, restX * restX + restY * restY)
        }
        let distance = nearest.squareRoot()
        return isInside ? min(1, 0.5 + distance) : max(0, 0.5 - distance)
    }
}
