/// The sums of a locally connected layer: a convolution whose every position has weights and biases of its own.
///
/// Weights lie as (positions, filters, channels, size, size), biases as the outputs.
struct LocalSum<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let geometry: ConvolutionGeometry

    private var area: Int { geometry.output.area }

    func forward(
        from input: LaneTensor<Scalar>, to sums: LaneTensor<Scalar>, _ parameters: LayerParameters<Scalar>,
        _ worker: PassWorker
    ) {
        let weights = parameters[.weights]
        for unit in worker.share(of: sums.blocks * geometry.output.channels) {
            let (block, filter) = unit.quotientAndRemainder(dividingBy: geometry.output.channels)
            let target = sums.plane(block, filter)
            for position in 0..<area {
                var sum = Lanes(repeating: parameters[.biases][filter * area + position])
                forEachWeight(position: position, filter: filter) { weight, channel, place in
                    sum += input.plane(block, channel)[place] * weights[weight]
                }
                target[position] = sum
            }
        }
        worker.meet()
    }

    func backward(
        input: LaneTensor<Scalar>, delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>?,
        _ parameters: LayerParameters<Scalar>, _ worker: PassWorker
    ) {
        worker.meet()
        let weights = parameters[.weights]
        let gradient = parameters[.weightMomentum]
        for unit in worker.share(of: area * geometry.output.channels) {
            let (position, filter) = unit.quotientAndRemainder(dividingBy: geometry.output.channels)
            for block in 0..<delta.blocks {
                let lanes = delta.plane(block, filter)[position]
                parameters[.biasMomentum][filter * area + position] += lanes.sum()
                forEachWeight(position: position, filter: filter) { weight, channel, place in
                    gradient[weight] += (lanes * input.plane(block, channel)[place]).sum()
                }
            }
        }
        guard let inputDelta else { return }
        for block in worker.share(of: delta.blocks) {
            for channel in 0..<geometry.input.channels {
                let target = inputDelta.plane(block, channel)
                for place in 0..<target.count { target[place] = Lanes() }
            }
            for filter in 0..<geometry.output.channels {
                let deltas = delta.plane(block, filter)
                for position in 0..<area {
                    forEachWeight(position: position, filter: filter) { weight, channel, place in
                        inputDelta.plane(block, channel)[place] += deltas[position] * weights[weight]
                    }
                }
            }
        }
    }

    /// Visits the weights of one output, with the channel and the place in its plane that each multiplies.
    @inline(__always) private func forEachWeight(
        position: Int, filter: Int, _ body: (_ weight: Int, _ channel: Int, _ place: Int) -> Void
    ) {
        let (row, column) = position.quotientAndRemainder(dividingBy: geometry.output.width)
        let origin = (position * geometry.output.channels + filter) * geometry.filterStride
        for tapRow in 0..<geometry.kernelHeight {
            guard let inputRow = geometry.inputPosition(of: row, tap: tapRow, extent: geometry.input.height) else {
                continue
            }
            for tapColumn in 0..<geometry.kernelWidth {
                guard let inputColumn = geometry.inputPosition(of: column, tap: tapColumn, extent: geometry.input.width)
                else { continue }
                let tap = tapRow * geometry.kernelWidth + tapColumn
                for channel in 0..<geometry.input.channels {
                    body(
                        origin + channel * geometry.taps + tap, channel, inputRow * geometry.input.width + inputColumn)
                }
            }
        }
    }
}
