import PliniusNN
public import PliniusSealing
import _PliniusSupport

/// Seals and opens the records of one data set.
///
/// Record `i` is sealed under the data set's own key with nonce `i`, and its tag binds
/// `"plinius record" ‖ id ‖ i ‖ channels ‖ height ‖ width ‖ classes`, little-endian: no record verifies in another place, in another
/// data set, or as an image of another shape.
public struct RecordSealer: Sendable {
    /// The data set.
    public let header: PublicDatasetHeader
    private let key: SealingKey
    /// Patched for each record, not built, so that opening one allocates nothing.
    private var context: [UInt8]
    private let indexOffset: Int

    /// Derives the key of the data set that `header` names.
    public init(_ header: PublicDatasetHeader, keys: KeyHierarchy) {
        self.header = header
        key = keys.datasetKey(id: header.id, cipher: header.cipher)
        var writer = ByteWriter()
        writer.write(bytes: Array("plinius record".utf8) + header.id)
        indexOffset = writer.bytes.count
        writer.write(UInt64(0))
        for extent in [header.shape.channels, header.shape.height, header.shape.width, header.classes] {
            writer.write(UInt32(extent))
        }
        context = writer.bytes
    }

    /// Seals a record where it lies.
    /// - Parameters:
    ///   - record: `header.recordByteCount` bytes, image and label at the beginning; the tag is written behind them.
    ///   - index: The record's place; each place is sealed once.
    @unsafe public mutating func seal(_ record: UnsafeMutableRawBufferPointer, index: Int) {
        let (message, tag) = unsafe split(record)
        bind(index)
        unsafe key.seal(
            UnsafeRawBufferPointer(message),
            into: message,
            nonce: nonce(index),
            authenticating: context
        ).store(into: tag)
    }

    /// Opens a record where it lies, in private memory.
    /// - Returns: The label.
    /// - Throws: `.damagedRecord`; the bytes are wiped then.
    @unsafe public mutating func open(_ record: UnsafeMutableRawBufferPointer, index: Int) throws(DatasetError) -> Int {
        let (message, tag) = unsafe split(record)
        bind(index)
        do throws(SealingError) {
            unsafe try key.open(
                UnsafeRawBufferPointer(message), into: message, nonce: nonce(index), authenticating: context,
                tag: Tag(loading: UnsafeRawBufferPointer(tag)))
        } catch {
            throw .damagedRecord(index)
        }
        let label = unsafe Int(message[header.imageByteCount]) | Int(message[header.imageByteCount + 1]) << 8
        // Only the owner's own program can seal such a label; it would index outside of the truth.
        guard label < header.classes else { throw .damagedRecord(index) }
        return label
    }

    private func nonce(_ index: Int) -> Nonce {
        Nonce(stream: 0, counter: UInt64(index))
    }

    private mutating func bind(_ index: Int) {
        precondition(0..<header.count ~= index, "record \(index) of \(header.count)")
        for byte in 0..<8 {
            context[indexOffset + byte] = UInt8(truncatingIfNeeded: index >> (8 * byte))
        }
    }

    private func split(
        _ record: UnsafeMutableRawBufferPointer
    ) -> (message: UnsafeMutableRawBufferPointer, tag: UnsafeMutableRawBufferPointer) {
        precondition(record.count == header.recordByteCount, "a record has \(header.recordByteCount) bytes")
        return unsafe (
            .init(rebasing: record[..<header.plaintextByteCount]), .init(rebasing: record[header.plaintextByteCount...])
        )
    }
}
