/// What the host asks of the enclave: the *ecalls*.
public enum Command: Hashable, Sendable {
    /// Trains from a run's last mirror, or from the beginning, and mirrors as it goes.
    case train(TrainRequest)
    /// Evaluates a run's model on the data set.
    case test(TestRequest)
    /// Has a run's model predict the data set, into the file that was handed over.
    case predict(TestRequest)
    /// Reads what runs show without a key.
    case status(StatusRequest)
    /// Finishes the iteration, mirrors, answers ``Event/stopped(_:)``.
    case stop
    /// Answers ``Event/allocate(byteCounts:)``.
    case allocated(Allocation)
    /// Answers ``Event/publish``: `nil` if the runs have their names, durably, otherwise why not.
    case published(refusal: String?)
    /// What the owner sent, as it came, ``RelayedBytes/maximumByteCount`` at most; none at all if the connection is closed.
    case relayed([UInt8])
}

extension Command: WireMessage {
    private enum Kind: UInt8 {
        case train = 0x01
        case test, status, stop, published, allocated, relayed, predict
    }

    public init(_ frame: Frame) throws(WireError) {
        guard let kind = Kind(rawValue: frame.type) else {
            throw WireError(.unknownType, "type \(frame.type) is no command")
        }
        switch kind {
        case .train: self = .train(try FieldReader.read(from: frame.payload))
        case .test: self = .test(try FieldReader.read(from: frame.payload))
        case .predict: self = .predict(try FieldReader.read(from: frame.payload))
        case .status: self = .status(try FieldReader.read(from: frame.payload))
        case .allocated: self = .allocated(try FieldReader.read(from: frame.payload))
        case .stop: self = try FieldReader.read(Nothing.self, from: frame.payload).then(.stop)
        case .published: self = .published(refusal: try FieldReader.read(Sentence?.self, from: frame.payload)?.text)
        case .relayed: self = .relayed(try FieldReader.read(RelayedBytes.self, from: frame.payload).bytes)
        }
    }

    public var frame: Frame {
        switch self {
        case .train(let request): Frame(Kind.train, request)
        case .test(let request): Frame(Kind.test, request)
        case .predict(let request): Frame(Kind.predict, request)
        case .status(let request): Frame(Kind.status, request)
        case .allocated(let allocation): Frame(Kind.allocated, allocation)
        case .stop: Frame(Kind.stop, Nothing())
        case .published(let refusal): Frame(Kind.published, refusal.map { Sentence(text: $0) })
        case .relayed(let bytes): Frame(Kind.relayed, RelayedBytes(bytes: bytes))
        }
    }
}
