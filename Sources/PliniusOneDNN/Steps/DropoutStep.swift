internal import COneDNN
internal import PliniusNN

/// Drops elements at random in training and scales up the others; passes them on in inference.
///
/// It has an output of its own: the layer before it needs what it made for its own gradient. Darknet overlooks that, and so does
/// `compat=strict`.
final class DropoutStep: PlannedStep {
    private let engine: Engine
    private let input: Tensor
    let output: Tensor
    private let layer: Int
    private let probability: Float
    private let scratch: Region
    private var delta: Region?

    var keepsDeltaInPlace: Bool { true }
    var rereadsInput: Bool { false }
    var rereadsOutput: Bool { false }

    /// - Parameter inPlace: whether the input is changed itself, as under `compat=strict`.
    init(
        _ engine: Engine, layer: Int, probability: Float, input: Tensor, inPlace: Bool, scratch: Region,
        _ memory: MemoryPlan
    ) {
        self.engine = engine
        self.input = input
        self.layer = layer
        self.probability = probability
        self.scratch = scratch
        output =
            inPlace ? input : Tensor(layout: input.layout, region: memory.reserve(floats: input.layout.floatCount))
        scratch.grow(toBytes: unsafe conednn_dropout_bytes(engine.pointer, input.layout.extents))
    }

    func bind(delta: Region, inputDelta: Region?) { self.delta = inputDelta }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        if pass.mode == .training {
            unsafe drop(pass, from: input.region.floats, to: output.region.floats)
        } else if output.region !== input.region {
            unsafe output.region.floats.update(from: input.region.floats, count: input.layout.floatCount)
        }
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard let delta else { return }
        // The same numbers are drawn again: a mask kept would be read from memory instead.
        unsafe drop(pass, from: delta.floats, to: delta.floats)
    }

    @unsafe private func drop(_ pass: Pass, from source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>) {
        // The counter of RandomStream.block(image << 32 | element / 4, iteration:).
        let draws = conednn_draws(
            key: (UInt32(truncatingIfNeeded: pass.seed), UInt32(truncatingIfNeeded: pass.seed >> 32)),
            first_image: UInt32(pass.firstImage), purpose: RandomStream.Purpose.dropout.rawValue << 24,
            iteration: UInt32(truncatingIfNeeded: pass.iteration), substream: UInt32(layer), probability: probability)
        unsafe conednn_dropout(
            engine.pointer, input.layout.extents, draws, scratch.address.assumingMemoryBound(to: UInt8.self), source,
            target)
    }
}
