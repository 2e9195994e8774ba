package import _PliniusSupport

/// A network planned for the reference kernels, in any number type; ``ReferenceExecutor`` is its `Float` face.
///
/// Deltas are truth minus prediction, −∂loss/∂value, and all gradients are exactly those of what `forward` computes.
package final class ReferenceNetwork<Scalar: ReferenceScalar> {
    package let miniBatch: Int
    private let pool: WorkerPool
    private let passes: ReferencePasses<Scalar>
    /// Made once, so that a pass allocates nothing.
    private let work: (Int) -> Void

    /// Plans all buffers.
    /// - Parameters:
    ///   - timeSteps: time steps of a mini-batch, if not the network's.
    ///   - state: the learnable and solver state, `description.layout.floatCount` scalars.
    @specialized(where Scalar == Double)
    package init(
        _ description: NetworkDescription, miniBatch: Int, timeSteps: Int? = nil, state: PrivateMemory, threads: Int
    ) {
        precondition(miniBatch >= 1, "a mini-batch holds at least one image, not \(miniBatch)")
        precondition(
            state.byteCount == description.layout.floatCount * MemoryLayout<Scalar>.stride,
            "the state takes \(description.layout.floatCount) numbers, not \(state.byteCount) bytes")
        self.miniBatch = miniBatch
        let pool = WorkerPool(count: threads)
        let passes = ReferencePasses<Scalar>(
            description, images: miniBatch, timeSteps: timeSteps ?? description.options.timeSteps, state: state)
        work = { index in passes.run(PassWorker(index: index, pool: pool)) }
        self.pool = pool
        self.passes = passes
    }

    /// Copies a mini-batch in; see ``Executor/load(images:truth:)``.
    package func load(images: Span<Float>, truth: Span<Float>) {
        precondition(
            images.count == miniBatch * passes.input.shape.count,
            "a mini-batch of \(miniBatch) images takes \(miniBatch * passes.input.shape.count) numbers, not \(images.count)"
        )
        precondition(
            truth.isEmpty || truth.count == miniBatch * passes.truth.shape.count,
            "their truth takes \(miniBatch * passes.truth.shape.count) numbers, not \(truth.count)")
        unsafe images.withUnsafeBufferPointer { images in
            unsafe truth.withUnsafeBufferPointer { truth in
                guard let images = unsafe Buffer(reading: images) else { return }
                run(.load(images: images, truth: unsafe Buffer(reading: truth)))
            }
        }
    }

    /// Runs all layers; see ``Executor/forward(_:)``.
    package func forward(_ pass: Pass) -> Double {
        run(.forward(pass))
        return passes.cost
    }

    /// Adds the gradients of the last training pass to the momentum.
    package func backward(_ pass: Pass) {
        precondition(pass.mode == .training, "only a training pass has gradients")
        run(.backward(pass))
    }

    /// Applies the accumulated gradients.
    package func update(_ step: SolverStep) { run(.update(step)) }

    /// Lets passes that carry state begin anew.
    package func resetState() { run(.reset) }

    /// Copies a layer's output of the last pass to rows of one image each.
    package func copyOutput(ofLayer layer: Int, to rows: Buffer<Scalar>) {
        passes.layers[layer].output.copy(toRows: rows)
    }

    /// The first layer whose parameters or output are not all finite.
    package func firstNonFiniteLayer() -> Int? {
        passes.layers.firstIndex { $0.parameters?.isFinite == false || !$0.output.isFinite }
    }

    private func run(_ job: ReferencePasses<Scalar>.Job) {
        passes.job = job
        pool.run(work)
        passes.job = .none
    }
}
