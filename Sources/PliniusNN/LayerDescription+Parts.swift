extension LayerDescription {
    /// The layers that this one consists of, in the order of Darknet's `.weights` files: itself, unless it is recurrent.
    ///
    /// | cell | parts |
    /// |---|---|
    /// | `rnn`, `crnn` | of the input, of the state, of the output |
    /// | `gru` | of the state: z, r, h; of the input: z, r, h |
    /// | `lstm` | of the state: i, f, o, g; of the input: i, f, o, g |
    public var parts: [LayerDescription] {
        guard case .recurrent(let recurrent) = kind else { return [self] }
        let state = Shape(channels: recurrent.hidden, height: output.height, width: output.width)
        return switch recurrent.cell {
        case .rnn, .crnn:
            [part(recurrent, input, state), part(recurrent, state, state), part(recurrent, state, output)]
        case .gru, .lstm:
            [state, input].flatMap { source in
                Array(repeating: part(recurrent, source, state), count: recurrent.cell == .gru ? 3 : 4)
            }
        }
    }

    private func part(_ recurrent: Recurrent, _ input: Shape, _ output: Shape) -> LayerDescription {
        var part = self
        (part.input, part.output) = (input, output)
        if recurrent.cell == .crnn {
            part.kind = .convolutional(
                Convolution(
                    filters: output.channels, size: 3, stride: 1, padding: 1, groups: 1,
                    batchNormalize: recurrent.batchNormalize, activation: recurrent.activation))
        } else {
            part.kind = .connected(
                Connected(
                    outputs: output.channels, batchNormalize: recurrent.batchNormalize,
                    activation: recurrent.cell == .rnn ? recurrent.activation : .linear))
        }
        return part
    }
}
