internal import COneDNN
internal import PliniusNN

/// Batch normalisation in Darknet's form, with its activation: x̂ = (x − μ) / (√v + 1e-6), y = a(scale·x̂ + bias).
///
/// The variance has the divisor N − 1 (1 if N is 1, where it is zero). oneDNN's own has N and its ε inside the root, so the
/// shim's kernels do it: two passes over memory each way.
final class Normalization {
    private let engine: Engine
    private let parameters: LayerParameters
    /// What enters: the weighted sums.
    private let input: Tensor
    private let function: ActivationFunction
    private let mean: Region
    private let variance: Region
    /// scale / (√v + ε) of the last pass.
    private let factor: Region
    private let shift: Region
    private let spread: Region
    /// Sums of each image and channel.
    private let scratch: Region
    /// Sums over the mini-batch, in `Double`: of delta, and of delta times the distance from the mean.
    private let deltaSums: Region
    private let productSums: Region

    private var channels: Int { input.layout.shape.channels }
    private static let epsilon: Float = 1e-6

    init(
        _ engine: Engine, input: Tensor, function: ActivationFunction, parameters: LayerParameters, scratch: Region,
        _ memory: MemoryPlan
    ) {
        self.engine = engine
        self.input = input
        self.function = function
        self.parameters = parameters
        self.scratch = scratch
        let channels = input.layout.shape.channels
        mean = memory.reserve(floats: channels)
        variance = memory.reserve(floats: channels)
        factor = memory.reserve(floats: channels)
        shift = memory.reserve(floats: channels)
        spread = memory.reserve(floats: channels)
        deltaSums = memory.reserve(bytes: channels * MemoryLayout<Double>.stride)
        productSums = memory.reserve(bytes: channels * MemoryLayout<Double>.stride)
        scratch.grow(toFloats: conednn_sums_count(input.layout.extents))
    }

    /// What a distance from the mean is multiplied by.
    static func factor(scale: Float, variance: Float) -> Float { scale / (variance.squareRoot() + epsilon) }

    func forward(_ mode: Pass.Mode, to output: Tensor) {
        if mode == .training {
            unsafe conednn_statistics(
                engine.pointer, input.layout.extents, input.region.floats, scratch.floats, mean.floats,
                variance.floats)
            moveRollingStatistics()
        }
        let rollingMean = parameters[.rollingMean]
        let rollingVariance = parameters[.rollingVariance]
        let scales = parameters[.scales]
        let mean = mean.values(channels)
        let variance = variance.values(channels)
        let factor = factor.values(channels)
        for channel in 0..<channels {
            if mode == .inference {
                mean[channel] = rollingMean[channel]
                variance[channel] = rollingVariance[channel]
            }
            factor[channel] = Self.factor(scale: scales[channel], variance: variance[channel])
        }
        unsafe conednn_normalize(
            engine.pointer, input.layout.extents, input.region.floats, mean.pointer, factor.pointer,
            parameters[.biases].pointer, function.fused, output.region.floats)
    }

    private func moveRollingStatistics() {
        let rollingMean = parameters[.rollingMean]
        let rollingVariance = parameters[.rollingVariance]
        let mean = mean.values(channels)
        let variance = variance.values(channels)
        for channel in 0..<channels {
            rollingMean[channel] = 0.99 * rollingMean[channel] + 0.01 * mean[channel]
            rollingVariance[channel] = 0.99 * rollingVariance[channel] + 0.01 * variance[channel]
        }
    }

    /// Adds the gradients of scales and biases to their momentum, and turns delta from the output's into the sums', in place.
    ///
    /// This is the exact gradient of the forward formula: with s = √v and r = 1 / (s + ε),
    /// δx = scale·(r·(δ − Σδ/N) − (x − μ)·r·Σδx̂ / (s·(N − 1))), where the last term is zero if s is.
    func backward(delta: Region) {
        let biases = parameters[.biases]
        let mean = mean.values(channels)
        let factor = factor.values(channels)
        unsafe conednn_normalize_sums(
            engine.pointer, input.layout.extents, input.region.floats, delta.floats, mean.pointer, factor.pointer,
            biases.pointer, function.fused, scratch.floats, deltaSums.doubles, productSums.doubles)
        let variance = variance.values(channels)
        let shift = shift.values(channels)
        let spread = spread.values(channels)
        let biasMomentum = parameters[.biasMomentum]
        let scaleMomentum = parameters[.scaleMomentum]
        let count = Double(input.layout.images * input.layout.shape.area)
        for channel in 0..<channels {
            let deviation = variance[channel].squareRoot()
            let deltaSum = unsafe deltaSums.doubles[channel]
            let productSum = unsafe productSums.doubles[channel] / Double(deviation + Self.epsilon)
            biasMomentum[channel] += Float(deltaSum)
            scaleMomentum[channel] += Float(productSum)
            shift[channel] = Float(deltaSum / count)
            spread[channel] = deviation > 0 ? Float(productSum / max(count - 1, 1)) / deviation : 0
        }
        unsafe conednn_normalize_backward(
            engine.pointer, input.layout.extents, input.region.floats, mean.pointer, factor.pointer, biases.pointer,
            function.fused, shift.pointer, spread.pointer, delta.floats)
    }
}
