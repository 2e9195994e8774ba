/// What the enclave tells the host, and asks of it: progress, results, and the *ocalls*.
///
/// Nothing here is secret.
public enum Event: Hashable, Sendable {
    /// The vocabulary of this build.
    ///
    /// Both programs are built together, so a difference is a mixed installation.
    public static let currentVersion: UInt32 = 9

    /// The first event of every process: the vocabulary that it speaks, ``currentVersion`` of its build.
    case hello(version: UInt32)
    /// A sentence for the operator; work goes on.
    case warning(String)
    /// The enclave waits for an owner: from now on ``Command/relayed(_:)`` reaches it. Again while it trains, for a lease to be renewed.
    case awaiting
    /// Something for the owner, to be passed on as it is, ``RelayedBytes/maximumByteCount`` at most.
    ///
    /// None at all if the exchange came to nothing and work goes on: the connection is of no use any more.
    case relay([UInt8])
    /// The owner's key is here, or its lease renewed; nothing more is relayed.
    case provisioned
    /// The owner's key, sealed for the next start: to be kept as it is, ``OwnerWait/maximumKeptByteCount`` at most.
    case keep([UInt8])
    /// The key that was kept is open; no owner is waited for.
    case reopened
    /// What is about to be trained or used.
    case start(StartEvent)
    /// How the pool's state was taken over; follows ``start(_:)`` if there was one.
    case resume(ResumeEvent)
    /// An ocall: find places for new runs that nothing else uses, then answer ``Command/allocated(_:)``.
    ///
    /// They are for the run of the request and what keeps its best model, in this order, as far as they are to begin.
    case allocate(byteCounts: [UInt64])
    /// An ocall: the places hold durable mirrors; give them their runs' names, then answer ``Command/published(refusal:)``.
    case publish
    /// An iteration is done, not yet durable.
    case iteration(IterationEvent)
    /// A mirror-out is durable, as far as the pool's tier goes.
    case mirror(MirrorEvent)
    /// The model was evaluated on the validation set, and mirrored if it is the best so far; before the iteration is mirrored.
    case validation(ValidationEvent)
    /// The model was evaluated on a data set.
    case evaluation(Evaluation)
    /// The model has predicted a data set; the file of results is complete.
    case prediction(Prediction)
    /// Answers ``Command/status(_:)``.
    case status(StatusReport)
    /// Training is complete; the last event.
    case finish(TrainResult)
    /// Training obeyed ``Command/stop``, the state is mirrored; the last event.
    case stopped(StopEvent)
    /// The work was given up; the last event.
    case failure(Failure)
}

extension Event: WireMessage {
    private enum Kind: UInt8 {
        case hello = 0x41
        case warning, start, resume, publish, iteration, mirror, evaluation, status, finish, stopped, failure, allocate
        case awaiting, relay, provisioned, keep, reopened, prediction, validation
    }

    public init(_ frame: Frame) throws(WireError) {
        guard let kind = Kind(rawValue: frame.type) else {
            throw WireError(.unknownType, "type \(frame.type) is no event")
        }
        switch kind {
        case .hello: self = .hello(version: try FieldReader.read(from: frame.payload))
        case .warning: self = .warning(try FieldReader.read(Sentence.self, from: frame.payload).text)
        case .start: self = .start(try FieldReader.read(from: frame.payload))
        case .resume: self = .resume(try FieldReader.read(from: frame.payload))
        case .allocate: self = .allocate(byteCounts: try FieldReader.read(from: frame.payload))
        case .publish: self = try FieldReader.read(Nothing.self, from: frame.payload).then(.publish)
        case .iteration: self = .iteration(try FieldReader.read(from: frame.payload))
        case .mirror: self = .mirror(try FieldReader.read(from: frame.payload))
        case .validation: self = .validation(try FieldReader.read(from: frame.payload))
        case .evaluation: self = .evaluation(try FieldReader.read(from: frame.payload))
        case .prediction: self = .prediction(try FieldReader.read(from: frame.payload))
        case .status: self = .status(try FieldReader.read(from: frame.payload))
        case .finish: self = .finish(try FieldReader.read(from: frame.payload))
        case .stopped: self = .stopped(try FieldReader.read(from: frame.payload))
        case .failure: self = .failure(try FieldReader.read(from: frame.payload))
        case .awaiting: self = try FieldReader.read(Nothing.self, from: frame.payload).then(.awaiting)
        case .relay: self = .relay(try FieldReader.read(RelayedBytes.self, from: frame.payload).bytes)
        case .provisioned: self = try FieldReader.read(Nothing.self, from: frame.payload).then(.provisioned)
        case .keep: self = .keep(try FieldReader.read(RelayedBytes.self, from: frame.payload).bytes)
        case .reopened: self = try FieldReader.read(Nothing.self, from: frame.payload).then(.reopened)
        }
    }

    public var frame: Frame {
        switch self {
        case .hello(let version): Frame(Kind.hello, version)
        case .warning(let text): Frame(Kind.warning, Sentence(text: text))
        case .start(let event): Frame(Kind.start, event)
        case .resume(let event): Frame(Kind.resume, event)
        case .allocate(let byteCounts): Frame(Kind.allocate, byteCounts)
        case .publish: Frame(Kind.publish, Nothing())
        case .iteration(let event): Frame(Kind.iteration, event)
        case .mirror(let event): Frame(Kind.mirror, event)
        case .validation(let event): Frame(Kind.validation, event)
        case .evaluation(let event): Frame(Kind.evaluation, event)
        case .prediction(let event): Frame(Kind.prediction, event)
        case .status(let event): Frame(Kind.status, event)
        case .finish(let event): Frame(Kind.finish, event)
        case .stopped(let event): Frame(Kind.stopped, event)
        case .failure(let event): Frame(Kind.failure, event)
        case .awaiting: Frame(Kind.awaiting, Nothing())
        case .relay(let bytes): Frame(Kind.relay, RelayedBytes(bytes: bytes))
        case .provisioned: Frame(Kind.provisioned, Nothing())
        case .keep(let bytes): Frame(Kind.keep, RelayedBytes(bytes: bytes))
        case .reopened: Frame(Kind.reopened, Nothing())
        }
    }
}
