internal import Glibc

/// Draws the characters that continue texts from what a network predicts.
///
/// As Darknet's `rnn generate`: a temperature takes the place of the softmax's own, probabilities below 1e-4 count as none, and of the
/// others each is drawn as often as it says. A draw is a function of seed, text and place: there is no state to save.
public struct CharacterDraw: Sendable {
    private let stream: RandomStream
    /// What probabilities are raised to, to be those of the other temperature.
    private let exponent: Float

    /// Draws at a temperature.
    /// - Parameter own: The temperature of the softmax that makes the probabilities.
    public init(seed: UInt64, temperature: Float, insteadOf own: Float) {
        stream = RandomStream(seed: seed, purpose: .generation)
        exponent = own / temperature
    }

    /// Draws a class.
    /// - Parameters:
    ///   - probabilities: Of one text; they need not add up to 1.
    ///   - text: Which text.
    ///   - place: How many characters were drawn for it before.
    /// - Returns: `nil` if the probabilities are no numbers, or all zero.
    /// - Complexity: O(classes).
    public func draw(from probabilities: Span<Float>, text: Int, place: Int) -> Int? {
        var greatest: Float = 0
        for label in probabilities.indices { greatest = max(greatest, probabilities[label]) }
        guard greatest > 0 else { return nil }
        // Divided by the greatest first, of which no power is zero.
        func weight(_ label: Int) -> Float { powf(probabilities[label] / greatest, exponent) }
        var sum: Float = 0
        for label in probabilities.indices { sum += weight(label) }
        guard sum.isFinite else { return nil }
        let least = sum * 1e-4
        var kept: Float = 0
        var last = 0
        for label in probabilities.indices where weight(label) >= least {
            kept += weight(label)
            last = label
        }
        var rest = RandomStream.unit(stream.block(UInt64(text), iteration: UInt64(place)).x) * kept
        for label in probabilities.indices where weight(label) >= least {
            rest -= weight(label)
            if rest < 0 { return label }
        }
        // Rounding may leave a little.
        return last
    }
}

extension NetworkDescription {
    /// The temperature of the softmax by which the network predicts the class of its next input; `nil` if it does not.
    public var generationTemperature: Float? {
        guard case .softmax(let softmax) = layers[outputLayer].kind, outputs == input.count, softmax.groups == 1,
            !softmax.isSpatial, softmax.tree == nil
        else { return nil }
        return softmax.temperature
    }

    /// Texts that are continued at once: as many sequences as the network learns from at once, if there are so many.
    public func generationBatch(of texts: Int) -> Int { min(options.miniBatch / options.timeSteps, texts) }
}
