/// Takes the maximum of each window; what lies outside the image takes no part, and each window holds some of it.
struct MaxPoolLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let pool: LayerDescription.MaxPool

    func forward(_ worker: PassWorker) {
        forEachPlane(worker) { block, channel in
            let source = input.plane(block, channel)
            let target = output.plane(block, channel)
            forEachWindow { window, rows, columns in
                target[window] = maximum(of: source, rows: rows, columns: columns)
            }
        }
    }

    /// Hands each window's delta to the first of its greatest inputs.
    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        forEachPlane(worker) { block, channel in
            let source = input.plane(block, channel)
            let maxima = output.plane(block, channel)
            let deltas = delta.plane(block, channel)
            let target = inputDelta.plane(block, channel)
            for position in 0..<target.count { target[position] = Lanes() }
            forEachWindow { window, rows, columns in
                let maximum = maxima[window]
                // What is handed over is zero from then on: only the first of equals gets it.
                var rest = deltas[window]
                for row in rows {
                    for column in columns {
                        let place = row * input.shape.width + column
                        target[place] += Scalar.choose(source[place], below: maximum, .zero, rest)
                        rest = Scalar.choose(source[place], below: maximum, rest, .zero)
                    }
                }
            }
        }
    }

    @inline(__always) private func maximum(of plane: Buffer<Lanes>, rows: Range<Int>, columns: Range<Int>) -> Lanes {
        var best = plane[rows.lowerBound * input.shape.width + columns.lowerBound]
        for row in rows {
            for column in columns { best = Scalar.greater(best, plane[row * input.shape.width + column]) }
        }
        return best
    }

    @inline(__always) private func forEachPlane(_ worker: PassWorker, _ body: (_ block: Int, _ channel: Int) -> Void) {
        for plane in worker.share(of: input.blocks * input.shape.channels) {
            body(plane / input.shape.channels, plane % input.shape.channels)
        }
    }

    @inline(__always) private func forEachWindow(
        _ body: (_ window: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> Void
    ) {
        for row in 0..<output.shape.height {
            let top = row * pool.stride - pool.padding / 2
            let rows = max(0, top)..<min(top + pool.size, input.shape.height)
            for column in 0..<output.shape.width {
                let left = column * pool.stride - pool.padding / 2
                let columns = max(0, left)..<min(left + pool.size, input.shape.width)
                body(row * output.shape.width + column, rows, columns)
            }
        }
    }
}

/// Takes the mean of each channel.
struct AveragePoolLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>

    func forward(_ worker: PassWorker) {
        let share = 1 / Scalar(input.shape.area)
        for unit in worker.share(of: input.blocks * input.shape.channels) {
            let (block, channel) = unit.quotientAndRemainder(dividingBy: input.shape.channels)
            let plane = input.plane(block, channel)
            var sum = SIMD8<Scalar>()
            for position in 0..<plane.count { sum += plane[position] }
            output[block, channel] = sum * share
        }
    }

    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>, _ worker: PassWorker) {
        let share = 1 / Scalar(input.shape.area)
        for unit in worker.share(of: input.blocks * input.shape.channels) {
            let (block, channel) = unit.quotientAndRemainder(dividingBy: input.shape.channels)
            let plane = inputDelta.plane(block, channel)
            let part = delta[block, channel] * share
            for position in 0..<plane.count { plane[position] = part }
        }
    }
}
