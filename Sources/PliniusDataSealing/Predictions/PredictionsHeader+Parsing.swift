public import PliniusMirror
import PliniusSealing
import _PliniusSupport

extension PredictionsHeader {
    /// The most records that the format can hold: those of a union of data sets.
    static let maximumCount = DatasetUnion.maximumCount << 32
    /// The most numbers in a record.
    static let maximumOutputs = 1 << 24

    /// Reads what a header claims; bytes behind it are ignored.
    /// - Throws: `.truncated`, `.notPredictions`, `.unsupportedVersion`, `.damagedHeader`.
    public init(parsing bytes: [UInt8]) throws(PredictionsError) {
        guard bytes.starts(with: Self.magic) else { throw .notPredictions }
        var reader = ByteReader(Array(bytes.dropFirst(Self.magic.count)))
        do { try self.init(&reader) } catch let error as PredictionsError { throw error } catch {
            throw .truncated(found: bytes.count, expected: Self.byteCount)
        }
    }

    /// Reads the fields behind the magic.
    private init(_ reader: inout ByteReader) throws {
        let version = try reader.read(UInt32.self)
        guard 1...Self.newestVersion ~= version else { throw PredictionsError.unsupportedVersion(version) }
        let byteCount = try reader.read(UInt32.self)
        let id = try reader.readBytes(KeyHierarchy.idByteCount)
        let count = try reader.read(UInt64.self)
        let outputs = try reader.read(UInt32.self)
        let cipher = try reader.read(UInt8.self)
        let content = try reader.read(UInt8.self)
        var zeros = try reader.readBytes(2)
        let runID = try reader.readBytes(KeyHierarchy.idByteCount)
        let iteration = try reader.read(UInt64.self)
        let sequence = try reader.read(UInt64.self)
        let tag = try reader.readBytes(32)
        let configDigest = try reader.readBytes(32)
        let datasetID = try reader.readBytes(KeyHierarchy.idByteCount)
        let keyCheck = try reader.readBytes(KeyHierarchy.keyCheckByteCount)
        zeros += try reader.readBytes(48)
        _ = try reader.readBytes(Self.macByteCount)

        guard byteCount == Self.byteCount else {
            throw PredictionsError.damagedHeader("its length is \(byteCount) and not \(Self.byteCount)")
        }
        guard let cipher = Cipher(rawValue: cipher) else {
            throw PredictionsError.damagedHeader("there is no cipher \(cipher)")
        }
        guard let content = Content(rawValue: content), (content == .outputs) == (version == 1) else {
            throw PredictionsError.damagedHeader("records of kind \(content) are not of format \(version)")
        }
        guard zeros.allSatisfy({ $0 == 0 }) else {
            throw PredictionsError.damagedHeader("reserved bytes are not zero")
        }
        // With these limits no size can overflow.
        guard 1...UInt64(Self.maximumCount) ~= count, 1...UInt32(Self.maximumOutputs) ~= outputs else {
            throw PredictionsError.damagedHeader(
                "it claims \(count) results of \(outputs) numbers, and 1 to \(Self.maximumCount) of 1 to \(Self.maximumOutputs) can be"
            )
        }
        self.init(
            id: id, count: Int(count), outputs: Int(outputs), content: content, cipher: cipher, runID: runID,
            iteration: iteration, commit: CommitMark(sequence: sequence, tag: tag), configDigest: configDigest,
            datasetID: datasetID, keyCheck: keyCheck)
    }
}
