internal import COneDNN
internal import PliniusNN

/// Takes the maximum of each window, and remembers where it was.
final class MaxPoolStep: PlannedStep {
    private let engine: Engine
    private let input: Tensor
    let output: Tensor
    private let windows: conednn_windows
    /// Which place of its window each maximum came from.
    private let places: Region
    private var delta: Region?
    private var inputDelta: Region?

    var rereadsInput: Bool { false }
    var rereadsOutput: Bool { false }

    init(_ engine: Engine, _ pool: LayerDescription.MaxPool, input: Tensor, shape: Shape, _ memory: MemoryPlan) {
        precondition(
            (pool.padding + 1) / 2 < pool.size,
            "a padding of \(pool.padding) leaves some windows of size \(pool.size) without any pixel")
        precondition(pool.size < 256, "the places of a window of size \(pool.size) do not fit 16 bits")
        self.engine = engine
        self.input = input
        let block = input.layout.block == input.layout.shape.channels ? shape.channels : input.layout.block
        let layout = ActivationLayout(images: input.layout.images, shape: shape, block: block)
        output = Tensor(layout: layout, region: memory.reserve(floats: layout.floatCount))
        // Sixteen bits each: half a float.
        places = memory.reserve(floats: (layout.floatCount + 1) / 2)
        windows = conednn_windows(
            size: Int64(pool.size), stride: Int64(pool.stride), start: Int64(-(pool.padding / 2)),
            input_height: Int64(input.layout.shape.height), input_width: Int64(input.layout.shape.width),
            output_height: Int64(shape.height), output_width: Int64(shape.width))
    }

    func bind(delta: Region, inputDelta: Region?) {
        self.delta = delta
        self.inputDelta = inputDelta
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        unsafe conednn_maxpool(
            engine.pointer, output.layout.extents, windows, input.region.floats, output.region.floats,
            pass.mode == .training ? places.address.assumingMemoryBound(to: UInt16.self) : nil)
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard let delta, let inputDelta else { return }
        unsafe conednn_maxpool_backward(
            engine.pointer, output.layout.extents, windows, places.address.assumingMemoryBound(to: UInt16.self),
            delta.floats, inputDelta.floats)
    }
}

/// Takes the mean of each channel.
final class AveragePoolStep: PlannedStep {
    private let engine: Engine
    private let input: Tensor
    let output: Tensor
    private var delta: Region?
    private var inputDelta: Region?

    var rereadsInput: Bool { false }
    var rereadsOutput: Bool { false }

    init(_ engine: Engine, input: Tensor, shape: Shape, _ memory: MemoryPlan) {
        self.engine = engine
        self.input = input
        let layout = ActivationLayout.rows(images: input.layout.images, shape: shape)
        output = Tensor(layout: layout, region: memory.reserve(floats: layout.floatCount))
    }

    func bind(delta: Region, inputDelta: Region?) {
        self.delta = delta
        self.inputDelta = inputDelta
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        unsafe conednn_avgpool(engine.pointer, input.layout.extents, input.region.floats, output.region.floats)
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard let delta, let inputDelta else { return }
        unsafe conednn_avgpool_backward(engine.pointer, input.layout.extents, delta.floats, inputDelta.floats)
    }
}
