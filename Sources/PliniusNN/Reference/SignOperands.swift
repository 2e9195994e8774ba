/// What a binary convolution multiplies instead of its weights and inputs: their signs.
///
/// A filter's weights become plus or minus the mean of their magnitudes, and with `xnor` the inputs plus or minus 1. Gradients pass
/// straight through: as in Darknet, backward takes the real weights and inputs. Darknet forgets `binary` without `xnor` on a CPU.
struct SignOperands<Scalar: ReferenceScalar> {
    let weights: Buffer<Scalar>
    /// Nil if the inputs stay as they are.
    let input: LaneTensor<Scalar>?
    let filters: Int

    /// Takes the signs of this worker's share.
    func take(weights real: Buffer<Scalar>, input: LaneTensor<Scalar>, _ worker: PassWorker) {
        let count = real.count / filters
        for filter in worker.share(of: filters) {
            let places = filter * count..<(filter + 1) * count
            var sum = 0.0
            for place in places { sum += Double(real[place].magnitude) }
            let mean = Scalar(sum / Double(count))
            for place in places { weights[place] = real[place] > 0 ? mean : -mean }
        }
        guard let signs = self.input else { return }
        for unit in worker.share(of: input.blocks * input.shape.channels) {
            let (block, channel) = unit.quotientAndRemainder(dividingBy: input.shape.channels)
            let source = input.plane(block, channel)
            let target = signs.plane(block, channel)
            for position in 0..<target.count {
                let value = source[position]
                // NaN stays NaN.
                target[position] = value.above(0, .one, value.below(0, -.one, value - 1))
            }
        }
    }
}
