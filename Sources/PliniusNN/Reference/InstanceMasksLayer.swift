/// Predicts the class of each pixel, and coordinates in which the pixels of an instance lie together: `[iseg]`.
///
/// Deltas are Darknet's. A unit of work is eight images.
struct InstanceMasksLayer<Scalar: ReferenceScalar> {
    private let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    private let truth: LaneTensor<Scalar>
    private let masks: LayerDescription.InstanceMasks
    let loss: OwnLoss<Scalar>
    /// Of each lane: pixels of each instance, and the mean coordinates of each.
    private let counts: Buffer<SIMD8<Scalar>>
    private let means: Buffer<SIMD8<Scalar>>

    private static var instances: Int { LayerDescription.InstanceMasks.maximumInstances }
    private var area: Int { input.shape.area }

    init(
        _ masks: LayerDescription.InstanceMasks, input: LaneTensor<Scalar>, output: LaneTensor<Scalar>,
        truth: LaneTensor<Scalar>, _ memory: BufferMemory
    ) {
        self.masks = masks
        self.input = input
        self.output = output
        self.truth = truth
        loss = OwnLoss(input, memory)
        counts = memory.buffer(of: SIMD8<Scalar>.self, count: input.blocks * Self.instances)
        means = memory.buffer(of: SIMD8<Scalar>.self, count: input.blocks * Self.instances * masks.ids)
    }

    /// - Returns: the sum of the squared deltas, from the first worker; 0 without a truth.
    func forward(hasTruth: Bool, _ worker: PassWorker) -> Double {
        loss.forEachPlane(worker) { block, channel in
            let (source, target) = (input.plane(block, channel), output.plane(block, channel))
            let activation = channel < masks.classes ? Activation.logistic : .linear
            for position in 0..<target.count { target[position] = activation.value(at: source[position]) }
        }
        guard hasTruth else { return 0 }
        return loss.measure(units: input.blocks, worker) { block in
            for lane in loss.lanes(block) {
                expectNothing(block, lane)
                learnClasses(block, lane)
                learnCoordinates(block, lane)
            }
        }
    }

    /// At first no pixel is of any class, and its coordinates are drawn a little to zero.
    private func expectNothing(_ block: Int, _ lane: Int) {
        for channel in 0..<input.shape.channels {
            let scale: Scalar = channel < masks.classes ? 1 : 0.001
            for pixel in 0..<area { delta(block, lane, channel)[pixel] = -scale * value(block, lane, channel)[pixel] }
        }
    }

    /// Draws the pixels of each instance to its class, and takes the mean of their coordinates.
    private func learnClasses(_ block: Int, _ lane: Int) {
        var hasEnded = false
        for instance in 0..<Self.instances {
            let place = block * Self.instances + instance
            let kind = Entries(truth, block, lane, first: instance * (area + 1))[0]
            hasEnded = hasEnded || !(kind >= 0)
            counts[place][lane] = 0
            for id in 0..<masks.ids { means[place * masks.ids + id][lane] = 0 }
            // A class that the layer does not know says nothing that can be learned: whoever seals data refuses it.
            guard !hasEnded, kind < Scalar(masks.classes) else { continue }
            let (values, deltas) = (value(block, lane, Int(kind)), delta(block, lane, Int(kind)))
            let mask = self.mask(block, lane, instance)
            for pixel in 0..<area where mask[pixel] != 0 {
                deltas[pixel] = mask[pixel] - values[pixel]
                counts[place][lane] += 1
                for id in 0..<masks.ids {
                    means[place * masks.ids + id][lane] += value(block, lane, masks.classes + id)[pixel]
                }
            }
            guard counts[place][lane] > 0 else { continue }
            for id in 0..<masks.ids { means[place * masks.ids + id][lane] /= counts[place][lane] }
        }
    }

    /// Draws the pixels of an instance to its mean, and away from those of the others.
    private func learnCoordinates(_ block: Int, _ lane: Int) {
        let present = block * Self.instances..<(block + 1) * Self.instances
        for own in present where counts[own][lane] > 0 {
            let mask = self.mask(block, lane, own - present.lowerBound)
            for pixel in 0..<area where mask[pixel] != 0 {
                for other in present where counts[other][lane] > 0 {
                    for id in 0..<masks.ids {
                        let channel = masks.classes + id
                        let isBelow = means[other * masks.ids + id][lane] < value(block, lane, channel)[pixel]
                        delta(block, lane, channel)[pixel] += isBelow == (own == other) ? -0.001 : 0.001
                    }
                }
            }
        }
    }

    private func value(_ block: Int, _ lane: Int, _ channel: Int) -> Entries<Scalar> {
        Entries(output, block, lane, first: channel * area)
    }

    private func delta(_ block: Int, _ lane: Int, _ channel: Int) -> Entries<Scalar> {
        Entries(loss.deltas, block, lane, first: channel * area)
    }

    private func mask(_ block: Int, _ lane: Int, _ instance: Int) -> Entries<Scalar> {
        Entries(truth, block, lane, first: instance * (area + 1) + 1)
    }
}
