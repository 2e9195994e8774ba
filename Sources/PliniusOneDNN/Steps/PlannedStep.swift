internal import COneDNN
internal import PliniusNN

/// One step of a compiled plan: a layer, or a change of layout between two.
protocol PlannedStep: AnyObject {
    /// What the step makes.
    var output: Tensor { get }
    /// Whether it has parameters that learn.
    var learns: Bool { get }
    /// Whether it measures a loss.
    var ownsCost: Bool { get }
    /// Whether it turns the output's delta into the input's in the same memory.
    var keepsDeltaInPlace: Bool { get }

    /// Binds primitives to the plan's memory, which exists now.
    /// - Parameters:
    ///   - delta: where backward finds the output's delta.
    ///   - inputDelta: where it writes the input's; nil if nobody asks for it.
    func bind(delta: Region, inputDelta: Region?)

    /// - Returns: the step's cost, summed over the mini-batch; 0 without a truth.
    func forward(_ pass: Pass, hasTruth: Bool) -> Double
    /// Adds the gradients of its parameters to their momentum, and writes the input's delta.
    func backward(_ pass: Pass, hasTruth: Bool)
    func update(_ step: SolverStep)
    /// Packs the arena's weights for compute.
    func pack()
    /// Whether parameters and output hold neither NaN nor infinity.
    func isFinite(_ engine: Engine) -> Bool
}

extension PlannedStep {
    var learns: Bool { false }
    var ownsCost: Bool { false }
    var keepsDeltaInPlace: Bool { false }
    func update(_ step: SolverStep) {}
    func pack() {}

    func isFinite(_ engine: Engine) -> Bool {
        unsafe conednn_all_finite(engine.pointer, Int64(output.layout.floatCount), output.region.floats)
    }
}
