import CZlib
import Glibc

/// The bytes of a file from front to back, decompressed on the way if it is gzip; which it is, its first bytes tell.
///
/// Every read is complete or an error. The stream holds two blocks of fixed size.
@safe
final class ByteStream {
    /// The name that errors give.
    let path: String
    /// How many bytes were read, after decompression.
    private(set) var position = 0

    private static let blockBytes = 1 << 16
    private let descriptor: CInt
    private let input: UnsafeMutableBufferPointer<UInt8>
    /// What of `input` is filled and not used yet.
    private var unused = 0..<0
    /// `nil` if the file is not compressed.
    private let inflater: OpaquePointer?
    /// Whether the one gzip member is over.
    private var memberEnded = false

    /// Opens a file.
    /// - Throws: ``SourceError``, `.unreadable`.
    init(_ path: String) throws(SourceError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SourceError(.unreadable, path, unsafe String(cString: strerror(errno))) }
        unsafe input = .allocate(capacity: Self.blockBytes)
        // The two bytes that every gzip file begins with (RFC 1952, section 2.3.1), and no IDX file does.
        var start: UInt16 = 0
        let isCompressed = unsafe pread(descriptor, &start, 2, 0) == 2 && UInt16(littleEndian: start) == 0x8B1F
        unsafe inflater = isCompressed ? czlib_inflater_create() : nil
        precondition(unsafe !isCompressed || inflater != nil, "no memory to decompress with")
    }

    deinit {
        if let inflater = unsafe inflater { unsafe czlib_inflater_destroy(inflater) }
        unsafe input.deallocate()
        close(descriptor)
    }

    /// Fills `bytes`.
    /// - Parameter what: Names the bytes in an error.
    /// - Throws: ``SourceError``: `.truncated`, `.damaged`, `.unreadable`.
    func read(_ bytes: inout [UInt8], _ what: @autoclosure () -> String) throws(SourceError) {
        var done = 0
        while done < bytes.count {
            let count = try read(into: &bytes, from: done)
            guard count > 0 else {
                throw SourceError(
                    .truncated, path, at: position,
                    "the file ends in \(what()): \(bytes.count) bytes were expected, \(done) are there. Get the file again."
                )
            }
            done += count
            position += count
        }
    }

    /// Checks that nothing is left.
    /// - Throws: ``SourceError``: `.oversized`, `.damaged`, `.unreadable`.
    func requireEnd() throws(SourceError) {
        var byte: [UInt8] = [0]
        // Reading on also has the checksum of the compressed data checked, which stands behind them.
        guard try read(into: &byte, from: 0) == 0 else {
            throw SourceError(
                .oversized, path, at: position,
                "the data end here as the header says, and the file goes on. Is it the right file?")
        }
    }

    // MARK: -

    /// Reads some of the bytes from `start` on; 0 at the end of the data.
    private func read(into bytes: inout [UInt8], from start: Int) throws(SourceError) -> Int {
        guard let inflater = unsafe inflater else {
            if unused.isEmpty { try refill() }
            let count = min(unused.count, bytes.count - start)
            for index in 0..<count {
                unsafe bytes[start + index] = input[unused.lowerBound + index]
            }
            unused.removeFirst(count)
            return count
        }
        while true {
            if unused.isEmpty { try refill() }
            guard !memberEnded else {
                guard unused.isEmpty else {
                    throw SourceError(
                        .oversized, path, at: position, "something follows the compressed data. Get the file again.")
                }
                return 0
            }
            guard !unused.isEmpty else {
                throw SourceError(
                    .truncated, path, at: position, "the compressed data end in the middle. Get the file again.")
            }
            let (count, status) = unsafe inflate(inflater, into: &bytes, from: start)
            memberEnded = status == CZLIB_END
            guard status != CZLIB_DAMAGED else {
                throw SourceError(
                    .damaged, path, at: position,
                    "the gzip data are damaged: they do not decompress, or their checksum does not fit. Get the file again."
                )
            }
            if count > 0 { return count }
        }
    }

    private func inflate(
        _ inflater: OpaquePointer, into bytes: inout [UInt8], from start: Int
    ) -> (count: Int, status: czlib_status) {
        unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            guard let base = bytes.baseAddress, let inputBase = unsafe input.baseAddress else {
                return (0, CZLIB_MORE)
            }
            var source = unsafe UnsafePointer(inputBase + unused.lowerBound)
            var sourceCount = unused.count
            var destination = unsafe base + start
            var room = bytes.count - start
            let status = unsafe czlib_inflate(inflater, &source, &sourceCount, &destination, &room)
            unused = unused.upperBound - sourceCount..<unused.upperBound
            return (bytes.count - start - room, status)
        }
    }

    /// Reads the next block of the file; none is left at its end.
    private func refill() throws(SourceError) {
        while true {
            let count = unsafe Glibc.read(descriptor, input.baseAddress, input.count)
            if count >= 0 {
                unused = 0..<count
                return
            }
            guard errno == EINTR else {
                throw SourceError(.unreadable, path, at: position, unsafe String(cString: strerror(errno)))
            }
        }
    }
}
