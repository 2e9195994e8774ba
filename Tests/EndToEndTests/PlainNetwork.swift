import Foundation

/// ``Scenario/smallNetwork`` in plain loops over the weights that its owner exports, in double precision.
struct PlainNetwork {
    private var weights: [Double]

    /// - Parameter file: In Darknet's format.
    init(weights file: [UInt8]) {
        weights = stride(from: 20, to: file.count, by: 4).map { place in
            Double(Float(bitPattern: file[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }))
        }
    }

    /// The probabilities of ten classes for an image of 28 × 28 bytes.
    func predict(_ image: [UInt8]) -> [Double] {
        var rest = weights[...]
        func take(_ count: Int) -> [Double] {
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        let (biases, scales, means, variances, first) = (take(8), take(8), take(8), take(8), take(8 * 9))
        let (lastBiases, last) = (take(10), take(10 * 8))
        precondition(rest.isEmpty, "the weights are of another network")

        var pooled: [[Double]] = []
        for filter in 0..<8 {
            var plane = [Double](repeating: 0, count: 14 * 14)
            for row in 0..<14 {
                for column in 0..<14 {
                    var sum = 0.0
                    for (place, weight) in first[filter * 9..<filter * 9 + 9].enumerated() {
                        let (y, x) = (2 * row - 1 + place / 3, 2 * column - 1 + place % 3)
                        guard 0..<28 ~= y, 0..<28 ~= x else { continue }
                        sum += weight * Double(image[y * 28 + x]) / 255
                    }
                    let normal = (sum - means[filter]) / (variances[filter].squareRoot() + 0.000001)
                    let value = normal * scales[filter] + biases[filter]
                    plane[row * 14 + column] = value > 0 ? value : 0.1 * value
                }
            }
            pooled.append(
                (0..<49).map { place in
                    let corner = place / 7 * 28 + place % 7 * 2
                    return [plane[corner], plane[corner + 1], plane[corner + 14], plane[corner + 15]].max() ?? 0
                })
        }
        // Means of 1 × 1 convolutions are convolutions of means.
        let averages = pooled.map { $0.reduce(0, +) / 49 }
        let logits = (0..<10).map { label in
            zip(last[label * 8..<label * 8 + 8], averages).reduce(lastBiases[label]) { $0 + $1.0 * $1.1 }
        }
        let powers = logits.map { exp($0 - (logits.max() ?? 0)) }
        return powers.map { $0 / powers.reduce(0, +) }
    }
}
