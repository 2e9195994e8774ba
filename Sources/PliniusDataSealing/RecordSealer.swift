public import PliniusMirror
public import PliniusSealing

/// Seals the records of one data set, as ``RecordContext`` says.
public struct RecordSealer: Sendable {
    /// The data set.
    public let header: PublicDatasetHeader
    private let key: SealingKey
    private var context: RecordContext

    /// Derives the key of the data set that `header` names.
    public init(_ header: PublicDatasetHeader, keys: KeyHierarchy) {
        self.header = header
        key = keys.datasetKey(id: header.id, cipher: header.cipher)
        context = RecordContext(header)
    }

    /// Seals a record where it lies.
    /// - Parameters:
    ///   - record: `header.recordByteCount` bytes, image and truth at the beginning; the tag is written behind them.
    ///   - index: The record's place; each place is sealed once.
    @unsafe public mutating func seal(_ record: UnsafeMutableRawBufferPointer, index: Int) {
        precondition(record.count == header.recordByteCount, "a record has \(header.recordByteCount) bytes")
        context.move(to: index)
        let message = unsafe UnsafeMutableRawBufferPointer(rebasing: record[..<header.plaintextByteCount])
        unsafe key.seal(
            UnsafeRawBufferPointer(message), into: message, nonce: context.nonce, authenticating: context.bytes
        ).store(into: UnsafeMutableRawBufferPointer(rebasing: record[header.plaintextByteCount...]))
    }
}
