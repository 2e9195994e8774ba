import Glibc
import PliniusMirror
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// The file of sealed results that the host handed over: its records, mini-batch by mini-batch, and at the end its header.
struct ResultsFile {
    let header: PredictionsHeader
    private let key: SealingKey
    private let sealed: PrivateMemory

    /// Prepares for `batch` records at a time.
    init(_ header: PredictionsHeader, keys: KeyHierarchy, batch: Int) {
        self.header = header
        key = keys.predictionsKey(id: header.id, cipher: header.cipher)
        sealed = PrivateMemory(byteCount: batch * header.recordByteCount)
    }

    /// Where one of the next records is put before they are written.
    @unsafe func message(_ row: Int) -> UnsafeMutableRawBufferPointer {
        let start = row * header.recordByteCount
        return unsafe UnsafeMutableRawBufferPointer(
            rebasing: sealed.bytes[start..<start + header.plaintextByteCount])
    }

    /// Seals the first messages as these records, and writes them.
    /// - Throws: `SessionError` if the file cannot be written.
    func write(_ records: Range<Int>) throws(SessionError) {
        for (row, record) in records.enumerated() {
            let message = unsafe message(row)
            let end = (row + 1) * header.recordByteCount
            let context = PredictionContext(header, index: record)
            unsafe key.seal(
                UnsafeRawBufferPointer(message), into: message, nonce: context.nonce, authenticating: context.bytes
            ).store(
                into: UnsafeMutableRawBufferPointer(rebasing: sealed.bytes[end - Cipher.tagByteCount..<end]))
        }
        try unsafe write(
            UnsafeRawBufferPointer(rebasing: sealed.bytes[..<(records.count * header.recordByteCount)]),
            at: header.offset(of: records.lowerBound))
    }

    /// Writes the header, which makes the file one.
    /// - Throws: `SessionError` if the file cannot be written.
    func finish(_ keys: KeyHierarchy) throws(SessionError) {
        let page = header.encoded(keys)
        try reporting { try unsafe page.withUnsafeBytes { try unsafe write($0, at: 0) } }
    }

    @unsafe private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SessionError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe pwrite(
                Session.Descriptor.results, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done,
                off_t(offset + done))
            let number = errno
            guard count > 0 || number == EINTR else {
                throw SessionError(
                    .failed, "the results cannot be written: \(unsafe String(cString: strerror(number)))")
            }
            done += max(count, 0)
        }
    }
}
