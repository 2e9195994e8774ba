import Glibc

extension ParameterArena {
    /// Sets the state that training begins from, as a function of the seed.
    ///
    /// Convolution weights are normal with variance 2 / (size² × channels / groups) (He et al., ICCV'15), connected weights
    /// uniform within ±sqrt(2 / inputs), local weights too, those of a deconvolution normal with deviation 0.02 × the outputs'
    /// positions / the inputs', scales 1, rolling variances 1, all else 0. Darknet begins the rolling variance at 0, which makes a
    /// network that was never trained divide by almost nothing, and local weights at 0 except for the first position; so does
    /// `compat=strict`.
    public func initialize(_ network: NetworkDescription, seed: UInt64) {
        precondition(network.layout == layout, "the arena is laid out for another network")
        let isStrict = network.options.compatibility == .strict
        for tensor in layout.tensors {
            let values = unsafe floats(of: tensor)
            switch tensor.role {
            case .rollingVariance: unsafe values.update(repeating: isStrict ? 0 : 1)
            case .scales: unsafe values.update(repeating: 1)
            case .weights:
                let layer = network.layers[tensor.layer].parts[tensor.part]
                func scale(outputs: Int) -> Float { Float((2 / Double(tensor.count / outputs)).squareRoot()) }
                let stream = RandomStream(
                    seed: seed, purpose: .initialization, substream: UInt32(tensor.layer | tensor.part << 16))
                switch layer.kind {
                case .connected:
                    unsafe Self.fillUniformly(values, within: scale(outputs: tensor.shape[0]), from: stream)
                case .local:
                    let bound = scale(outputs: layer.output.count)
                    let first = unsafe values[..<(isStrict ? values.count / layer.output.area : values.count)]
                    unsafe Self.fillUniformly(UnsafeMutableBufferPointer(rebasing: first), within: bound, from: stream)
                case .deconvolutional:
                    let growth = Float(layer.output.area) / Float(layer.input.area)
                    unsafe Self.fillNormally(values, deviation: 0.02 * growth, from: stream)
                default: unsafe Self.fillNormally(values, deviation: scale(outputs: tensor.shape[0]), from: stream)
                }
            default: unsafe values.update(repeating: 0)
            }
        }
    }

    private static func fillUniformly(
        _ values: UnsafeMutableBufferPointer<Float>,
        within bound: Float,
        from stream: RandomStream
    ) {
        for index in values.indices {
            let word = stream.block(UInt64(index / 4))[index % 4]
            unsafe values[index] = (2 * RandomStream.unit(word) - 1) * bound
        }
    }

    /// Box and Muller's method, two values from two words.
    private static func fillNormally(
        _ values: UnsafeMutableBufferPointer<Float>,
        deviation: Float,
        from stream: RandomStream
    ) {
        for pair in 0..<(values.count + 1) / 2 {
            let words = stream.block(UInt64(pair / 2))
            let (first, second) = pair % 2 == 0 ? (words.x, words.y) : (words.z, words.w)
            // 1 - unit lies in (0, 1], so the logarithm is finite.
            let radius = (-2 * Glibc.log(1 - Double(RandomStream.unit(first)))).squareRoot()
            let angle = 2 * Double.pi * Double(RandomStream.unit(second))
            unsafe values[2 * pair] = Float(radius * Glibc.cos(angle)) * deviation
            if 2 * pair + 1 < values.count {
                unsafe values[2 * pair + 1] = Float(radius * Glibc.sin(angle)) * deviation
            }
        }
    }
}
