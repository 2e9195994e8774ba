internal import PliniusNN

/// Changes the layout between two layers that want different ones.
final class ReorderStep: PlannedStep {
    private let input: Tensor
    let output: Tensor
    private let forward: Primitive
    private let backward: Primitive
    private var asksForInputDelta = false
    var rereadsInput: Bool { false }
    var rereadsOutput: Bool { false }

    init(_ engine: Engine, from input: Tensor, to layout: ActivationLayout, _ memory: MemoryPlan) throws(OneDNNError) {
        self.input = input
        output = Tensor(layout: layout, region: memory.reserve(floats: layout.floatCount))
        let source = try input.layout.tensorLayout()
        let destination = try layout.tensorLayout()
        forward = try .reorder(engine, from: source, to: destination)
        backward = try .reorder(engine, from: destination, to: source)
    }

    func bind(delta: Region, inputDelta: Region?) {
        unsafe forward.bind(.source, input.region.address)
        unsafe forward.bind(.destination, output.region.address)
        guard let inputDelta else { return }
        unsafe backward.bind(.source, delta.address)
        unsafe backward.bind(.destination, inputDelta.address)
        asksForInputDelta = true
    }

    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        forward.run()
        return 0
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        if asksForInputDelta { backward.run() }
    }
}
