internal import PliniusNN

/// A mini-batch to infer from that a plan takes in parts, so that a part's activations stay in the processor's caches.
///
/// Images know nothing of each other there: what one predicts is the same in any part.
final class PartedBatch {
    let input: Tensor
    /// What the layers that predict put out, as rows, by their indices.
    let outputs: [Int: Tensor]
    private let memory = MemoryPlan()

    /// Makes room for a mini-batch of so many images, at least as many as the plan takes.
    init(_ plan: Plan, images: Int) {
        let memory = memory
        func whole(_ part: Tensor) -> Tensor {
            let layout = ActivationLayout.rows(images: images, shape: part.layout.shape)
            return Tensor(layout: layout, region: memory.reserve(floats: layout.floatCount))
        }
        input = whole(plan.input)
        outputs = plan.outputs.mapValues(whole)
        memory.allocate()
    }

    /// Infers from all parts; the last overlaps the one before where they do not fit evenly.
    func forward(_ pass: Pass, _ plan: Plan) {
        let (images, part) = (input.layout.images, plan.input.layout.images)
        for start in stride(from: 0, to: images, by: part) {
            let first = min(start, images - part)
            unsafe plan.input.region.floats.update(
                from: input.region.floats + first * input.layout.shape.count,
                count: part * input.layout.shape.count)
            _ = plan.forward(pass, hasTruth: false)
            for (layer, output) in outputs {
                guard let made = plan.outputs[layer] else { continue }
                unsafe (output.region.floats + first * output.layout.shape.count).update(
                    from: made.region.floats, count: part * output.layout.shape.count)
            }
        }
    }

    /// Images that a plan takes at a time: as even parts as can be, the activations of each around `floats` numbers a layer.
    ///
    /// All at once where they do know of each other: in sequences.
    static func images(of miniBatch: Int, _ layers: [LayerDescription], floats: Int = 1 << 20) -> Int {
        let isSequence = layers.contains { if case .recurrent = $0.kind { true } else { false } }
        let largest = layers.map(\.output.count).max() ?? 1
        let most = max(8, floats / largest)
        guard !isSequence, miniBatch > most else { return miniBatch }
        let parts = (miniBatch + most - 1) / most
        return (miniBatch + parts - 1) / parts
    }
}
