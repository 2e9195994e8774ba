public import PliniusSealing

/// What makes a run this run: authenticated in its mirror when it begins, compared with what is asked for when it is resumed.
public struct RunIdentity: Hashable, Sendable {
    /// What the run is called in its pool.
    public var name: RunName
    /// Drawn at random when the run begins; 16 bytes.
    public var runID: [UInt8]
    /// The digest of the configuration's meaning; 32 bytes.
    public var configDigest: [UInt8]
    /// The digest of the arena's layout: which tensor lies where; 32 bytes.
    public var layoutDigest: [UInt8]
    /// The id of the data set that the run learns from; 16 bytes.
    public var datasetID: [UInt8]
    /// The seed of every random stream.
    public var seed: UInt64
    /// What the mirrors are sealed with.
    public var cipher: Cipher
    /// How batches are drawn, as the network's options number it.
    public var sampling: UInt8
    /// Which executor computes.
    public var executor: UInt8
    /// How many threads it computes with: another number, other bits.
    public var threads: UInt32
    /// The seed of the initial parameters; `nil` if it is ``seed``.
    public var initSeed: UInt64?
    /// Whether it is no run that trains, but keeps the best model of one.
    public var isBest: Bool

    /// Takes the parts as they are named.
    public init(
        name: RunName, runID: [UInt8], configDigest: [UInt8], layoutDigest: [UInt8], datasetID: [UInt8], seed: UInt64,
        cipher: Cipher, sampling: UInt8, executor: UInt8, threads: UInt32, initSeed: UInt64? = nil, isBest: Bool = false
    ) {
        precondition(runID.count == 16 && datasetID.count == 16, "an id has 16 bytes")
        precondition(configDigest.count == 32 && layoutDigest.count == 32, "a digest has 32 bytes")
        (self.name, self.runID, self.datasetID, self.isBest) = (name, runID, datasetID, isBest)
        (self.configDigest, self.layoutDigest) = (configDigest, layoutDigest)
        (self.seed, self.initSeed, self.cipher, self.sampling) = (seed, initSeed, cipher, sampling)
        (self.executor, self.threads) = (executor, threads)
    }

    /// What keeps the best model of this run, by a validation set.
    ///
    /// Its id follows from the run's, so that no other run's best model can take its place.
    public func best(named name: RunName, by validationID: [UInt8]) -> RunIdentity {
        var best = self
        best.name = name
        best.runID = Array(
            sha256(Array("plinius best model".utf8) + runID + validationID + Array(name.description.utf8)).prefix(16))
        best.isBest = true
        return best
    }

    /// The parts in which two runs can differ, by the words for people.
    public enum Part: String, Sendable, CaseIterable, CustomStringConvertible {
        case name = "name"
        case configuration = "configuration"
        case networkLayout = "network layout"
        case dataSet = "data set"
        case seed = "seed"
        case initSeed = "seed of the initial parameters"
        case cipher = "cipher"

        public var description: String { rawValue }
    }
}

/// What a caller knows about the run that it wants to find; `nil` means any.
///
/// The run id is not among it: it is drawn when the run begins, and learned from there.
public struct ExpectedRun: Hashable, Sendable {
    /// What the pool calls the run.
    public var name: RunName?
    public var configDigest: [UInt8]?
    public var layoutDigest: [UInt8]?
    public var datasetID: [UInt8]?
    public var seed: UInt64?
    public var initSeed: UInt64?
    public var cipher: Cipher?

    /// Any run, for export and inspection: set what is known.
    public init() {}

    /// The parts in which `identity` is not what is expected.
    public func differences(from identity: RunIdentity) -> [RunIdentity.Part] {
        func differ<V: Equatable>(_ expected: V?, _ found: V) -> Bool { expected.map { $0 != found } ?? false }
        return RunIdentity.Part.allCases.filter { part in
            switch part {
            case .name: differ(name, identity.name)
            case .configuration: differ(configDigest, identity.configDigest)
            case .networkLayout: differ(layoutDigest, identity.layoutDigest)
            case .dataSet: differ(datasetID, identity.datasetID)
            case .seed: differ(seed, identity.seed)
            case .initSeed: differ(initSeed, identity.initSeed ?? identity.seed)
            case .cipher: differ(cipher, identity.cipher)
            }
        }
    }
}

/// How far a run has come; public, but authenticated with the mirror that it belongs to.
public struct Progress: Hashable, Sendable {
    /// The number of finished iterations.
    public var iteration: UInt64
    /// The loss of the last of them.
    public var loss: Float
    /// The running average of the loss.
    public var averageLoss: Float
    /// What validation gave the model, larger is better; only of a best model.
    public var score: Float?

    /// Takes the parts as they are named.
    public init(iteration: UInt64, loss: Float, averageLoss: Float, score: Float? = nil) {
        self.iteration = iteration
        self.loss = loss
        self.averageLoss = averageLoss
        self.score = score
    }
}
