import Glibc
public import PliniusMirror
public import PliniusSealing
import _PliniusSupport

/// Sealed results, opened one by one at any place.
public struct SealedPredictions {
    /// The authenticated header.
    public let header: PredictionsHeader
    private let descriptor: CInt
    private let key: SealingKey
    private let record: PrivateMemory

    /// Opens results and proves their header and their length; records are proven when they are opened.
    ///
    /// - Parameter descriptor: A file open for reading; it stays the caller's, who closes it after this value's end.
    /// - Throws: Every code but `.damagedRecord`.
    public init(descriptor: CInt, keys: KeyHierarchy) throws(PredictionsError) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .unreadable(errno) }
        var page = [UInt8](repeating: 0, count: PredictionsHeader.byteCount)
        let count = unsafe page.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .unreadable(errno) }
        page.removeLast(page.count - count)
        let header = try PredictionsHeader(parsing: page)
        guard constantTimeEqual(keys.keyCheck(for: header.id), header.keyCheck) else { throw .wrongKey }
        // Of the same fields there is one encoding, its code included.
        guard constantTimeEqual(header.encoded(keys), page) else {
            throw .damagedHeader("its authentication code does not fit")
        }
        // Only now are the claims facts, and a wrong length the file's fault.
        guard status.st_size >= header.fileByteCount else {
            throw .truncated(found: Int(status.st_size), expected: header.fileByteCount)
        }
        guard status.st_size == header.fileByteCount else {
            throw .oversized(found: Int(status.st_size), expected: header.fileByteCount)
        }
        self.header = header
        self.descriptor = descriptor
        key = keys.predictionsKey(id: header.id, cipher: header.cipher)
        record = PrivateMemory(byteCount: header.recordByteCount)
    }

    /// Opens one record of outputs.
    /// - Returns: What the network put out for the image of that place: as many numbers as the header says.
    /// - Throws: `.damagedRecord`, `.truncated`, `.unreadable`.
    public func outputs(ofRecord index: Int) throws(PredictionsError) -> [Float] {
        precondition(header.content == .outputs, "the results are characters")
        let message = unsafe try open(index)
        return (0..<header.outputs).map { place in
            Float(
                bitPattern: UInt32(
                    littleEndian: unsafe message.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)))
        }
    }

    /// Opens one record of characters.
    /// - Returns: What continues the text of that place: as many bytes as the header says.
    /// - Throws: `.damagedRecord`, `.truncated`, `.unreadable`.
    public func characters(ofRecord index: Int) throws(PredictionsError) -> [UInt8] {
        precondition(header.content == .characters, "the results are outputs")
        return unsafe Array(try open(index))
    }

    /// Opens one record; what is lent is good until the next one.
    @unsafe private func open(_ index: Int) throws(PredictionsError) -> UnsafeMutableRawBufferPointer {
        precondition(0..<header.count ~= index, "result \(index) of \(header.count)")
        let bytes = unsafe record.bytes
        try unsafe read(index, into: bytes)
        let message = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<header.plaintextByteCount])
        let context = PredictionContext(header, index: index)
        do throws(SealingError) {
            unsafe try key.open(
                UnsafeRawBufferPointer(message), into: message, nonce: context.nonce, authenticating: context.bytes,
                tag: Tag(loading: UnsafeRawBufferPointer(rebasing: bytes[header.plaintextByteCount...])))
        } catch {
            throw .damagedRecord(index)
        }
        return unsafe message
    }

    @unsafe private func read(_ index: Int, into bytes: UnsafeMutableRawBufferPointer) throws(PredictionsError) {
        var done = 0
        while done < bytes.count {
            let place = header.offset(of: index) + done
            let count = unsafe pread(
                descriptor, bytes.baseAddress.map { unsafe $0 + done }, bytes.count - done, off_t(place))
            let number = errno
            switch count {
            case 1...: done += count
            case 0: throw .truncated(found: place, expected: header.fileByteCount)
            default: guard number == EINTR else { throw .unreadable(number) }
            }
        }
    }
}
