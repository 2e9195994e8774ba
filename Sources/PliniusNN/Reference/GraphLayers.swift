/// Where a layer puts the delta of something that it read.
struct DeltaTarget<Scalar: ReferenceScalar> {
    let tensor: LaneTensor<Scalar>
    /// Whether later layers have put theirs there, so that this one adds; else it writes every element.
    let adds: Bool

    /// Puts one more term there, or the first.
    @inline(__always) func put(_ term: SIMD8<Scalar>, in plane: Buffer<SIMD8<Scalar>>, _ position: Int) {
        plane[position] = adds ? plane[position] + term : term
    }
}

/// Puts channels of its inputs one after the other; of each of them, those of one group.
struct RouteLayer<Scalar: ReferenceScalar> {
    let inputs: [LaneTensor<Scalar>]
    let output: LaneTensor<Scalar>
    let route: LayerDescription.Route

    func forward(_ worker: PassWorker) {
        var start = 0
        for input in inputs {
            let channels = taken(of: input)
            for unit in worker.share(of: input.blocks * channels.count) {
                let (block, channel) = unit.quotientAndRemainder(dividingBy: channels.count)
                let source = input.plane(block, channels.lowerBound + channel)
                let target = output.run(block, from: start + channel * source.count, count: source.count)
                for position in 0..<source.count { target[position] = source[position] }
            }
            start += channels.count * input.shape.area
        }
    }

    func backward(delta: LaneTensor<Scalar>, inputDeltas: [DeltaTarget<Scalar>?], _ worker: PassWorker) {
        var start = 0
        for index in inputs.indices {
            let input = inputs[index]
            let channels = taken(of: input)
            let first = start
            start += channels.count * input.shape.area
            guard let target = inputDeltas[index] else { continue }
            for unit in worker.share(of: input.blocks * input.shape.channels) {
                let (block, channel) = unit.quotientAndRemainder(dividingBy: input.shape.channels)
                let plane = target.tensor.plane(block, channel)
                guard channels.contains(channel) else {
                    for position in 0..<plane.count { target.put(SIMD8(), in: plane, position) }
                    continue
                }
                let deltas = delta.run(
                    block, from: first + (channel - channels.lowerBound) * plane.count, count: plane.count)
                for position in 0..<plane.count { target.put(deltas[position], in: plane, position) }
            }
        }
    }

    /// The channels that are taken of an input.
    private func taken(of input: LaneTensor<Scalar>) -> Range<Int> {
        let count = input.shape.channels / route.groups
        return route.group * count..<(route.group + 1) * count
    }
}

/// Adds another layer, if there is one, to the one before, where both have elements, and applies an activation.
///
/// See `LayerDescription.Shortcut`. As in Darknet, `alpha` multiplies only what something is added to.
struct ShortcutLayer<Scalar: ReferenceScalar> {
    let input: LaneTensor<Scalar>
    let other: LaneTensor<Scalar>?
    let output: LaneTensor<Scalar>
    let shortcut: LayerDescription.Shortcut

    func forward(_ worker: PassWorker) {
        let (alpha, beta) = (Scalar(shortcut.alpha), Scalar(shortcut.beta))
        forEachPlane(of: output, worker) { block, channel in
            let source = input.plane(block, channel)
            let target = output.plane(block, channel)
            for position in 0..<target.count { target[position] = source[position] }
            if let other, channel < other.shape.channels {
                let added = other.plane(block, channel)
                forEachCommon(with: other.shape) { own, other in target[own] = alpha * target[own] + beta * added[other]
                }
            }
            for position in 0..<target.count { target[position] = shortcut.activation.value(at: target[position]) }
        }
    }

    /// `delta` is the output's and is consumed.
    func backward(delta: LaneTensor<Scalar>, inputDeltas: [DeltaTarget<Scalar>?], _ worker: PassWorker) {
        let (alpha, beta) = (Scalar(shortcut.alpha), Scalar(shortcut.beta))
        forEachPlane(of: output, worker) { block, channel in
            let values = output.plane(block, channel)
            let deltas = delta.plane(block, channel)
            for position in 0..<deltas.count {
                deltas[position] *= shortcut.activation.slope(at: values[position])
            }
            guard let target = inputDeltas[0] else { return }
            let plane = target.tensor.plane(block, channel)
            for position in 0..<plane.count { target.put(deltas[position], in: plane, position) }
            if let other, alpha != 1, channel < other.shape.channels {
                forEachCommon(with: other.shape) { own, _ in plane[own] += (alpha - 1) * deltas[own] }
            }
        }
        guard let other, let target = inputDeltas[1] else { return }
        worker.meet()
        forEachPlane(of: other, worker) { block, channel in
            let plane = target.tensor.plane(block, channel)
            if !target.adds { for position in 0..<plane.count { plane[position] = SIMD8() } }
            if channel < output.shape.channels {
                let deltas = delta.plane(block, channel)
                forEachCommon(with: other.shape) { own, other in plane[other] += beta * deltas[own] }
            }
        }
    }

    @inline(__always) private func forEachPlane(
        of tensor: LaneTensor<Scalar>, _ worker: PassWorker, _ body: (_ block: Int, _ channel: Int) -> Void
    ) {
        for unit in worker.share(of: tensor.blocks * tensor.shape.channels) {
            body(unit / tensor.shape.channels, unit % tensor.shape.channels)
        }
    }

    /// Pairs the positions of the two images.
    @inline(__always) private func forEachCommon(with other: Shape, _ body: (_ own: Int, _ other: Int) -> Void) {
        let own = output.shape
        let ownStep = max(own.width / other.width, 1)
        let otherStep = max(other.width / own.width, 1)
        for row in 0..<min(own.height, other.height) {
            for column in 0..<min(own.width, other.width) {
                body(
                    row * ownStep * own.width + column * ownStep,
                    row * otherStep * other.width + column * otherStep)
            }
        }
    }
}
