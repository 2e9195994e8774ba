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
    /// Whether it turns the output's delta into an input's in the same memory.
    var keepsDeltaInPlace: Bool { get }

    /// Whether it adds to the deltas of its inputs by itself; the others write them.
    var addsDeltas: Bool { get }
    /// What forward leaves to this step's backward beside its output, and nobody reads afterwards.
    var passing: [Region] { get }
    /// Whether backward reads again what the step has read.
    var rereadsInput: Bool { get }
    /// Whether backward reads again what the step has made.
    var rereadsOutput: Bool { get }

    /// Binds primitives to the plan's memory, which exists now.
    /// - Parameters:
    ///   - delta: where backward finds the output's delta.
    ///   - inputDelta: where it writes the input's; nil if nobody asks for it.
    func bind(delta: Region, inputDelta: Region?)
    /// The same for a step that reads several others: one target for each, nil if nobody asks for its delta.
    func bind(delta: Region, inputDeltas: [DeltaTarget?])

    /// - Returns: the step's cost, summed over the mini-batch; 0 without a truth.
    func forward(_ pass: Pass, hasTruth: Bool) -> Double
    /// Adds the gradients of its parameters to their momentum, and writes the input's delta.
    func backward(_ pass: Pass, hasTruth: Bool)
    func update(_ step: SolverStep)
    /// Lets passes that carry state begin anew.
    func resetState()
    /// Packs the arena's weights for compute.
    func pack()
    /// Whether parameters and output hold neither NaN nor infinity, as far as they are still there.
    func isFinite(_ engine: Engine) -> Bool
}

/// Where a step puts the delta of something that it read.
struct DeltaTarget {
    let region: Region
    /// Whether later steps have put theirs there, so that this one adds; else it writes every float.
    let adds: Bool
}

extension PlannedStep {
    var learns: Bool { false }
    var ownsCost: Bool { false }
    var keepsDeltaInPlace: Bool { false }
    var addsDeltas: Bool { false }
    var passing: [Region] { [] }
    var rereadsInput: Bool { true }
    var rereadsOutput: Bool { true }
    func bind(delta: Region, inputDeltas: [DeltaTarget?]) { bind(delta: delta, inputDelta: inputDeltas[0]?.region) }
    func update(_ step: SolverStep) {}
    func resetState() {}
    func pack() {}

    func isFinite(_ engine: Engine) -> Bool {
        output.isFinite(engine)
    }
}
