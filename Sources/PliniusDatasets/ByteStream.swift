import CZlib
import Glibc

/// The bytes of a file from front to back, decompressed on the way if it is gzip; which it is, its first bytes tell.
///
/// Every read is complete or an error. The stream holds two blocks of fixed size.
final class ByteStream {
    /// The name that errors give.
    let path: String
    /// How many bytes were read, after decompression.
    private(set) var position = 0

    private static let blockBytes = 1 << 16
    private let descriptor: CInt
    private var input = [UInt8](repeating: 0, count: ByteStream.blockBytes)
    /// What of `input` is filled and not used yet.
    private var unused = 0..<0
    /// `nil` if the file is not compressed.
    private let inflater: Inflater?
    /// Whether the one gzip member is over.
    private var memberEnded = false

    /// Opens a file.
    /// - Throws: ``SourceError``, `.unreadable`.
    init(_ path: String) throws(SourceError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SourceError(.unreadable, path, unsafe String(cString: strerror(errno))) }
        // The two bytes that every gzip file begins with (RFC 1952, section 2.3.1), and no IDX file does.
        var start: UInt16 = 0
        let isCompressed = unsafe pread(descriptor, &start, 2, 0) == 2 && UInt16(littleEndian: start) == 0x8B1F
        inflater = isCompressed ? Inflater(.gzip) : nil
    }

    deinit { close(descriptor) }

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
        guard let inflater else {
            if unused.isEmpty { try refill() }
            let count = min(unused.count, bytes.count - start)
            bytes.replaceSubrange(start..<start + count, with: input[unused.prefix(count)])
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
            let step = inflater.inflate(input[unused], into: &bytes, from: start)
            unused.removeFirst(step.used)
            memberEnded = step.status == CZLIB_END
            guard step.status != CZLIB_DAMAGED else {
                throw SourceError(
                    .damaged, path, at: position,
                    "the gzip data are damaged: they do not decompress, or their checksum does not fit. Get the file again."
                )
            }
            if step.made > 0 { return step.made }
        }
    }

    /// Reads the next block of the file; none is left at its end.
    private func refill() throws(SourceError) {
        while true {
            let count = unsafe input.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
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
