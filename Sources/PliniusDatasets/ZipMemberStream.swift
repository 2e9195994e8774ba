import CZlib

/// The bytes of one member of a zip archive from front to back, counted and checked against its checksum.
public final class ZipMemberStream {
    /// The names of archive and member, for errors.
    public let path: String
    /// How many bytes were read.
    private(set) var position = 0

    private let file: ByteFile
    private let member: ZipArchive.Member
    private let inflater: Inflater?
    private static let blockBytes = 1 << 16
    private var input: [UInt8] = []
    private var used = 0
    /// Where the rest of the member's data begins in the archive, and how much that is.
    private var offset: Int
    private var rest: Int
    private var ended: Bool
    private var checksum: UInt32 = 0

    /// Begins at the member's first byte.
    /// - Throws: ``SourceError``, if the member's own header is not that of the directory.
    public init(_ member: ZipArchive.Member, of archive: ZipArchive) throws(SourceError) {
        file = archive.file
        path = "\(file.path): \(quoted(member.name))"
        self.member = member
        let header = try file.bytes(at: member.headerOffset, count: 30, "a member's header")
        let nameCount = header.number16(at: 26)
        guard header.number32(at: 0) == 0x0403_4B50, header.number16(at: 8) == (member.isDeflated ? 8 : 0) else {
            throw SourceError(
                .damaged, file.path, at: member.headerOffset,
                "\(quoted(member.name)) has another header than the directory says")
        }
        let name = try file.bytes(at: member.headerOffset + 30, count: nameCount, "a member's name")
        offset = member.headerOffset + 30 + nameCount + header.number16(at: 28)
        guard String(decoding: name, as: UTF8.self) == member.name, offset <= member.limit,
            member.compressedByteCount <= member.limit - offset
        else {
            throw SourceError(
                .damaged, file.path, at: member.headerOffset,
                "\(quoted(member.name)) has another name or place than the directory says")
        }
        rest = member.compressedByteCount
        inflater = member.isDeflated ? Inflater(.deflate) : nil
        ended = false
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
                    .truncated, path, at: position + done,
                    "the data end in \(what()): \(bytes.count) bytes were expected, \(done) are there")
            }
            done += count
        }
        position += done
        checksum = unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return checksum }
            return unsafe czlib_crc32(checksum, base, bytes.count)
        }
    }

    /// Checks that nothing is left, and that the checksum fits.
    /// - Throws: ``SourceError``: `.oversized`, `.damaged`, `.unreadable`.
    func requireEnd() throws(SourceError) {
        var byte: [UInt8] = [0]
        guard try read(into: &byte, from: 0) == 0, rest == 0, used == input.count else {
            throw SourceError(.oversized, path, at: position, "the data go on where they should end")
        }
        guard position == member.byteCount, checksum == member.checksum else {
            throw SourceError(
                .damaged, path, at: position, "the checksum or the size does not fit the data. Get the file again.")
        }
    }

    // MARK: -

    /// Reads some of the bytes from `start` on; 0 at the end of the data.
    private func read(into bytes: inout [UInt8], from start: Int) throws(SourceError) -> Int {
        while true {
            if used == input.count, rest > 0 {
                input = try file.bytes(at: offset, count: min(rest, Self.blockBytes), "\(quoted(member.name))")
                used = 0
                offset += input.count
                rest -= input.count
            }
            guard let inflater else {
                let count = min(input.count - used, bytes.count - start)
                bytes.replaceSubrange(start..<start + count, with: input[used..<used + count])
                used += count
                return count
            }
            guard !ended else { return 0 }
            // Without input there may still be output: a match that did not fit the last time.
            let step = inflater.inflate(input[used...], into: &bytes, from: start)
            used += step.used
            ended = step.status == CZLIB_END
            guard step.status != CZLIB_DAMAGED else {
                throw SourceError(.damaged, path, at: position + start, "the compressed data are damaged")
            }
            if step.made > 0 { return step.made }
            guard ended || used < input.count || rest > 0 else {
                throw SourceError(.truncated, path, at: position + start, "the compressed data end in the middle")
            }
        }
    }
}
