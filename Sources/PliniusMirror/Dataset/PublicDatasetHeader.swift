public import PliniusNN
public import PliniusSealing
import _PliniusSupport

/// What everybody may know about a sealed data set: the first page of its file.
///
/// Little-endian, 4,096 bytes:
///
/// | Bytes | Field |
/// |---|---|
/// | 8 | `PLINDATA` |
/// | 4, 4 | version, 1 or 2; length of the header |
/// | 16 | id, drawn at random |
/// | 8 | number of records |
/// | 4, 4, 4 | channels, height, width |
/// | 4, 4 | classes; bytes of a label, 2, or 0 in version 2 |
/// | 1, 7 | cipher; zeros |
/// | 16 | key check |
/// | 4, 4, 4, 4 | in version 2 what is taught instead of a label: kind, bytes in a record, two numbers of the kind; see ``RecordTruth`` |
/// | up to 4,064 | zeros |
/// | 32 | HMAC-SHA-256 over all before |
///
/// The records follow without a gap, and nothing follows them. Parsed without a key it is a claim; ``SealedDataset`` proves it.
public struct PublicDatasetHeader: Hashable, Sendable {
    /// The length of the header in the file.
    public static let byteCount = 4_096
    /// The newest format that this program knows; it knows all from 1 on.
    public static let newestVersion: UInt32 = 2
    /// Bytes of the code at the end of the header.
    public static let macByteCount = 32
    /// What magic and fields take, up to the zeros.
    private static let fieldsByteCount = 84
    private static let magic = Array("PLINDATA".utf8)

    /// The name that the file was given at random when it was sealed; 16 bytes.
    public let id: [UInt8]
    /// The number of records, at least 1.
    public let count: Int
    /// The extents of every image.
    public let shape: Shape
    /// Labels are below this.
    public let classes: Int
    /// What the records teach.
    public let truth: RecordTruth
    /// What the records are sealed with.
    public let cipher: Cipher
    /// Recognises the owner's key.
    public let keyCheck: [UInt8]

    /// What the format can hold, in words.
    public static let limits =
        "1 to 2^32 records, extents of 1 to 65536, at most 2^26 bytes an image, 2 to 65536 classes (boxes: from 1, masks: to 255, "
        + "text: to 256), 65536 targets, 90 boxes, masks of 2^26 pixels"

    // MARK: Sizes

    /// Bytes of one image: one per channel and pixel.
    public var imageByteCount: Int { shape.count }
    /// Samples in one record: one, or each character of a text but the last.
    public var samplesPerRecord: Int { truth.kind == .text ? truth.first : 1 }
    /// The extents of a sample: the image's, or a number for each class of characters.
    public var sampleShape: Shape { truth.kind == .text ? Shape(channels: classes, height: 1, width: 1) : shape }
    /// Bytes of one record before it is sealed: the image, then the truth.
    public var plaintextByteCount: Int { imageByteCount + truth.byteCount }
    /// Bytes of one record in the file: sealed bytes, then the tag.
    public var recordByteCount: Int { plaintextByteCount + Cipher.tagByteCount }
    /// Bytes of the whole file.
    public var fileByteCount: Int { offset(of: count) }

    /// Where a record begins in the file.
    public func offset(of record: Int) -> Int {
        Self.byteCount + record * recordByteCount
    }

    // MARK: Bytes

    /// Reads what a header claims; bytes behind it are ignored.
    /// - Throws: `.truncated`, `.notADataset`, `.unsupportedVersion`, `.damagedHeader`.
    public init(parsing bytes: [UInt8]) throws(DatasetError) {
        guard bytes.starts(with: Self.magic) else { throw .notADataset }
        var reader = ByteReader(Array(bytes.dropFirst(Self.magic.count)))
        do { try self.init(&reader) } catch let error as DatasetError { throw error } catch {
            throw .truncated(found: bytes.count, expected: Self.byteCount)
        }
    }

    /// Reads the fields behind the magic.
    private init(_ reader: inout ByteReader) throws {
        let version = try reader.read(UInt32.self)
        guard 1...Self.newestVersion ~= version else { throw DatasetError.unsupportedVersion(version) }
        let byteCount = try reader.read(UInt32.self)
        let id = try reader.readBytes(KeyHierarchy.idByteCount)
        let count = try reader.read(UInt64.self)
        var numbers: [Int] = []
        for _ in 0..<5 { numbers.append(Int(try reader.read(UInt32.self))) }
        let cipher = try reader.read(UInt8.self)
        var zeros = try reader.readBytes(7)
        let keyCheck = try reader.readBytes(KeyHierarchy.keyCheckByteCount)
        var fields: [UInt32] = []
        if version > 1 { for _ in 0..<4 { fields.append(try reader.read(UInt32.self)) } }
        zeros += try reader.readBytes(Self.byteCount - Self.macByteCount - Self.fieldsByteCount - 4 * fields.count)
        _ = try reader.readBytes(Self.macByteCount)

        guard byteCount == Self.byteCount else {
            throw DatasetError.damagedHeader("its length is \(byteCount) and not \(Self.byteCount)")
        }
        let labelByteCount = version == 1 ? 2 : 0
        guard numbers[4] == labelByteCount else {
            throw DatasetError.damagedHeader("labels have \(numbers[4]) bytes and not \(labelByteCount)")
        }
        guard let truth = version == 1 ? RecordTruth(.label) : RecordTruth(fields: fields) else {
            throw DatasetError.damagedHeader("there is no truth of kind \(fields[0]) with \(fields[1...])")
        }
        guard let cipher = Cipher(rawValue: cipher) else {
            throw DatasetError.damagedHeader("there is no cipher \(cipher)")
        }
        guard zeros.allSatisfy({ $0 == 0 }) else { throw DatasetError.damagedHeader("reserved bytes are not zero") }
        // With these limits no size can overflow.
        let shape = Shape(channels: numbers[0], height: numbers[1], width: numbers[2])
        guard 1...1 << 32 ~= count, numbers[..<3].allSatisfy({ 1...1 << 16 ~= $0 }), shape.count <= 1 << 26,
            truth.suits(shape, classes: numbers[3])
        else { throw DatasetError.damagedHeader("it claims what no data set has (\(Self.limits))") }
        (self.id, self.count, self.shape, classes) = (id, Int(count), shape, numbers[3])
        (self.truth, self.cipher, self.keyCheck) = (truth, cipher, keyCheck)
    }
}
