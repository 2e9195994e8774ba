package import _PliniusSupport

/// One layer on the reference kernels between rows of one image each, for an executor that has no code of its own for it.
///
/// Images move into lanes and back around each pass.
package final class RowLayer {
    /// Where a layer's rows lie.
    package struct Rows {
        package var inputs: [Buffer<Float>]
        package var truth: Buffer<Float>
        package var output: Buffer<Float>
        package var delta: Buffer<Float>
        /// Where the inputs' deltas go, and whether they are added to what is there; nil where nobody asks.
        package var inputDeltas: [(rows: Buffer<Float>, adds: Bool)?]

        package init(
            inputs: [Buffer<Float>], truth: Buffer<Float>, output: Buffer<Float>, delta: Buffer<Float>,
            inputDeltas: [(rows: Buffer<Float>, adds: Bool)?]
        ) {
            self.inputs = inputs
            self.truth = truth
            self.output = output
            self.delta = delta
            self.inputDeltas = inputDeltas
        }
    }

    private let kernels: RowLayerKernels
    private let pool: WorkerPool
    /// Made once, so that a pass allocates nothing.
    private let work: (Int) -> Void

    /// Plans the layer's buffers.
    /// - Parameters:
    ///   - inputs: shapes of what it reads.
    ///   - truth: shape of the truth of an image.
    ///   - timeSteps: time steps of a mini-batch, for a recurrent layer.
    ///   - pool: runs the kernels; several layers may share it.
    package init(
        _ layer: LayerDescription, inputs: [Shape], truth: Shape, images: Int, timeSteps: Int, arena: ParameterArena,
        pool: WorkerPool
    ) {
        let kernels = RowLayerKernels(
            layer, inputs: inputs, truth: truth, images: images, timeSteps: timeSteps, arena: arena)
        work = { index in kernels.run(PassWorker(index: index, pool: pool)) }
        self.kernels = kernels
        self.pool = pool
    }

    package var ownsCost: Bool { kernels.layer.ownsCost }
    package var learns: Bool { kernels.layer.parameters != nil }
    /// Whether output and state hold neither NaN nor infinity.
    package var isFinite: Bool { kernels.layer.output.isFinite && kernels.layer.parameters?.isFinite != false }

    /// Tells where the rows lie; they are good as long as the layer is used.
    package func bind(_ rows: Rows) { kernels.bind(rows) }

    /// - Returns: the layer's cost; 0 without a truth.
    package func forward(_ pass: Pass, hasTruth: Bool) -> Double {
        run(.forward(pass, hasTruth: hasTruth))
        return kernels.cost
    }

    /// Adds the gradients of its parameters to the momentum, and puts the inputs' deltas where they are asked for.
    package func backward(_ pass: Pass, hasTruth: Bool) { run(.backward(pass, hasTruth: hasTruth)) }

    package func update(_ step: SolverStep) { run(.update(step)) }

    /// Lets passes that carry state begin anew.
    package func resetState() { run(.reset) }

    private func run(_ job: RowLayerKernels.Job) {
        kernels.job = job
        pool.run(work)
    }
}

/// The layer in lanes, and what each worker does with it.
private final class RowLayerKernels {
    enum Job {
        case none
        case forward(Pass, hasTruth: Bool)
        case backward(Pass, hasTruth: Bool)
        case update(SolverStep)
        case reset
    }

    var job = Job.none
    private(set) var cost = 0.0
    let layer: ReferenceLayer<Float>
    private let inputs: [LaneTensor<Float>]
    private let truth: LaneTensor<Float>
    private let delta: LaneTensor<Float>
    /// The deltas of the inputs that are asked for.
    private var targets: [DeltaTarget<Float>?] = []
    private var rows: RowLayer.Rows?
    private let description: LayerDescription
    private let memory: BufferMemory

    init(
        _ description: LayerDescription, inputs shapes: [Shape], truth: Shape, images: Int, timeSteps: Int,
        arena: ParameterArena
    ) {
        let memory = BufferMemory()
        let inputs = shapes.map { memory.tensor(of: Float.self, $0, images: images) }
        let truth = memory.tensor(of: Float.self, truth, images: images)
        let packed = memory.buffer(of: SIMD4<Float>.self, count: ReferencePasses<Float>.packedCount([description]))
        let state = memory.view(of: arena.memory, as: Float.self)
        layer = ReferencePasses.plan(
            description, inputs: inputs, timeSteps: timeSteps, truth: truth, packed: packed,
            parameters: LayerParameters(description, layout: arena.layout, state: state), memory: memory)
        delta = memory.tensor(of: Float.self, layer.output.shape, images: images)
        self.description = description
        self.inputs = inputs
        self.truth = truth
        self.memory = memory
    }

    func bind(_ rows: RowLayer.Rows) {
        self.rows = rows
        targets = zip(inputs, rows.inputDeltas).map { input, target in
            guard let target else { return nil }
            let tensor = memory.tensor(of: Float.self, input.shape, images: input.images)
            return DeltaTarget(tensor: tensor, adds: target.adds && description.readsFlat)
        }
    }

    func run(_ worker: PassWorker) {
        guard let rows else { preconditionFailure("the layer's rows are bound before its first pass") }
        switch job {
        case .none: break
        case .forward(let pass, let hasTruth): forward(pass, hasTruth: hasTruth, rows, worker)
        case .backward(let pass, let hasTruth): backward(pass, hasTruth: hasTruth, rows, worker)
        case .update(let step): layer.parameters?.update(step, worker)
        case .reset: if case .recurrent(let layer) = layer { layer.reset(worker) }
        }
    }

    private func forward(_ pass: Pass, hasTruth: Bool, _ rows: RowLayer.Rows, _ worker: PassWorker) {
        let blocks = worker.share(of: delta.blocks)
        for index in inputs.indices { inputs[index].copy(fromRows: rows.inputs[index], blocks: blocks) }
        if hasTruth, layer.ownsCost { truth.copy(fromRows: rows.truth, blocks: blocks) }
        worker.meet()
        let cost = layer.forward(pass, hasTruth: hasTruth, worker)
        if worker.isFirst { self.cost = cost }
        worker.meet()
        layer.output.copy(toRows: rows.output, images: worker.share(of: delta.images))
    }

    private func backward(_ pass: Pass, hasTruth: Bool, _ rows: RowLayer.Rows, _ worker: PassWorker) {
        let blocks = worker.share(of: delta.blocks)
        delta.copy(fromRows: rows.delta, blocks: blocks)
        delta.mask(blocks)
        if description.isStrict, layer.takesSlopesFromOutput {
            // A dropout may have changed the rows where they are.
            layer.output.copy(fromRows: rows.output, blocks: blocks)
        }
        for case (let part?, let target?) in zip(targets, rows.inputDeltas) where part.adds {
            part.tensor.copy(fromRows: target.rows, blocks: blocks)
        }
        worker.meet()
        layer.backward(pass, delta: delta, inputDeltas: targets, hasTruth: hasTruth, worker)
        worker.meet()
        for index in targets.indices {
            guard let part = targets[index], let target = rows.inputDeltas[index] else { continue }
            part.tensor.copy(
                toRows: target.rows, images: worker.share(of: delta.images),
                adds: target.adds && !description.overwritesDeltas)
        }
    }
}
