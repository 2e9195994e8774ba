/// Divides each value by a power of the sum of squares of its neighbours across channels: local response normalisation.
///
/// y = x · n^(−β) with n = κ + α·Σ x² over the channels from `(size − 1) / 2` before to `size / 2` after, where they exist.
/// Darknet leaves channel `size / 2` out of all windows, and the neighbours out of the gradient.
struct ResponseNormalizationLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    /// n of each value.
    let norms: LaneTensor<Scalar>
    let normalization: LayerDescription.Normalization
    let isStrict: Bool

    private var channels: Int { input.shape.channels }
    private var before: Int { (normalization.size - 1) / 2 }
    private var after: Int { normalization.size / 2 }

    func forward(_ worker: PassWorker) {
        for block in worker.share(of: input.blocks) {
            for channel in 0..<channels {
                let norm = norms.plane(block, channel)
                for position in 0..<norm.count { norm[position] = Lanes(repeating: Scalar(normalization.kappa)) }
                func add(_ neighbour: Int, _ factor: Scalar) {
                    let source = input.plane(block, neighbour)
                    for position in 0..<norm.count { norm[position] += factor * source[position] * source[position] }
                }
                for neighbour in max(0, channel - before)...min(channels - 1, channel + after) {
                    add(neighbour, Scalar(normalization.alpha))
                }
                if isStrict, after < channels { add(after, -Scalar(normalization.alpha)) }
                let source = input.plane(block, channel)
                let target = output.plane(block, channel)
                for position in 0..<norm.count { target[position] = source[position] * factor(norm[position]) }
            }
        }
    }

    /// With q = δ·y / n: δx = δ·n^(−β) − 2αβ·x·Σ q over the channels in whose windows x lies; `delta` is consumed.
    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        let share = 2 * Scalar(normalization.alpha) * Scalar(normalization.beta)
        for block in worker.share(of: input.blocks) {
            for channel in 0..<channels {
                let (source, norm) = (delta.plane(block, channel), norms.plane(block, channel))
                let (target, values) = (inputDelta.plane(block, channel), output.plane(block, channel))
                for position in 0..<source.count {
                    target[position] = source[position] * factor(norm[position])
                    source[position] = source[position] * values[position] / norm[position]
                }
            }
            if isStrict { continue }
            for channel in 0..<channels {
                let (target, source) = (inputDelta.plane(block, channel), input.plane(block, channel))
                for neighbour in max(0, channel - after)...min(channels - 1, channel + before) {
                    let quotients = delta.plane(block, neighbour)
                    for position in 0..<target.count {
                        target[position] -= share * source[position] * quotients[position]
                    }
                }
            }
        }
    }

    /// n^(−β).
    @inline(__always) private func factor(_ norm: Lanes) -> Lanes {
        let exponent = -Scalar(normalization.beta)
        return norm.mapLanes { .exponential(exponent * .logarithm($0)) }
    }
}

/// Divides the channels of each position by their Euclidean length; where all are zero they stay so, and nothing is learnt.
///
/// The gradient is that of the quotient. Darknet hands delta down unchanged on a CPU, and on a GPU adds a term that no loss has.
struct L2NormLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    /// Whether deltas are handed down as they are.
    let isStrict: Bool

    func forward(_ worker: PassWorker) {
        forEachPosition(worker) { block, position in
            let inverse = inverseLength(block, position)
            for channel in 0..<input.shape.channels {
                output.plane(block, channel)[position] = input.plane(block, channel)[position] * inverse
            }
        }
    }

    /// δx = (δ − y·Σδy) / length.
    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        forEachPosition(worker) { block, position in
            let inverse = inverseLength(block, position)
            var along = Lanes()
            for channel in 0..<input.shape.channels {
                along += delta.plane(block, channel)[position] * output.plane(block, channel)[position]
            }
            for channel in 0..<input.shape.channels {
                let rest = delta.plane(block, channel)[position] - output.plane(block, channel)[position] * along
                inputDelta.plane(block, channel)[position] =
                    isStrict ? delta.plane(block, channel)[position] : rest * inverse
            }
        }
    }

    /// 1 / length, or 0 if the length is; NaN stays NaN.
    @inline(__always) private func inverseLength(_ block: Int, _ position: Int) -> Lanes {
        var squares = Lanes()
        for channel in 0..<input.shape.channels {
            let value = input.plane(block, channel)[position]
            squares += value * value
        }
        return squares.above(0, 1 / squares.squareRoot(), squares)
    }

    @inline(__always) private func forEachPosition(
        _ worker: PassWorker, _ body: (_ block: Int, _ position: Int) -> Void
    ) {
        for unit in worker.share(of: input.blocks * input.shape.area) {
            body(unit / input.shape.area, unit % input.shape.area)
        }
    }
}
