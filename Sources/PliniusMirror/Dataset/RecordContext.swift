import PliniusNN
public import PliniusSealing
import _PliniusSupport

/// What every record's tag binds beside the record: the data set, the place and the shape.
///
/// `"plinius record" ‖ id ‖ index ‖ channels ‖ height ‖ width ‖ classes`, little-endian, under the data set's own key, with the index as
/// the nonce: no record verifies in another place, in another data set, or as an image of another shape. In format 2 it is
/// `"plinius record 2"`, and the four fields of ``RecordTruth`` follow. One buffer serves all records: it is patched, not built, so that
/// opening one allocates nothing.
public struct RecordContext: Sendable {
    /// What the tag binds.
    public private(set) var bytes: [UInt8]
    /// The number that the record is sealed with.
    public private(set) var nonce = Nonce(stream: 0, counter: 0)
    private let count: Int
    private let indexOffset: Int

    /// Stands at the first record.
    public init(_ header: PublicDatasetHeader) {
        var writer = ByteWriter()
        let isLabelled = header.truth.kind == .label
        writer.write(bytes: Array((isLabelled ? "plinius record" : "plinius record 2").utf8) + header.id)
        indexOffset = writer.bytes.count
        writer.write(UInt64(0))
        for extent in [header.shape.channels, header.shape.height, header.shape.width, header.classes] {
            writer.write(UInt32(extent))
        }
        if !isLabelled { for field in header.truth.fields { writer.write(field) } }
        bytes = writer.bytes
        count = header.count
    }

    /// Goes to a record; traps outside of the data set.
    public mutating func move(to index: Int) {
        precondition(0..<count ~= index, "record \(index) of \(count)")
        nonce = Nonce(stream: 0, counter: UInt64(index))
        for byte in 0..<8 {
            bytes[indexOffset + byte] = UInt8(truncatingIfNeeded: index >> (8 * byte))
        }
    }
}
