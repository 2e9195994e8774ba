public import PliniusMirror
public import PliniusNN
public import PliniusSealing
import _PliniusSupport

/// The first page of a data set that is about to be sealed: its header under a fresh random id, authenticated by the owner's key.
public struct DatasetFirstPage: Sendable {
    /// What the page says.
    public let header: PublicDatasetHeader
    /// The page as it is written: ``PublicDatasetHeader/byteCount`` bytes.
    public let bytes: [UInt8]

    /// Describes `count` images in a number of classes; those with labels in format 1, which every version reads.
    /// - Returns: `nil` if the format cannot hold them: see ``PublicDatasetHeader/limits``.
    public init?(
        count: Int, shape: Shape, classes: Int, truth: RecordTruth = RecordTruth(.label), cipher: Cipher,
        keys: KeyHierarchy
    ) {
        let numbers = [shape.channels, shape.height, shape.width, classes].compactMap(UInt32.init(exactly:))
        guard let count = UInt64(exactly: count), numbers.count == 4 else { return nil }
        let id = randomBytes(KeyHierarchy.idByteCount)
        var writer = ByteWriter()
        writer.write(bytes: "PLINDATA".utf8)
        let isLabelled = truth.kind == .label
        writer.write(UInt32(isLabelled ? 1 : 2))
        writer.write(UInt32(PublicDatasetHeader.byteCount))
        writer.write(bytes: id)
        writer.write(count)
        for number in numbers { writer.write(number) }
        writer.write(UInt32(isLabelled ? truth.byteCount : 0))
        writer.write(cipher.rawValue)
        writer.pad(to: writer.bytes.count + 7)
        writer.write(bytes: keys.keyCheck(for: id))
        if !isLabelled { for field in truth.fields { writer.write(field) } }
        writer.pad(to: PublicDatasetHeader.byteCount - PublicDatasetHeader.macByteCount)
        writer.write(bytes: keys.datasetHeaderMAC(id: id, over: writer.bytes))
        // What readers refuse is not written in the first place; the limits are theirs.
        guard let header = try? PublicDatasetHeader(parsing: writer.bytes) else { return nil }
        self.header = header
        bytes = writer.bytes
    }
}
