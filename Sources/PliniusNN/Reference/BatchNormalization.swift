/// Batch normalisation of one channel at a time, in Darknet's form: x̂ = (x − μ) / (√v + 1e-6), y = scale·x̂ + bias.
///
/// The variance has the divisor N − 1 (1 if N is 1, where it is zero). Sums run in `Scalar` over stretches of 256 positions
/// and in `Double` beyond, and the variance is taken about the mean that was computed before it.
struct BatchNormalization<Scalar: ReferenceScalar> {
    private typealias Lanes = SIMD8<Scalar>

    let scales: Buffer<Scalar>
    let biases: Buffer<Scalar>
    let rollingMean: Buffer<Scalar>
    let rollingVariance: Buffer<Scalar>
    let scaleMomentum: Buffer<Scalar>
    let biasMomentum: Buffer<Scalar>
    /// Mean and standard deviation of each channel in the last training pass.
    let means: Buffer<Scalar>
    let deviations: Buffer<Scalar>
    /// What enters the normalisation.
    let input: LaneTensor<Scalar>
    /// Whether backward has Darknet's ε and divisors.
    let isStrict: Bool

    private var count: Double { Double(input.images * input.shape.area) }
    private static var epsilon: Scalar { 1e-6 }

    /// Prepares a channel for training: takes its statistics and moves the rolling ones toward them.
    func train(channel: Int) {
        let mean = Scalar(total(channel) { x, _ in x } / count)
        let variance = Scalar(total(channel) { x, _ in (x - mean) * (x - mean) } / max(count - 1, 1))
        rollingMean[channel] = 0.99 * rollingMean[channel] + 0.01 * mean
        rollingVariance[channel] = 0.99 * rollingVariance[channel] + 0.01 * variance
        means[channel] = mean
        deviations[channel] = variance.squareRoot()
    }

    /// Prepares a channel for inference: takes the rolling statistics.
    func infer(channel: Int) {
        means[channel] = rollingMean[channel]
        deviations[channel] = rollingVariance[channel].squareRoot()
    }

    /// The factor and the offset that normalise, scale and shift a channel: y = factor·(x − mean) + bias.
    func factor(of channel: Int) -> Scalar { scales[channel] / (deviations[channel] + Self.epsilon) }

    /// Adds the gradients of scale and bias, and turns a channel's delta from the output's into the input's.
    ///
    /// This is the exact gradient of the forward formula: with s = √v and r = 1 / (s + ε),
    /// δx = scale·(r·(δ − Σδ/N) − (x − μ)·r·Σδx̂ / (s·(N − 1))), where the last term is zero if s is. Darknet's has
    /// r = 1 / √(v + 1e-5), and N·(v + 1e-5) in the place of s·(N − 1) / r.
    func backward(channel: Int, delta: LaneTensor<Scalar>) {
        let mean = means[channel]
        let deviation = deviations[channel]
        let inverse = 1 / (deviation + Self.epsilon)
        let deltaSum = total(channel, with: delta) { _, delta in delta }
        let productSum = total(channel, with: delta) { x, delta in delta * (x - mean) } * Double(inverse)
        biasMomentum[channel] += Scalar(deltaSum)
        scaleMomentum[channel] += Scalar(productSum)

        let scale = scales[channel]
        let shift = Scalar(deltaSum / count)
        var spread = deviation > 0 ? Scalar(productSum / max(count - 1, 1)) / deviation : 0
        var slope = inverse
        if isStrict {
            let variance = deviation * deviation + 1e-5
            slope = 1 / variance.squareRoot()
            spread = Scalar(productSum / count) / (inverse * variance)
        }
        for block in 0..<delta.blocks {
            let plane = delta.plane(block, channel)
            let source = input.plane(block, channel)
            let factor = delta.mask(block) * (scale * slope)
            for position in 0..<plane.count {
                plane[position] = factor * (plane[position] - shift - (source[position] - mean) * spread)
            }
        }
    }

    /// Sums a term over the positions and images of a channel.
    @inline(__always) private func total(
        _ channel: Int, with delta: LaneTensor<Scalar>? = nil, _ term: (SIMD8<Scalar>, SIMD8<Scalar>) -> SIMD8<Scalar>
    ) -> Double {
        var total = 0.0
        for block in 0..<input.blocks {
            let plane = input.plane(block, channel)
            let deltas = delta?.plane(block, channel) ?? plane
            let mask = input.mask(block)
            total += plane.total { position in mask * term(plane[position], deltas[position]) }
        }
        return total
    }
}

extension Buffer {
    /// Sums a term over all places: in lanes over stretches of 256, in `Double` beyond.
    @inline(__always) func total<Scalar: ReferenceScalar>(_ term: (Int) -> SIMD8<Scalar>) -> Double {
        var total = 0.0
        for start in stride(from: 0, to: count, by: 256) {
            var sum = SIMD8<Scalar>()
            for place in start..<min(start + 256, count) { sum += term(place) }
            total += Double(sum.sum())
        }
        return total
    }
}
