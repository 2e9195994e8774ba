/// The ways in which people write a digit, as strokes in the unit square; y grows downwards.
///
/// Only +, −, × and / build them and everything drawn from them: each system computes the same bits.
enum DigitGlyphs {
    /// A point, or a displacement.
    typealias Point = SIMD2<Float>
    /// A pen's way from touching to leaving the paper, as corners near enough to look round.
    typealias Stroke = [Point]

    /// How a stroke goes on.
    enum Step {
        case line(to: Point)
        /// A cubic Bézier curve.
        case curve(Point, Point, to: Point)
    }

    /// A stroke before it is bent and cut into corners.
    struct Path {
        var start: Point
        var steps: [Step]

        init(_ start: Point, _ steps: Step...) {
            self.start = start
            self.steps = steps
        }
    }

    /// The ways to write `digit`.
    static func variants(of digit: Int) -> [[Path]] { all[digit] }

    private static let all: [[[Path]]] = [
        // 0: round, and narrow with a gap on top.
        [
            [ellipse(at: [0.5, 0.5], radii: [0.26, 0.39])],
            [
                Path(
                    [0.56, 0.12], .curve([0.3, 0.08], [0.24, 0.35], to: [0.25, 0.55]),
                    .curve([0.26, 0.8], [0.38, 0.9], to: [0.5, 0.9]),
                    .curve([0.66, 0.9], [0.75, 0.7], to: [0.74, 0.48]),
                    .curve([0.73, 0.28], [0.64, 0.12], to: [0.48, 0.14]))
            ],
        ],
        // 1: a stroke; with a flag; with flag and foot.
        [
            [Path([0.5, 0.1], .line(to: [0.5, 0.9]))],
            [Path([0.33, 0.3], .line(to: [0.52, 0.1]), .line(to: [0.52, 0.9]))],
            [
                Path([0.34, 0.27], .line(to: [0.52, 0.1]), .line(to: [0.52, 0.9])),
                Path([0.33, 0.9], .line(to: [0.71, 0.9])),
            ],
        ],
        // 2: with a straight foot, and with a loop.
        [
            [
                Path(
                    [0.25, 0.32], .curve([0.26, 0.04], [0.74, 0.02], to: [0.74, 0.32]),
                    .curve([0.74, 0.52], [0.42, 0.68], to: [0.24, 0.9]), .line(to: [0.78, 0.9]))
            ],
            [
                Path(
                    [0.26, 0.26], .curve([0.32, 0.04], [0.72, 0.04], to: [0.7, 0.3]),
                    .curve([0.68, 0.55], [0.44, 0.88], to: [0.3, 0.88]),
                    .curve([0.16, 0.86], [0.22, 0.68], to: [0.36, 0.72]),
                    .curve([0.52, 0.78], [0.6, 0.96], to: [0.8, 0.82]))
            ],
        ],
        // 3: round, and with a flat top.
        [
            [
                Path(
                    [0.27, 0.22], .curve([0.36, 0.04], [0.74, 0.06], to: [0.71, 0.28]),
                    .curve([0.69, 0.42], [0.56, 0.47], to: [0.44, 0.47]),
                    .curve([0.62, 0.47], [0.78, 0.54], to: [0.76, 0.7]),
                    .curve([0.73, 0.95], [0.34, 0.96], to: [0.23, 0.78]))
            ],
            [
                Path(
                    [0.26, 0.12], .line(to: [0.73, 0.12]), .line(to: [0.46, 0.43]),
                    .curve([0.68, 0.4], [0.78, 0.55], to: [0.75, 0.7]),
                    .curve([0.71, 0.95], [0.34, 0.95], to: [0.24, 0.79]))
            ],
        ],
        // 4: open, and closed on top.
        [
            [
                Path([0.36, 0.1], .line(to: [0.23, 0.57]), .line(to: [0.8, 0.57])),
                Path([0.64, 0.32], .line(to: [0.62, 0.9])),
            ],
            [Path([0.64, 0.9], .line(to: [0.64, 0.1]), .line(to: [0.2, 0.64]), .line(to: [0.82, 0.64]))],
        ],
        // 5: angular, and with its bar written last.
        [
            [
                Path(
                    [0.73, 0.12], .line(to: [0.33, 0.12]), .line(to: [0.29, 0.46]),
                    .curve([0.5, 0.34], [0.78, 0.44], to: [0.76, 0.66]),
                    .curve([0.73, 0.94], [0.36, 0.96], to: [0.24, 0.8]))
            ],
            [
                Path(
                    [0.34, 0.14], .curve([0.32, 0.28], [0.32, 0.36], to: [0.3, 0.44]),
                    .curve([0.52, 0.38], [0.74, 0.46], to: [0.72, 0.66]),
                    .curve([0.7, 0.88], [0.44, 0.95], to: [0.24, 0.86])),
                Path([0.34, 0.13], .line(to: [0.76, 0.1])),
            ],
        ],
        // 6: with a curved, and with a straight back.
        [
            [
                Path(
                    [0.66, 0.12], .curve([0.4, 0.16], [0.24, 0.46], to: [0.26, 0.68]),
                    .curve([0.28, 0.96], [0.74, 0.98], to: [0.74, 0.69]),
                    .curve([0.74, 0.46], [0.36, 0.42], to: [0.27, 0.66]))
            ],
            [
                Path(
                    [0.52, 0.1], .line(to: [0.29, 0.58]), .curve([0.16, 0.94], [0.66, 1.0], to: [0.72, 0.72]),
                    .curve([0.74, 0.5], [0.42, 0.46], to: [0.29, 0.64]))
            ],
        ],
        // 7: plain, with a bar, and with a hook.
        [
            [Path([0.23, 0.13], .line(to: [0.76, 0.13]), .line(to: [0.42, 0.9]))],
            [
                Path([0.23, 0.13], .line(to: [0.76, 0.13]), .line(to: [0.42, 0.9])),
                Path([0.37, 0.5], .line(to: [0.73, 0.48])),
            ],
            [
                Path(
                    [0.24, 0.26], .line(to: [0.26, 0.13]), .line(to: [0.75, 0.12]),
                    .curve([0.6, 0.4], [0.5, 0.6], to: [0.48, 0.9]))
            ],
        ],
        // 8: two rings, and one line that crosses itself.
        [
            [ellipse(at: [0.5, 0.29], radii: [0.19, 0.18]), ellipse(at: [0.5, 0.69], radii: [0.24, 0.21])],
            [
                Path(
                    [0.68, 0.18], .curve([0.5, 0.02], [0.26, 0.12], to: [0.32, 0.3]),
                    .curve([0.38, 0.48], [0.74, 0.54], to: [0.72, 0.74]),
                    .curve([0.68, 0.96], [0.28, 0.96], to: [0.28, 0.74]),
                    .curve([0.28, 0.54], [0.64, 0.44], to: [0.68, 0.18]))
            ],
        ],
        // 9: with a straight, and with a curved leg.
        [
            [ellipse(at: [0.48, 0.33], radii: [0.22, 0.22]), Path([0.7, 0.26], .line(to: [0.67, 0.9]))],
            [
                Path(
                    [0.71, 0.3], .curve([0.68, 0.04], [0.28, 0.06], to: [0.28, 0.34]),
                    .curve([0.3, 0.6], [0.64, 0.56], to: [0.71, 0.28]),
                    .curve([0.76, 0.6], [0.66, 0.9], to: [0.34, 0.88]))
            ],
        ],
    ]

    /// A closed curve of four Bézier arcs; the factor makes them bulge as a circle's quarters do.
    private static func ellipse(at centre: Point, radii: Point) -> Path {
        let pull = radii * 0.5523
        let (right, down): (Point, Point) = ([radii.x, 0], [0, radii.y])
        let (alongRight, alongDown): (Point, Point) = ([pull.x, 0], [0, pull.y])
        return Path(
            centre - down,
            .curve(centre - down - alongRight, centre - right - alongDown, to: centre - right),
            .curve(centre - right + alongDown, centre + down - alongRight, to: centre + down),
            .curve(centre + down + alongRight, centre + right + alongDown, to: centre + right),
            .curve(centre + right - alongDown, centre - down + alongRight, to: centre - down))
    }
}

extension DigitGlyphs.Path {
    /// The path with every point moved by `bend`, cut into corners.
    func flattened(bend: (DigitGlyphs.Point) -> DigitGlyphs.Point) -> DigitGlyphs.Stroke {
        var corners = [bend(start)]
        for step in steps {
            let from = corners[corners.count - 1]
            switch step {
            case .line(let end):
                corners.append(bend(end))
            case .curve(let first, let second, let end):
                let (first, second, end) = (bend(first), bend(second), bend(end))
                for piece in 1...10 {
                    let t = Float(piece) / 10
                    let u = 1 - t
                    let leaving = from * (u * u * u) + first * (3 * u * u * t)
                    corners.append(leaving + second * (3 * u * t * t) + end * (t * t * t))
                }
            }
        }
        return corners
    }
}
