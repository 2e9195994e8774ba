import Glibc
public import PliniusSealing
import _PliniusSupport

/// Private memory for a record that is open, which is used again for the next.
public final class RecordBuffer {
    fileprivate var context: RecordContext
    fileprivate let record: PrivateMemory

    /// Plans memory for the records of a data set.
    public init(_ header: PublicDatasetHeader) {
        context = RecordContext(header)
        record = PrivateMemory(byteCount: header.recordByteCount)
    }
}

/// A sealed data set, opened record by record at any place.
///
/// Records are read into private memory with `pread`, not through a mapping: the sealed bytes have to be copied there anyway, because
/// a shared mapping could change between verifying and using; and a file that is cut off while it is used ends in an error, where a
/// mapping would end the process.
public final class SealedDataset: Sendable {
    /// The authenticated header.
    public let header: PublicDatasetHeader
    private let descriptor: CInt
    private let key: SealingKey

    /// Opens a data set and proves its header and its length; records are proven when they are opened.
    ///
    /// - Parameter descriptor: A file open for reading; it stays the caller's, who closes it after this object's death.
    /// - Throws: Every code but `.damagedRecord`.
    public init(descriptor: CInt, keys: KeyHierarchy) throws(DatasetError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .unreadable("The sealed data set", errno) }
        let page = try Self.readHeader(descriptor)
        header = try PublicDatasetHeader(parsing: page)
        guard constantTimeEqual(keys.keyCheck(for: header.id), header.keyCheck) else { throw .wrongKey }
        let content = Array(page.dropLast(PublicDatasetHeader.macByteCount))
        let mac = keys.datasetHeaderMAC(id: header.id, over: content)
        guard constantTimeEqual(mac, Array(page.suffix(PublicDatasetHeader.macByteCount))) else {
            throw .damagedHeader("its authentication code does not fit")
        }
        // Only now are the claims facts, and a wrong length the file's fault.
        guard status.st_size >= header.fileByteCount else {
            throw .truncated(found: Int(status.st_size), expected: header.fileByteCount)
        }
        guard status.st_size == header.fileByteCount else {
            throw .oversized(found: Int(status.st_size), expected: header.fileByteCount)
        }
        self.descriptor = descriptor
        key = keys.datasetKey(id: header.id, cipher: header.cipher)
    }

    /// Reads the first page of a file, or what there is of it.
    /// - Throws: `.unreadable`.
    public static func readHeader(_ descriptor: CInt) throws(DatasetError) -> [UInt8] {
        var page = [UInt8](repeating: 0, count: PublicDatasetHeader.byteCount)
        let count = unsafe page.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .unreadable("The sealed data set", errno) }
        return Array(page[..<count])
    }

    /// Opens one record and lends its image, one byte per channel and pixel, and its truth, as ``RecordTruth`` says.
    /// - Parameter buffer: Of this data set, and of one thread; one is made if there is none.
    /// - Throws: `.damagedRecord`, `.truncated`, `.unreadable`.
    @unsafe public func withRecord<R>(
        _ index: Int, in buffer: RecordBuffer? = nil,
        _ body: (_ image: UnsafeRawBufferPointer, _ truth: UnsafeRawBufferPointer) -> R
    ) throws(DatasetError) -> R {
        let buffer = buffer ?? RecordBuffer(header)
        defer { withExtendedLifetime(buffer) {} }
        let record = unsafe buffer.record.bytes
        buffer.context.move(to: index)
        try unsafe read(index, into: record)
        try unsafe open(record, index, buffer.context)
        return unsafe body(
            UnsafeRawBufferPointer(rebasing: record[..<header.imageByteCount]),
            UnsafeRawBufferPointer(rebasing: record[header.imageByteCount..<header.plaintextByteCount]))
    }

    /// Opens a record where it lies, in private memory, which is wiped if that throws.
    @unsafe private func open(
        _ record: UnsafeMutableRawBufferPointer, _ index: Int, _ context: borrowing RecordContext
    ) throws(DatasetError) {
        let message = unsafe UnsafeMutableRawBufferPointer(rebasing: record[..<header.plaintextByteCount])
        do throws(SealingError) {
            unsafe try key.open(
                UnsafeRawBufferPointer(message), into: message, nonce: context.nonce, authenticating: context.bytes,
                tag: Tag(loading: UnsafeRawBufferPointer(rebasing: record[header.plaintextByteCount...])))
        } catch {
            throw .damagedRecord(index)
        }
    }

    @unsafe private func read(_ index: Int, into record: UnsafeMutableRawBufferPointer) throws(DatasetError) {
        var done = 0
        while done < record.count {
            let place = header.offset(of: index) + done
            let count = unsafe pread(
                descriptor, record.baseAddress.map { unsafe $0 + done }, record.count - done, off_t(place))
            switch count {
            case 1...: done += count
            case 0: throw .truncated(found: place, expected: header.fileByteCount)
            default:
                // Read once: naming the record may change it.
                let number = errno
                guard number == EINTR else { throw .unreadable("Record \(index) of the sealed data set", number) }
            }
        }
    }
}
