/// Drops elements at random in training and scales up the others, so that expectations stay; passes them on in inference.
///
/// Darknet drops them where they are, and so does `compat=strict`: the layer before takes its activation's slope from what is left.
/// Which elements fall is a pure function of seed, layer, iteration, image and element: backward draws the same numbers again.
struct DropoutLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let layer: Int
    let probability: Float
    /// Whether the output is the input itself.
    var isInPlace = false

    func forward(_ pass: Pass, _ worker: PassWorker) {
        guard pass.mode == .training else {
            if isInPlace { return }
            for block in worker.share(of: input.blocks) {
                for element in 0..<input.shape.count { output[block, element] = input[block, element] }
            }
            return
        }
        apply(pass, worker, from: input, to: output)
    }

    func backward(_ pass: Pass, delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        apply(pass, worker, from: delta, to: inputDelta)
    }

    private func apply(
        _ pass: Pass, _ worker: PassWorker, from source: LaneTensor<Scalar>, to target: LaneTensor<Scalar>
    ) {
        let stream = RandomStream(seed: pass.seed, purpose: .dropout, substream: UInt32(layer))
        let keep = 1 / (1 - Scalar(probability))
        let count = input.shape.count
        // One block of the stream serves four elements of one image.
        let quads = (count + 3) / 4
        for unit in worker.share(of: input.blocks * quads) {
            let (block, quad) = unit.quotientAndRemainder(dividingBy: quads)
            var factors = (Lanes(), Lanes(), Lanes(), Lanes())
            for lane in 0..<8 {
                let image = UInt64(pass.firstImage + block * 8 + lane)
                let words = stream.block(image << 32 | UInt64(quad), iteration: pass.iteration)
                factors.0[lane] = RandomStream.unit(words[0]) < probability ? 0 : keep
                factors.1[lane] = RandomStream.unit(words[1]) < probability ? 0 : keep
                factors.2[lane] = RandomStream.unit(words[2]) < probability ? 0 : keep
                factors.3[lane] = RandomStream.unit(words[3]) < probability ? 0 : keep
            }
            let first = quad * 4
            target[block, first] = source[block, first] * factors.0
            if first + 1 < count { target[block, first + 1] = source[block, first + 1] * factors.1 }
            if first + 2 < count { target[block, first + 2] = source[block, first + 2] * factors.2 }
            if first + 3 < count { target[block, first + 3] = source[block, first + 3] * factors.3 }
        }
    }
}
