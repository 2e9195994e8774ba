import PliniusMirror
import PliniusNN

extension NetworkDescription {
    /// What is allowed, but hardly meant; that there is no loss is one of the parser's warnings.
    /// - Parameter data: The public header of the data set that it is to learn from, if there is one.
    func advice(on data: PublicDatasetHeader?) -> [String] {
        var advice: [String] = []
        if let adam = options.adam, options.momentum > 0 {
            advice.append(
                "momentum=\(formatted(options.momentum)), given or by default, does nothing with adam=1: "
                    + "B1=\(formatted(adam.beta1)) stands in its place")
        }
        let normalizing = layers.filter(\.normalizesBatches).map { "\($0.index)" }
        if options.miniBatch == 1, !normalizing.isEmpty {
            advice.append(
                "a mini-batch is 1 image (batch=\(options.batch), subdivisions=\(options.subdivisions)), and batch normalisation "
                    + "(layers \(normalizing.joined(separator: ", "))) needs several: raise batch or lower subdivisions"
            )
        }
        if options.timeSteps == 1, layers.contains(where: \.isRecurrent) {
            advice.append("recurrent layers see sequences of 1 step: give time_steps, or they hand no state on")
        }
        if options.maxBatches == 0 {
            advice.append("there is no max_batches: say with plinius train --iterations how long to train")
        }
        if let data { advice += self.advice(comparingWith: data) }
        return advice
    }

    private func advice(comparingWith data: PublicDatasetHeader) -> [String] {
        var advice: [String] = []
        let isFitted = augmentation.bringsTogether && data.shape.channels == input.channels
        if data.sampleShape != input, !isFitted {
            advice.append(
                "the data set's images are \(data.sampleShape), [net] expects \(input) (channels x height x width): "
                    + "the enclave will refuse them")
        }
        if augmentation.isOn, data.truth.kind == .text || min(data.shape.height, data.shape.width) < 2 {
            advice.append(
                "\(augmentation.keys.joined(separator: ", ")) change images, and the data set's records are \(data.shape) with "
                    + "\(data.truth): the enclave will refuse them")
        }
        if !learns(from: data) {
            advice.append(
                "the data set has \(data.classes) classes and teaches by \(data.truth), the network has \(outputs) outputs and "
                    + "learns from \(truth): change its last layers, or seal what they learn from")
        }
        if data.sampleCount < options.batch {
            advice.append(
                "the data set has \(data.sampleCount) images, fewer than a batch of \(options.batch): an update sees some twice"
            )
        }
        return advice
    }

    /// Whether the last layers have a place for what a data set teaches.
    private func learns(from data: PublicDatasetHeader) -> Bool {
        let isKnown = layers.compactMap(\.detectedClasses).allSatisfy { $0 == data.classes }
        let told = told(by: data)
        return switch (truth, told.kind) {
        case (.predictions(let count), let kind):
            kind != .boxes && told.floatCount(.plain, classes: data.classes) == count
        case (.boxes(let maximum), .boxes): isKnown && data.truth.first <= maximum
        case (.cells, .boxes): isKnown
        case (.masks(let height, let width), .mask):
            isKnown && told.first == height && told.second == width
        default: false
        }
    }
}

extension PublicDatasetHeader {
    /// Images of an epoch; of a text its characters.
    var sampleCount: Int { count * samplesPerRecord }
}

extension LayerDescription {
    fileprivate var isRecurrent: Bool { if case .recurrent = kind { true } else { false } }

    /// Classes of what it finds in images; nil if it finds nothing.
    fileprivate var detectedClasses: Int? {
        switch kind {
        case .region(let layer), .yolo(let layer): layer.classes
        case .detection(let layer): layer.classes
        case .iseg(let layer): layer.classes
        default: nil
        }
    }
}
