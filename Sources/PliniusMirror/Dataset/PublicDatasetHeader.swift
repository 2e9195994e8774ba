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
/// | 4, 4 | version, 1; length of the header |
/// | 16 | id, drawn at random |
/// | 8 | number of records |
/// | 4, 4, 4 | channels, height, width |
/// | 4, 4 | classes; bytes of a label, 2 |
/// | 1, 7 | cipher; zeros |
/// | 16 | key check |
/// | up to 4,064 | zeros |
/// | 32 | HMAC-SHA-256 over all before |
///
/// The records follow without a gap, and nothing follows them. Parsed without a key it is a claim; ``SealedDataset`` proves it.
public struct PublicDatasetHeader: Hashable, Sendable {
    /// The length of the header in the file.
    public static let byteCount = 4_096
    /// The format that this program writes, and the only one that it reads.
    public static let version: UInt32 = 1
    /// The largest number of classes: labels have two bytes.
    public static let maximumClasses = 65_536
    static let labelByteCount = 2
    static let macByteCount = 32
    private static let magic = Array("PLINDATA".utf8)

    /// The name that the file was given at random when it was sealed; 16 bytes.
    public let id: [UInt8]
    /// The number of records, at least 1.
    public let count: Int
    /// The extents of every image.
    public let shape: Shape
    /// Labels are below this.
    public let classes: Int
    /// What the records are sealed with.
    public let cipher: Cipher
    /// Recognises the owner's key.
    public let keyCheck: [UInt8]

    /// Describes a data set that is about to be sealed, under a fresh random id.
    ///
    /// - Returns: `nil` if the format cannot hold it: see ``limits``.
    public init?(count: Int, shape: Shape, classes: Int, cipher: Cipher, keys: KeyHierarchy) {
        let id = randomBytes(KeyHierarchy.idByteCount)
        self.init(
            id: id, count: count, shape: shape, classes: classes, cipher: cipher, keyCheck: keys.keyCheck(for: id))
    }

    private init?(id: [UInt8], count: Int, shape: Shape, classes: Int, cipher: Cipher, keyCheck: [UInt8]) {
        // With these limits no size below can overflow.
        let extents = [shape.channels, shape.height, shape.width]
        guard 1...1 << 32 ~= count, extents.allSatisfy({ 1...1 << 16 ~= $0 }), shape.count <= 1 << 26,
            2...Self.maximumClasses ~= classes
        else { return nil }
        self.id = id
        self.count = count
        self.shape = shape
        self.classes = classes
        self.cipher = cipher
        self.keyCheck = keyCheck
    }

    /// What the format can hold, in words.
    public static let limits =
        "1 to 2^32 records, extents of 1 to 65536, at most 2^26 bytes an image, 2 to 65536 classes"

    // MARK: Sizes

    /// Bytes of one image: one per channel and pixel.
    public var imageByteCount: Int { shape.count }
    /// Bytes of one record before it is sealed: the image, then the label.
    public var plaintextByteCount: Int { imageByteCount + Self.labelByteCount }
    /// Bytes of one record in the file: sealed bytes, then the tag.
    public var recordByteCount: Int { plaintextByteCount + Cipher.tagByteCount }
    /// Bytes of the whole file.
    public var fileByteCount: Int { offset(of: count) }

    /// Where a record begins in the file.
    public func offset(of record: Int) -> Int {
        Self.byteCount + record * recordByteCount
    }

    // MARK: Bytes

    /// The header as it is written, authenticated by the owner's key.
    public func encoded(keys: KeyHierarchy) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(bytes: Self.magic)
        writer.write(Self.version)
        writer.write(UInt32(Self.byteCount))
        writer.write(bytes: id)
        writer.write(UInt64(count))
        for extent in [shape.channels, shape.height, shape.width, classes, Self.labelByteCount] {
            writer.write(UInt32(extent))
        }
        writer.write(cipher.rawValue)
        writer.pad(to: writer.bytes.count + 7)
        writer.write(bytes: keyCheck)
        writer.pad(to: Self.byteCount - Self.macByteCount)
        writer.write(bytes: keys.datasetHeaderMAC(id: id, over: writer.bytes))
        return writer.bytes
    }

    /// Reads what a header claims; bytes behind it are ignored.
    /// - Throws: `.truncated`, `.notADataset`, `.unsupportedVersion`, `.damagedHeader`.
    public init(parsing bytes: [UInt8]) throws(DatasetError) {
        guard bytes.starts(with: Self.magic) else { throw .notADataset }
        var reader = ByteReader(Array(bytes.prefix(Self.byteCount)))
        guard reader.remaining == Self.byteCount, let fields = try? Fields(&reader) else {
            throw .truncated(found: bytes.count, expected: Self.byteCount)
        }
        guard fields.version == Self.version else { throw .unsupportedVersion(fields.version) }
        guard fields.byteCount == Self.byteCount else {
            throw .damagedHeader("its length is \(fields.byteCount) and not \(Self.byteCount)")
        }
        guard fields.labelByteCount == Self.labelByteCount else {
            throw .damagedHeader("labels have \(fields.labelByteCount) bytes and not \(Self.labelByteCount)")
        }
        guard let cipher = Cipher(rawValue: fields.cipher) else {
            throw .damagedHeader("there is no cipher \(fields.cipher)")
        }
        guard fields.zeros.allSatisfy({ $0 == 0 }) else { throw .damagedHeader("reserved bytes are not zero") }
        let header = Self(
            id: fields.id, count: Int(clamping: fields.count),
            shape: Shape(channels: fields.extents[0], height: fields.extents[1], width: fields.extents[2]),
            classes: fields.classes, cipher: cipher, keyCheck: fields.keyCheck)
        guard let header else { throw .damagedHeader("it claims what no data set has (\(Self.limits))") }
        self = header
    }

    /// The fields in their order, not yet judged.
    private struct Fields {
        let version: UInt32
        let byteCount: UInt32
        let id: [UInt8]
        let count: UInt64
        let extents: [Int]
        let classes: Int
        let labelByteCount: UInt32
        let cipher: UInt8
        let keyCheck: [UInt8]
        let zeros: [UInt8]

        init(_ reader: inout ByteReader) throws(TruncatedInput) {
            _ = try reader.readBytes(magic.count)
            version = try reader.read()
            byteCount = try reader.read()
            id = try reader.readBytes(KeyHierarchy.idByteCount)
            count = try reader.read()
            extents = [
                Int(try reader.read(UInt32.self)), Int(try reader.read(UInt32.self)), Int(try reader.read(UInt32.self)),
            ]
            classes = Int(try reader.read(UInt32.self))
            labelByteCount = try reader.read()
            cipher = try reader.read()
            let padding = try reader.readBytes(7)
            keyCheck = try reader.readBytes(KeyHierarchy.keyCheckByteCount)
            zeros = padding + (try reader.readBytes(reader.remaining - macByteCount))
        }
    }
}
