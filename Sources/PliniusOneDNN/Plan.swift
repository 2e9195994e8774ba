internal import COneDNN
internal import PliniusNN

/// A network compiled for one mini-batch size: its steps in order, and all memory that they need.
final class Plan {
    let engine: Engine
    let input: Tensor
    let truth: Tensor
    /// What the layers that predict put out, as rows, by their indices.
    let outputs: [Int: Tensor]
    let steps: [any PlannedStep]
    /// The layer that each step belongs to.
    let layers: [Int]

    /// Bytes that all steps need.
    var memoryBytes: Int { memory.byteCount }

    private let memory: MemoryPlan
    /// Brings the predictions into rows where they lie otherwise.
    private let outputSteps: [ReorderStep]
    private let costOwners: Int
    /// What backward does around each step; nil where it does not come.
    private let backwardSteps: [BackwardStep?]

    private struct BackwardStep {
        /// A delta that nobody writes, for losses to add to.
        let cleared: Region?
        /// What the step writes apart, what it is added to, and their length.
        let sum: (part: Region, total: Region, count: Int)?
    }

    init(
        _ builder: PlanBuilder, deltas plan: DeltaPlan, regions: [Region], outputs: [Int: Tensor],
        outputSteps: [ReorderStep]
    ) {
        engine = builder.engine
        input = builder.input
        truth = builder.truth
        let steps = builder.steps
        let layers = builder.stepLayers
        self.steps = steps
        self.layers = layers
        memory = builder.memory
        self.outputs = outputs
        self.outputSteps = outputSteps
        costOwners = steps.count(where: \.ownsCost)

        // For steps whose delta nobody computes.
        let idle = memory.reserve(floats: 0)
        memory.allocate()
        backwardSteps = plan.places.enumerated().map { index, place in
            guard let place else {
                steps[index].bind(delta: idle, inputDeltas: builder.graph[index].sources.map { _ in nil })
                return nil
            }
            let targets = place.targets.map { $0.map { DeltaTarget(region: regions[$0.region], adds: $0.adds) } }
            steps[index].bind(delta: regions[place.delta], inputDeltas: targets)
            let target = place.targets[0]
            return BackwardStep(
                cleared: place.isWritten ? nil : regions[place.delta],
                sum: target?.total.map { total in
                    let source = builder.graph[index].sources[0]
                    return (regions[target?.region ?? total], regions[total], builder.graph[source].count)
                })
        }
        for step in outputSteps { step.bind(delta: idle, inputDelta: nil) }
    }

    /// - Returns: the sum of the costs of the mini-batch, the mean over the steps that own one.
    func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        engine.enter()
        let measures = hasTruth && pass.mode == .training
        let cost = steps.reduce(0.0) { $0 + $1.forward(pass, hasTruth: measures) }
        for step in outputSteps { _ = step.forward(pass, hasTruth: false) }
        return cost / Double(max(costOwners, 1))
    }

    func backward(_ pass: Pass, hasTruth: Bool) {
        engine.enter()
        for index in steps.indices.reversed() {
            guard let step = backwardSteps[index] else { continue }
            unsafe step.cleared?.floats.update(repeating: 0, count: steps[index].output.layout.floatCount)
            steps[index].backward(pass, hasTruth: hasTruth)
            guard let sum = step.sum else { continue }
            unsafe conednn_combine(
                engine.pointer, Int64(sum.count), 1, sum.total.floats, 1, sum.part.floats, sum.total.floats)
        }
    }

    func update(_ step: SolverStep) {
        engine.enter()
        for planned in steps { planned.update(step) }
    }

    func resetState() { for planned in steps { planned.resetState() } }

    func pack() {
        engine.enter()
        for planned in steps { planned.pack() }
    }

    func firstNonFiniteLayer() -> Int? {
        engine.enter()
        return steps.firstIndex { !$0.isFinite(engine) }.map { layers[$0] }
    }
}
