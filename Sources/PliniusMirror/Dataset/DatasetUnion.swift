public import PliniusNN
import PliniusSealing

/// One or several sealed data sets, one behind the other: the records of the first, then those of the second, and so on.
///
/// Each may have another owner, cipher and key. All have images of one shape, and the same kind of truth in the same number of classes.
///
/// What is opened are samples: a record is one, but of text each of its characters is, told by the one behind it. So sequences of
/// consecutive samples are stretches of text, whatever the windows that it was sealed in.
public struct DatasetUnion: Sendable {
    /// How many data sets make a union at most.
    public static let maximumCount = 16

    /// The data sets, in their order; at least one.
    public let parts: [SealedDataset]
    /// What batches tell of the truth.
    public let form: TruthForm
    /// Floats of one record's truth.
    public let truthCount: Int
    /// What a batch is told of: what the records teach, in masks of the network's sides.
    let told: RecordTruth
    /// What is done to images on the way to the network.
    private let augmentation: Augmentation
    /// What is done to each image when nothing is left to chance.
    public let fitting: ImageTransform
    /// Samples in each record.
    let perRecord: Int
    /// The index behind each part's last sample.
    let ends: [Int]

    /// Joins data sets; traps on none, on more than ``maximumCount``, on shapes that differ, and on a form that their truth cannot have.
    /// - Parameters:
    ///   - truthCount: Room for each record's truth, of which the rest is zero; `nil` for as much as it takes.
    ///   - augmentation: What is done to images; it brings them to the shape `input`, if there is one.
    ///   - told: What a network is told of, if masks have other sides there than in records.
    public init(
        _ parts: [SealedDataset], form: TruthForm = .plain, truthCount: Int? = nil,
        augmentation: Augmentation = Augmentation(), input: Shape? = nil, told: RecordTruth? = nil
    ) {
        precondition(1...Self.maximumCount ~= parts.count, "a union is of 1 to \(Self.maximumCount) data sets")
        let header = parts[0].header
        precondition(parts.allSatisfy { $0.header.hasShape(of: header) }, "a union is of one shape")
        self.told = told ?? header.truth
        let least = self.told.floatCount(form, classes: header.classes) ?? .max
        self.truthCount = truthCount ?? least
        precondition(
            least <= self.truthCount && least < .max, "\(self.told) does not fit \(form), \(self.truthCount)")
        self.form = form
        self.augmentation = augmentation
        fitting = augmentation.fitting(header.sampleShape, to: input ?? header.sampleShape)
        self.parts = parts
        let perRecord = header.samplesPerRecord
        self.perRecord = perRecord
        var count = 0
        // Each part has at most 2^32 records of 2^16 samples, so no sum overflows.
        ends = parts.map { part in
            count += part.header.count * perRecord
            return count
        }
    }

    /// The number of samples of all parts.
    public var count: Int { ends[ends.count - 1] }
    /// Floats of what a network sees of one sample.
    public var imageCount: Int { fitting.target.count }
    /// Labels are below this.
    public var classes: Int { parts[0].header.classes }
    /// What is done to an image in training; see ``PliniusNN/Augmentation/draw(_:to:from:iteration:place:)``.
    public func draw(from stream: RandomStream, iteration: UInt64, place: Int) -> ImageTransform {
        augmentation.draw(fitting.source, to: fitting.target, from: stream, iteration: iteration, place: place)
    }

    /// What a run that learns from the union has as the id of its data set.
    public var id: [UInt8] { Self.id(of: parts.map(\.header.id)) }

    /// The id of a union: a single data set's own; of several the first 16 bytes of the SHA-256 of `"plinius data sets"` and their ids, in
    /// their order.
    public static func id(of ids: [[UInt8]]) -> [UInt8] {
        if ids.count == 1 { return ids[0] }
        return Array(sha256(Array("plinius data sets".utf8) + ids.joined()).prefix(KeyHierarchy.idByteCount))
    }
}

extension PublicDatasetHeader {
    /// Whether images and what is told of them are like another data set's.
    public func hasShape(of other: PublicDatasetHeader) -> Bool {
        shape == other.shape && classes == other.classes && truth == other.truth
    }
}
