/// A layer that hands a state on from one time step to the next, and is differentiated through all of them.
///
/// With h' the state before a step, x its input, y its output, σ the logistic function, · element by element, and X and H what
/// parts make of x and of a state, biases and batch normalisation included:
///
/// | cell | equations |
/// |---|---|
/// | `rnn`, `crnn` | h = a(X x) + a(H h') (+ h' with `shortcut`), y = a(Y h) |
/// | `gru` | z = σ(Xz x + Hz h'), r = σ(Xr x + Hr h'), n = a(Xn x + Hn (r·h')), y = h = z·h' + (1 − z)·n |
/// | `lstm` | i, f, o = σ(X x + H h') each, g = tanh(X x + H h'), c = f·c' + i·g, y = h = o·tanh(c) |
///
/// The state begins with zeros in every mini-batch, so that an update follows from the arena and the iteration alone, and a run
/// that is resumed has the bits of one that was not. Darknet carries it on from batch to batch on GPUs; on the CPU it begins with
/// zeros too, but its `rnn` writes beyond the state, its `gru` has no gradients and its `lstm` does not train.
///
/// Each step is a mini-batch of its own to its parts, as in Darknet: normalisation takes the statistics of one step at a time.
final class RecurrentLayer<Scalar: ReferenceScalar> {
    typealias Lanes = SIMD8<Scalar>

    let input: LaneTensor<Scalar>
    let output: LaneTensor<Scalar>
    let parameters: LayerParameters<Scalar>
    private let recurrent: LayerDescription.Recurrent
    private let steps: Int
    /// Whether backward does anything: under `compat=strict` a `gru` has no gradients, as in Darknet on processors.
    private let learns: Bool
    /// By part, then by step; the steps of a part share its parameters and its packed weights.
    private let parts: [[LearnedLayer<Scalar>]]
    /// The input and the output of each step.
    private let inputs: [LaneTensor<Scalar>]
    private let outputs: [LaneTensor<Scalar>]
    /// The state before the first step and after each; of an `lstm` also c.
    private let states: [LaneTensor<Scalar>]
    private let cells: [LaneTensor<Scalar>]
    /// r·h' of each step of a `gru`.
    private let remembered: [LaneTensor<Scalar>]

    // Deltas: of each step's input and output; of the states of two neighbouring steps in turn; of c; of what the parts make.
    private let inputDeltas: [LaneTensor<Scalar>]
    private let outputDeltas: [LaneTensor<Scalar>]
    private let stateDeltas: [LaneTensor<Scalar>]
    private let cellDelta: LaneTensor<Scalar>
    private let gateDeltas: [LaneTensor<Scalar>]
    /// What a part consumes, and what it hands down.
    private let consumed: Buffer<Lanes>
    private let handedDown: Buffer<Lanes>
    /// Of its own, because many steps have many small buffers.
    private let memory = BufferMemory(sharedByteCount: 1 << 20)

    /// - Parameter steps: time steps of a mini-batch; it divides the images.
    init(
        _ layer: LayerDescription, _ recurrent: LayerDescription.Recurrent, input: LaneTensor<Scalar>, steps: Int,
        parameters: LayerParameters<Scalar>
    ) {
        precondition(input.images % steps == 0, "\(steps) time steps do not divide \(input.images) images")
        let sequences = input.images / steps
        let memory = memory
        func tensors(_ shape: Shape, _ count: Int) -> [LaneTensor<Scalar>] {
            (0..<count).map { _ in memory.tensor(of: Scalar.self, shape, images: sequences) }
        }
        let descriptions = layer.parts
        let state = descriptions[0].output
        let inputs = tensors(layer.input, steps)
        let states = tensors(state, steps + 1)
        let remembered = tensors(state, recurrent.cell == .gru ? steps : 0)
        parts = descriptions.enumerated().map { index, part in
            guard let geometry = ReferencePasses<Scalar>.geometry(of: part) else {
                preconditionFailure("a part has weights")
            }
            let packed = memory.buffer(
                of: SIMD4<Scalar>.self, count: ConvolutionSum<Scalar>.packedCount(geometry))
            let sum = ConvolutionSum<Scalar>(geometry, packed: packed)
            return (0..<steps).map { step in
                let source =
                    switch recurrent.cell {
                    case .rnn, .crnn: [inputs[step], states[step], states[step + 1]][index]
                    case .gru: index == 2 ? remembered[step] : index < 3 ? states[step] : inputs[step]
                    case .lstm: index < 4 ? states[step] : inputs[step]
                    }
                return LearnedLayer(
                    .convolution(sum), shape: part.output,
                    activation: [.rnn, .crnn].contains(recurrent.cell) ? recurrent.activation : .linear,
                    batchNormalize: recurrent.batchNormalize, isStrict: layer.isStrict, input: source,
                    parameters: parameters.part(index),
                    memory: memory)
            }
        }
        outputs = [.rnn, .crnn].contains(recurrent.cell) ? parts[2].map(\.output) : Array(states.dropFirst())
        cells = tensors(state, recurrent.cell == .lstm ? steps + 1 : 0)
        inputDeltas = tensors(layer.input, steps)
        outputDeltas = tensors(layer.output, steps)
        stateDeltas = tensors(state, 2)
        cellDelta = tensors(state, 1)[0]
        gateDeltas = tensors(state, 4)
        let longest =
            descriptions.flatMap { [$0.input, $0.output] }
            .map { LaneTensor<Scalar>.count(of: $0, images: sequences) }.max() ?? 0
        consumed = memory.buffer(of: Lanes.self, count: longest)
        handedDown = memory.buffer(of: Lanes.self, count: longest)
        output = memory.tensor(of: Scalar.self, layer.output, images: input.images)
        self.input = input
        self.parameters = parameters
        self.recurrent = recurrent
        learns = !(layer.isStrict && recurrent.cell == .gru)
        self.steps = steps
        self.inputs = inputs
        self.states = states
        self.remembered = remembered
    }

    /// Forgets the state that a pass left to the next one that carries it.
    func reset(_ worker: PassWorker) {
        states[0].clear(worker)
        if !cells.isEmpty { cells[0].clear(worker) }
    }

    func forward(_ pass: Pass, _ worker: PassWorker) {
        if !pass.carriesState { reset(worker) }
        for step in 0..<steps { inputs[step].copy(fromStep: step, of: input, worker, repeating: true) }
        worker.meet()
        for step in 0..<steps {
            switch recurrent.cell {
            case .rnn, .crnn: forwardPlain(step, pass.mode, worker)
            case .gru: forwardGated(step, pass.mode, worker)
            case .lstm: forwardLong(step, pass.mode, worker)
            }
        }
        if pass.carriesState {
            copy(states[steps], to: states[0], worker)
            if !cells.isEmpty { copy(cells[steps], to: cells[0], worker) }
        }
        output.copy(fromSteps: outputs, worker, repeating: true)
    }

    /// Adds the gradients of the parameters to their momentum, and writes the input's delta if it is asked for.
    func backward(delta: LaneTensor<Scalar>, inputDelta: LaneTensor<Scalar>?, _ worker: PassWorker) {
        guard learns else {
            inputDelta?.clear(worker)
            return
        }
        for step in 0..<steps { outputDeltas[step].copy(fromStep: step, of: delta, worker, repeating: false) }
        stateDeltas[steps % 2].clear(worker)
        cellDelta.clear(worker)
        if inputDelta != nil { for step in 0..<steps { inputDeltas[step].clear(worker) } }
        worker.meet()
        for step in (0..<steps).reversed() {
            let down = inputDelta == nil ? nil : inputDeltas[step]
            switch recurrent.cell {
            case .rnn, .crnn: backwardPlain(step, down, worker)
            case .gru: backwardGated(step, down, worker)
            case .lstm: backwardLong(step, down, worker)
            }
        }
        worker.meet()
        inputDelta?.copy(fromSteps: inputDeltas, worker, repeating: false)
    }

    // MARK: Cells

    private func forwardPlain(_ step: Int, _ mode: Pass.Mode, _ worker: PassWorker) {
        run(0..<2, step, mode, worker)
        let (before, after) = (states[step].storage, states[step + 1].storage)
        let (ofInput, ofState) = (parts[0][step].output.storage, parts[1][step].output.storage)
        for index in worker.share(of: after.count) {
            let sum = ofInput[index] + ofState[index]
            after[index] = recurrent.shortcut ? sum + before[index] : sum
        }
        worker.meet()
        run(2..<3, step, mode, worker)
    }

    private func backwardPlain(_ step: Int, _ inputDelta: LaneTensor<Scalar>?, _ worker: PassWorker) {
        let (before, after) = (stateDeltas[step % 2], stateDeltas[(step + 1) % 2])
        handDown(2, step, outputDeltas[step], to: after, worker)
        for index in worker.share(of: after.storage.count) {
            before.storage[index] = recurrent.shortcut ? after.storage[index] : Lanes()
        }
        handDown(0, step, after, to: inputDelta, worker)
        handDown(1, step, after, to: step > 0 ? before : nil, worker)
    }

    // What a gate's part of the input makes is kept as the gate itself: a part without a curve does not ask for its output.

    private func forwardGated(_ step: Int, _ mode: Pass.Mode, _ worker: PassWorker) {
        run(0..<2, step, mode, worker)
        run(3..<6, step, mode, worker)
        let (before, after) = (states[step].storage, states[step + 1].storage)
        let (update, reset, new) = (gate(3, step), gate(4, step), gate(5, step))
        let (updateOfState, resetOfState, newOfState) = (gate(0, step), gate(1, step), gate(2, step))
        for index in worker.share(of: after.count) {
            update[index] = Activation.logistic.value(at: update[index] + updateOfState[index])
            reset[index] = Activation.logistic.value(at: reset[index] + resetOfState[index])
            remembered[step].storage[index] = reset[index] * before[index]
        }
        worker.meet()
        run(2..<3, step, mode, worker)
        for index in worker.share(of: after.count) {
            let z = update[index]
            new[index] = recurrent.activation.value(at: new[index] + newOfState[index])
            after[index] = z * before[index] + (1 - z) * new[index]
        }
        worker.meet()
    }

    private func backwardGated(_ step: Int, _ inputDelta: LaneTensor<Scalar>?, _ worker: PassWorker) {
        let (before, after) = (stateDeltas[step % 2], stateDeltas[(step + 1) % 2])
        let (update, reset, new) = (gate(3, step), gate(4, step), gate(5, step))
        let state = states[step].storage
        for index in worker.share(of: state.count) {
            let delta = after.storage[index] + outputDeltas[step].storage[index]
            let (z, n) = (update[index], new[index])
            gateDeltas[0].storage[index] = delta * (state[index] - n) * z * (1 - z)
            gateDeltas[1].storage[index] = Lanes()
            gateDeltas[2].storage[index] = delta * (1 - z) * recurrent.activation.slope(at: n)
            before.storage[index] = delta * z
        }
        handDown(2, step, gateDeltas[2], to: gateDeltas[1], worker)
        for index in worker.share(of: state.count) {
            let (r, delta) = (reset[index], gateDeltas[1].storage[index])
            before.storage[index] += delta * r
            gateDeltas[1].storage[index] = delta * state[index] * r * (1 - r)
        }
        for part in 0..<2 { handDown(part, step, gateDeltas[part], to: step > 0 ? before : nil, worker) }
        for part in 0..<3 { handDown(part + 3, step, gateDeltas[part], to: inputDelta, worker) }
    }

    private func forwardLong(_ step: Int, _ mode: Pass.Mode, _ worker: PassWorker) {
        run(0..<8, step, mode, worker)
        let after = states[step + 1].storage
        let (kept, cell) = (cells[step].storage, cells[step + 1].storage)
        let (i, f, o, g) = (gate(4, step), gate(5, step), gate(6, step), gate(7, step))
        let (iOfState, fOfState, oOfState, gOfState) = (gate(0, step), gate(1, step), gate(2, step), gate(3, step))
        for index in worker.share(of: after.count) {
            i[index] = Activation.logistic.value(at: i[index] + iOfState[index])
            f[index] = Activation.logistic.value(at: f[index] + fOfState[index])
            o[index] = Activation.logistic.value(at: o[index] + oOfState[index])
            g[index] = Activation.tanh.value(at: g[index] + gOfState[index])
            cell[index] = f[index] * kept[index] + i[index] * g[index]
            after[index] = o[index] * Activation.tanh.value(at: cell[index])
        }
        worker.meet()
    }

    private func backwardLong(_ step: Int, _ inputDelta: LaneTensor<Scalar>?, _ worker: PassWorker) {
        let (before, after) = (stateDeltas[step % 2], stateDeltas[(step + 1) % 2])
        let (kept, cell) = (cells[step].storage, cells[step + 1].storage)
        let (input, forget, output, new) = (gate(4, step), gate(5, step), gate(6, step), gate(7, step))
        for index in worker.share(of: cell.count) {
            let delta = after.storage[index] + outputDeltas[step].storage[index]
            let (i, f, o, g) = (input[index], forget[index], output[index], new[index])
            let bent = Activation.tanh.value(at: cell[index])
            let down = cellDelta.storage[index] + delta * o * (1 - bent * bent)
            gateDeltas[0].storage[index] = down * g * i * (1 - i)
            gateDeltas[1].storage[index] = down * kept[index] * f * (1 - f)
            gateDeltas[2].storage[index] = delta * bent * o * (1 - o)
            gateDeltas[3].storage[index] = down * i * (1 - g * g)
            cellDelta.storage[index] = down * f
            before.storage[index] = Lanes()
        }
        for part in 0..<4 {
            handDown(part, step, gateDeltas[part], to: step > 0 ? before : nil, worker)
            handDown(part + 4, step, gateDeltas[part], to: inputDelta, worker)
        }
    }

    // MARK: Parts

    /// What a part made in a step.
    private func gate(_ part: Int, _ step: Int) -> Buffer<Lanes> { parts[part][step].output.storage }

    private func run(_ range: Range<Int>, _ step: Int, _ mode: Pass.Mode, _ worker: PassWorker) {
        for part in range { parts[part][step].forward(mode, packs: step == 0, worker) }
        worker.meet()
    }

    /// Runs a part backward; adds what it hands down to `target`, if somebody asks for it.
    private func handDown(
        _ part: Int, _ step: Int, _ delta: LaneTensor<Scalar>, to target: LaneTensor<Scalar>?, _ worker: PassWorker
    ) {
        let own = LaneTensor(consumed, shape: delta.shape, images: delta.images)
        copy(delta, to: own, worker)
        worker.meet()
        let down = target.map { LaneTensor(handedDown, shape: $0.shape, images: $0.images) }
        parts[part][step].backward(delta: own, inputDelta: down, packs: step == steps - 1, worker)
        worker.meet()
        guard let target, let down else { return }
        for index in worker.share(of: target.storage.count) { target.storage[index] += down.storage[index] }
    }

    private func copy(_ source: LaneTensor<Scalar>, to target: LaneTensor<Scalar>, _ worker: PassWorker) {
        for index in worker.share(of: target.storage.count) { target.storage[index] = source.storage[index] }
    }
}
