import PliniusMirror
import PliniusNN
import PliniusSealing
import PliniusWire
import _PliniusSupport

extension NetworkDescription {
    /// Checks that images and labels of data sets are alike, and what this network takes.
    /// - Parameters:
    ///   - names: What messages call the data sets, if there are several.
    ///   - purpose: What for: whoever infers looks at no truth.
    /// - Throws: `SessionError` that names both sides.
    func requireFit(
        of headers: [PublicDatasetHeader], named names: [String], for purpose: RuntimeData.Purpose
    ) throws(SessionError) {
        guard let first = headers.first, headers.count <= DatasetUnion.maximumCount else {
            throw SessionError(
                .usage, "there are \(headers.count) data sets: a run learns from 1 to \(DatasetUnion.maximumCount)")
        }
        for index in headers.indices.dropFirst() {
            let header = headers[index]
            guard header.hasShape(of: first) else {
                throw SessionError(
                    .usage,
                    "\(names[index]) has images of \(header.shape) in \(header.classes) classes with \(header.truth), "
                        + "\(names[0]) has images of \(first.shape) in \(first.classes) with \(first.truth): what is trained on "
                        + "together must be alike")
            }
            if let twin = headers[..<index].firstIndex(where: { $0.id == header.id }) {
                throw SessionError(
                    .usage, "\(names[index]) is the same data set as \(names[twin]): give each of them once")
            }
        }
        let isImage = first.truth.kind != .text && first.shape.height > 1 && first.shape.width > 1
        guard isImage || !augmentation.isOn else {
            throw SessionError(
                .usage,
                "\(augmentation.keys.joined(separator: ", ")) of the configuration change images, and the data set's records are "
                    + "\(first.shape) with \(first.truth): take the keys out, or say flip=0 and max_crop=0 where "
                    + "compat=strict brings them")
        }
        guard first.sampleShape == input || (augmentation.bringsTogether && first.shape.channels == input.channels)
        else {
            throw SessionError(
                .usage,
                "the data set's images are \(first.sampleShape), the network's [net] section expects \(input) (channels x "
                    + "height x width): seal data of that shape, change the configuration, or, if only height and width differ, "
                    + "have it say how images become as large (min_crop and max_crop, center=1 or letter_box=1)")
        }
        guard truthForm(of: first) != nil || purpose == .infer else {
            throw SessionError(
                .usage,
                "the data set has \(first.classes) classes and teaches by \(first.truth), the network has \(outputs) outputs and "
                    + "learns from \(truth): change its last layers to what the data teach, or seal what they learn from"
            )
        }
    }

    /// How the network is told what a data set teaches; `nil` if it learns from something else.
    func truthForm(of header: PublicDatasetHeader) -> TruthForm? {
        let knowsClasses = layers.allSatisfy { layer in
            switch layer.kind {
            case .yolo(let boxes), .region(let boxes): boxes.classes == header.classes
            case .detection(let grid): grid.classes == header.classes
            case .iseg(let masks): masks.classes == header.classes
            default: true
            }
        }
        let form: TruthForm
        let told = told(by: header)
        switch (truth, told.kind) {
        case (.predictions, .label), (.predictions, .regression), (.predictions, .mask), (.predictions, .text):
            return told.floatCount(.plain, classes: header.classes) == truthCount ? .plain : nil
        case (.boxes, .boxes): form = .plain
        case (.cells(let side, _), .boxes): form = .cells(side: side)
        case (.masks(told.first, told.second), .mask): form = .instances
        default: return nil
        }
        let count = told.floatCount(form, classes: header.classes) ?? .max
        return knowsClasses && count <= truthCount ? form : nil
    }

    /// Images per pass to use the model on `count` of them.
    /// - Throws: `SessionError` if there cannot be as many as are asked for.
    func inferenceBatch(_ requested: UInt32?, of count: Int) throws(SessionError) -> Int {
        guard let requested else { return inferenceBatch(of: count) }
        guard options.timeSteps == 1 else {
            throw SessionError(
                .usage,
                "--batch is \(requested), but the network reads sequences of time_steps=\(options.timeSteps): leave --batch away"
            )
        }
        guard fits(imagesPerPass: Int(requested)) else {
            throw SessionError(
                .usage, "--batch is \(requested): expected 1 to 65536, and fewer for a network with outputs as large")
        }
        return Int(requested)
    }

    /// The updates at which training ends.
    /// - Throws: `SessionError` if there is no such number, or if the learning-rate schedule ends before.
    func target(_ request: TrainRequest, _ epochs: Epochs) throws(SessionError) -> UInt64 {
        let end = UInt64(options.maxBatches)
        guard request.iterations == nil || request.epochs == nil else {
            throw SessionError(.usage, "--iterations and --epochs exclude each other: give one of them")
        }
        var requested = request.iterations
        if let count = request.epochs {
            guard options.sampling == .epochs else {
                throw SessionError(
                    .usage,
                    "--epochs goes with sampling=epochs, and the configuration has sampling=\(options.sampling.rawValue), which "
                        + "draws each image at random: say how long to train with --iterations")
            }
            guard let updates = epochs.updates(for: count) else {
                throw SessionError(.usage, "--epochs is \(count): that is more iterations than can be counted")
            }
            requested = updates
        }
        guard let target = requested ?? (end > 0 ? end : nil) else {
            throw SessionError(
                .usage, "the configuration has no max_batches: say how long to train with --iterations or --epochs")
        }
        // Darknet's rates go on past the end.
        guard end == 0 || target <= end || options.compatibility == .strict else {
            let asked = request.epochs.map { "--epochs is \($0), which takes \(target) iterations" }
            throw SessionError(
                .usage,
                "\(asked ?? "--iterations is \(target)"), but the learning-rate schedule ends at max_batches=\(end): ask for at most "
                    + "that, or raise max_batches (which makes it another run)")
        }
        guard layers.contains(where: \.measuresLoss) else {
            throw SessionError(
                .usage, "the network has no layer with a loss ([softmax] or [cost]): it cannot be trained")
        }
        return target
    }

    /// Who a new run is.
    /// - Throws: `SessionError` if there is no such cipher.
    func identity(_ request: TrainRequest, name: RunName, data: DatasetUnion, choice: ExecutorChoice)
        throws(SessionError) -> RunIdentity
    {
        // Below 2^53, so that every reader of JSON gives the same number back.
        let seed = request.seed ?? randomBytes(6).reduce(0) { $0 << 8 | UInt64($1) }
        return RunIdentity(
            name: name, runID: randomBytes(16), configDigest: sha256(canonicalBytes), layoutDigest: sha256(layoutBytes),
            datasetID: data.id, seed: seed, cipher: try request.knownCipher ?? .aes256GCM,
            sampling: options.sampling.number, executor: choice.kind.rawValue, threads: choice.threads,
            initSeed: request.initSeed == seed ? nil : request.initSeed)
    }

    /// What a run must be for the request to continue it; who asks for nothing gets what is there.
    /// - Throws: `SessionError` if there is no such cipher.
    func expectedRun(_ request: TrainRequest, name: RunName, data: DatasetUnion) throws(SessionError)
        -> ExpectedRun
    {
        var expected = ExpectedRun()
        expected.name = name
        expected.configDigest = sha256(canonicalBytes)
        expected.layoutDigest = sha256(layoutBytes)
        expected.datasetID = data.id
        expected.seed = request.seed
        expected.initSeed = request.initSeed
        expected.cipher = try request.knownCipher
        return expected
    }
}

extension TrainRequest {
    /// Checks the numbers that nothing else bounds.
    /// - Throws: `SessionError` that names the option.
    func requireCounts() throws(SessionError) {
        guard mirrorEvery >= 1, validation?.every != 0, validation?.patience != 0 else {
            throw SessionError(.usage, "--mirror-every, --validate-every and --patience are at least 1")
        }
        guard 1...Self.maximumDataWorkerCount ~= dataWorkers else {
            throw SessionError(
                .usage, "--data-workers is \(dataWorkers): expected 1 to \(Self.maximumDataWorkerCount) threads")
        }
    }

    /// The cipher that is asked for by name.
    fileprivate var knownCipher: Cipher? {
        get throws(SessionError) {
            guard let name = cipher else { return nil }
            guard let cipher = Cipher(name: name) else {
                let known = Cipher.allCases.map(\.description).joined(separator: ", ")
                throw SessionError(.usage, "there is no cipher \"\(name)\"; this build has: \(known)")
            }
            return cipher
        }
    }
}
