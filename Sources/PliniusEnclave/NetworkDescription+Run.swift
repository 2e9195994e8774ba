import PliniusMirror
import PliniusNN
import PliniusSealing
import PliniusWire
import _PliniusSupport

extension NetworkDescription {
    /// Checks that images and labels of a data set are what this network takes.
    /// - Throws: `SessionError` that names both sides.
    func requireFit(of header: PublicDatasetHeader) throws(SessionError) {
        guard header.shape == input else {
            throw SessionError(
                .usage,
                "the data set's images are \(header.shape), the network's [net] section expects \(input) (channels x "
                    + "height x width): seal data of that shape, or change the configuration")
        }
        guard header.classes == outputs else {
            throw SessionError(
                .usage,
                "the data set has \(header.classes) classes, the network has \(outputs) outputs: they must be equal")
        }
    }

    /// The updates at which training ends.
    /// - Throws: `SessionError` if there is no such number, or if the learning-rate schedule ends before.
    func target(_ requested: UInt64?) throws(SessionError) -> UInt64 {
        let end = UInt64(options.maxBatches)
        guard let target = requested ?? (end > 0 ? end : nil) else {
            throw SessionError(.usage, "the configuration has no max_batches: say how long to train with --iterations")
        }
        guard end == 0 || target <= end else {
            throw SessionError(
                .usage,
                "--iterations is \(target), but the learning-rate schedule ends at max_batches=\(end): ask for at most "
                    + "that, or raise max_batches (which makes it another run)")
        }
        guard layers.contains(where: { $0.hasLoss }) else {
            throw SessionError(
                .usage, "the network has no layer with a loss ([softmax] or [cost]): it cannot be trained")
        }
        return target
    }

    /// Who a new run is.
    /// - Throws: `SessionError` if there is no such cipher.
    func identity(_ request: TrainRequest, name: RunName, dataset: SealedDataset, choice: ExecutorChoice)
        throws(SessionError) -> RunIdentity
    {
        RunIdentity(
            name: name, runID: randomBytes(16), configDigest: sha256(canonicalBytes), layoutDigest: sha256(layoutBytes),
            datasetID: dataset.header.id,
            // Below 2^53, so that every reader of JSON gives the same number back.
            seed: request.seed ?? randomBytes(6).reduce(0) { $0 << 8 | UInt64($1) },
            cipher: try request.knownCipher ?? .aes256GCM, sampling: options.sampling.rawValue,
            executor: choice.kind.rawValue, threads: choice.threads)
    }

    /// What a run must be for the request to continue it; who asks for nothing gets what is there.
    /// - Throws: `SessionError` if there is no such cipher.
    func expectedRun(_ request: TrainRequest, name: RunName, dataset: SealedDataset) throws(SessionError)
        -> ExpectedRun
    {
        var expected = ExpectedRun()
        expected.name = name
        expected.configDigest = sha256(canonicalBytes)
        expected.layoutDigest = sha256(layoutBytes)
        expected.datasetID = dataset.header.id
        expected.seed = request.seed
        expected.cipher = try request.knownCipher
        return expected
    }
}

extension TrainRequest {
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

extension LayerDescription {
    /// Whether the layer owns a cost in training.
    fileprivate var hasLoss: Bool {
        switch kind {
        case .softmax(let softmax): !softmax.noLoss
        case .cost: true
        case .convolutional, .connected, .maxpool, .avgpool, .dropout: false
        }
    }
}
