internal import PliniusNN

/// A network compiled for one mini-batch size: its steps in order, and all memory that they need.
final class Plan {
    let engine: Engine
    let input: Tensor
    let truth: Tensor
    /// The network's predictions, as rows.
    let output: Tensor
    let steps: [any PlannedStep]
    /// The layer that each step belongs to.
    let layers: [Int]

    private let memory: MemoryPlan
    /// Brings the predictions into rows where they lie otherwise.
    private let outputStep: ReorderStep?
    /// The first step that backward reaches: below it nothing learns, or a layer stops it.
    private let lowest: Int
    private let costOwners: Int
    /// Delta of the last step's output.
    private let lastDelta: Region

    init(_ builder: PlanBuilder, output: Tensor, outputStep: ReorderStep?) {
        engine = builder.engine
        input = builder.input
        truth = builder.truth
        let steps = builder.steps
        let layers = builder.stepLayers
        self.steps = steps
        self.layers = layers
        memory = builder.memory
        self.output = output
        self.outputStep = outputStep
        lowest = steps.indices.first { steps[$0].learns && layers[$0] >= builder.lowestLayer } ?? steps.count
        costOwners = steps.count(where: \.ownsCost)

        // Deltas live in two regions in turn; a step that works in place stays in its own.
        let longest = ([builder.input] + steps.map(\.output)).map(\.layout.floatCount).max() ?? 0
        let regions = [memory.reserve(floats: longest), memory.reserve(floats: longest)]
        memory.allocate()
        lastDelta = regions[0]
        var current = 0
        for index in steps.indices.reversed() {
            let next = steps[index].keepsDeltaInPlace ? current : 1 - current
            steps[index].bind(delta: regions[current], inputDelta: index > lowest ? regions[next] : nil)
            current = next
        }
        outputStep?.bind(delta: lastDelta, inputDelta: nil)
    }

    /// - Returns: the sum of the costs of the mini-batch, the mean over the steps that own one.
    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        engine.enter()
        let measures = hasTruth && pass.mode == .training
        let cost = steps.reduce(0.0) { $0 + $1.forward(pass, hasTruth: measures) }
        _ = outputStep?.forward(pass, hasTruth: false)
        return cost / Double(max(costOwners, 1))
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        guard lowest < steps.count, let last = steps.last else { return }
        engine.enter()
        // Losses add to it; a network without one asks for nothing.
        unsafe lastDelta.floats.update(repeating: 0, count: last.output.layout.floatCount)
        for index in (lowest..<steps.count).reversed() { steps[index].backward(pass, hasTruth: hasTruth) }
    }

    func update(_ step: SolverStep) {
        engine.enter()
        for planned in steps { planned.update(step) }
    }

    func pack() {
        engine.enter()
        for planned in steps { planned.pack() }
    }

    func firstNonFiniteLayer() -> Int? {
        engine.enter()
        return steps.firstIndex { !$0.isFinite(engine) }.map { layers[$0] }
    }
}
