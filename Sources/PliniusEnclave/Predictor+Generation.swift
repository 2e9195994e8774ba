import PliniusMirror
import PliniusNN
import PliniusWire
import _PliniusSupport

extension Predictor {
    /// How long the continuation of a text may be.
    private static let characterCounts: ClosedRange<UInt32> = 1...65_536
    private static let temperatures: ClosedRange<Float> = 0.01...100

    /// Checks that a network can continue texts as it is asked to.
    /// - Returns: How their characters are drawn.
    /// - Throws: `SessionError` that says what cannot be.
    static func characterDraw(
        _ request: GenerationRequest, by network: NetworkDescription, of data: DatasetUnion
    ) throws(SessionError) -> CharacterDraw {
        let truth = data.parts[0].header.truth
        guard truth.kind == .text else {
            throw SessionError(
                .usage, "--generate continues texts, and the data set teaches by \(truth): seal one with --format text")
        }
        guard let temperature = network.generationTemperature else {
            throw SessionError(
                .usage,
                "--generate takes a network that ends with a [softmax] over as many classes as it has inputs; this one has "
                    + "\(network.input.count) inputs and \(network.outputs) outputs")
        }
        guard characterCounts ~= request.count else {
            throw SessionError(
                .usage, "--generate is \(request.count): expected 1 to \(characterCounts.upperBound) characters")
        }
        guard temperatures ~= request.temperature else {
            throw SessionError(.usage, "--temperature is \(request.temperature): expected 0.01 to 100")
        }
        return CharacterDraw(seed: request.seed, temperature: request.temperature, insteadOf: temperature)
    }

    /// Has the network continue each text by `count` characters, into the file that the host handed over.
    ///
    /// It reads all characters of a text one by one, with the state of those before, and then those that are drawn. A mini-batch is of
    /// several texts, and of one time step.
    /// - Throws: `SessionError` if a record is bad, if the lease is over or if the file cannot be written; it has no header then.
    func generate(_ count: Int, _ draw: CharacterDraw) throws(SessionError) -> Prediction {
        let start = monotonicNanoseconds()
        let (steps, classes) = (data.parts[0].header.samplesPerRecord, data.classes)
        let texts = data.count / steps
        let file = file(of: .characters, count, count: texts)
        let buffer = BatchPrefetcher.Buffer(batch: executor.miniBatch, of: data)
        let input = unsafe buffer.images.floats
        let reader = SampleReader(data)
        var batches: UInt64 = 0
        for first in stride(from: 0, to: texts, by: executor.miniBatch) {
            // The last mini-batch repeats its last text to be full.
            let rows = (first..<first + executor.miniBatch).map { min($0, texts - 1) }
            executor.resetState()
            for step in 0..<steps {
                try reporting {
                    try unsafe reader.openBatch(
                        rows.map { $0 * steps + step }, images: input, truth: buffer.truth.floats
                    ) { _ in data.fitting }
                }
                try unsafe infer(input, after: &batches)
            }
            // No sample has a text's last character as its image: it is what the last one tells.
            for place in 0..<rows.count * classes {
                let (row, label) = place.quotientAndRemainder(dividingBy: classes)
                unsafe input[place] = buffer.truth.floats[row * data.truthCount + label]
            }
            for place in 0..<count {
                try unsafe infer(input, after: &batches)
                let isDrawn = executor.withOutput { output in
                    for (row, text) in rows.enumerated() {
                        let own = row * classes..<(row + 1) * classes
                        guard let label = draw.draw(from: output.extracting(own), text: text, place: place) else {
                            return false
                        }
                        for other in own { unsafe input[other] = other - own.lowerBound == label ? 1 : 0 }
                        unsafe file.message(row)[place] = UInt8(label)
                    }
                    return true
                }
                guard isDrawn else {
                    throw SessionError(
                        .failed, "what the network predicts of texts \(first) and following is no number: train it anew"
                    )
                }
            }
            try file.write(first..<min(first + executor.miniBatch, texts))
        }
        return try finish(file, task: .sequence, since: start)
    }

    /// Infers one step further.
    @unsafe private func infer(
        _ input: UnsafeMutableBufferPointer<Float>, after batches: inout UInt64
    ) throws(SessionError) {
        try requireLease(afterBatches: batches)
        batches += 1
        executor.load(images: unsafe Span(_unsafeElements: UnsafeBufferPointer(input)), truth: Span())
        _ = executor.forward(Pass(mode: .inference, carriesState: true))
    }
}
