import PliniusNN
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
    /// Samples in each record.
    private let perRecord: Int
    /// The index behind each part's last sample.
    private let ends: [Int]

    /// Joins data sets; traps on none, on more than ``maximumCount``, on shapes that differ, and on a form that their truth cannot have.
    /// - Parameter truthCount: Room for each record's truth, of which the rest is zero; `nil` for as much as it takes.
    public init(_ parts: [SealedDataset], form: TruthForm = .plain, truthCount: Int? = nil) {
        precondition(1...Self.maximumCount ~= parts.count, "a union is of 1 to \(Self.maximumCount) data sets")
        let header = parts[0].header
        precondition(parts.allSatisfy { $0.header.hasShape(of: header) }, "a union is of one shape")
        let least = header.truth.floatCount(form, classes: header.classes) ?? .max
        self.truthCount = truthCount ?? least
        precondition(
            least <= self.truthCount && least < .max, "\(header.truth) does not fit \(form), \(self.truthCount)")
        self.form = form
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
    /// Floats of one sample's image.
    public var imageCount: Int { parts[0].header.sampleShape.count }
    /// Labels are below this.
    public var classes: Int { parts[0].header.classes }
    /// What a run that learns from the union has as the id of its data set.
    public var id: [UInt8] { Self.id(of: parts.map(\.header.id)) }

    /// The id of a union: a single data set's own; of several the first 16 bytes of the SHA-256 of `"plinius data sets"` and their ids, in
    /// their order.
    public static func id(of ids: [[UInt8]]) -> [UInt8] {
        if ids.count == 1 { return ids[0] }
        return Array(sha256(Array("plinius data sets".utf8) + ids.joined()).prefix(KeyHierarchy.idByteCount))
    }

    /// Opens a batch.
    ///
    /// Allocates nothing. Calls from several threads take turns.
    ///
    /// - Parameters:
    ///   - indices: Which samples, in the order of the batch; repetitions are fine.
    ///   - images: (indices, channels, height, width), pixels divided by 255; of text (indices, classes), one-hot; may be longer.
    ///   - truth: (indices, ``truthCount``), as ``form`` says; may be longer.
    ///
    /// - Throws: `.damagedRecord`, `.truncated`, `.unreadable`, with the record's index in its data set and, of several, which data set it
    ///   is; the images before it are filled in then.
    @unsafe public func openBatch(
        indices: [Int],
        images: UnsafeMutableBufferPointer<Float>,
        truth: UnsafeMutableBufferPointer<Float>
    ) throws(DatasetError) {
        let (pixels, classes, kind) = (imageCount, classes, parts[0].header.truth.kind)
        precondition(images.count >= indices.count * pixels, "the images need \(indices.count * pixels) floats")
        precondition(truth.count >= indices.count * truthCount, "the truth needs \(indices.count * truthCount) floats")
        for (place, index) in indices.enumerated() {
            precondition(0..<count ~= index, "sample \(index) of \(count)")
            var part = 0
            while index >= ends[part] { part += 1 }
            let (record, step) = (part == 0 ? index : index - ends[part - 1]).quotientAndRemainder(
                dividingBy: perRecord)
            do throws(DatasetError) {
                let isAllowed = try unsafe parts[part].withRecord(record) { image, sealed in
                    guard kind != .text else {
                        for other in 0..<classes {
                            unsafe images[place * classes + other] = image[step] == other ? 1 : 0
                            unsafe truth[place * truthCount + other] = image[step + 1] == other ? 1 : 0
                        }
                        return unsafe max(image[step], image[step + 1]) < classes
                    }
                    for pixel in 0..<pixels {
                        unsafe images[place * pixels + pixel] = Float(image[pixel]) / 255
                    }
                    let floats = unsafe truth[(place * truthCount)..<((place + 1) * truthCount)]
                    return unsafe parts[part].header.truth.write(
                        sealed, form, classes: classes, into: UnsafeMutableBufferPointer(rebasing: floats))
                }
                guard isAllowed else { throw .damagedRecord(record) }
            } catch {
                throw parts.count == 1 ? error : error.inPart(part, of: parts.count)
            }
        }
    }
}

extension PublicDatasetHeader {
    /// Whether images and what is told of them are like another data set's.
    public func hasShape(of other: PublicDatasetHeader) -> Bool {
        shape == other.shape && classes == other.classes && truth == other.truth
    }
}
