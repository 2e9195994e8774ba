/// The directory of a zip archive, with the limits that a file from a stranger needs.
///
/// Stored and deflated members, zip64 included. Members may not overlap, share a name, be encrypted, or claim more bytes than
/// their compressed ones can hold. Source: APPNOTE 6.3.10, sections 4.3 and 4.5.3.
public struct ZipArchive {
    /// One file of the archive.
    public struct Member: Hashable, Sendable {
        /// Its name with folders.
        public let name: String
        /// Its bytes after decompression.
        public let byteCount: Int
        /// Its bytes in the archive.
        let compressedByteCount: Int
        let isDeflated: Bool
        let checksum: UInt32
        /// Where its own header begins, and what its data may not reach.
        let headerOffset: Int
        var limit: Int
    }

    /// In the directory's order.
    public let members: [Member]
    let file: ByteFile

    /// An archive of more is not one of arrays.
    static let maximumMembers = 1024
    private static let maximumDirectoryByteCount = 1 << 20
    /// A byte of deflate data stands for at most 1,032 bytes (258 for a match of two bits); more is a bomb.
    private static let largestExpansion = 1032

    /// Reads the directory.
    /// - Throws: ``SourceError``
    public init(_ file: ByteFile) throws(SourceError) {
        self.file = file
        let directory = try Self.directory(of: file)
        let bytes = try file.bytes(at: directory.offset, count: directory.byteCount, "the archive's directory")
        var members: [Member] = []
        var names: Set<String> = []
        var place = 0
        for index in 0..<directory.members {
            let entry = try Self.entry(bytes, at: &place, file: file, offset: directory.offset, index: index)
            guard names.insert(entry.name).inserted else {
                throw SourceError(.ambiguous, file.path, "the archive has two members \(quoted(entry.name))")
            }
            members.append(entry)
        }
        guard place == bytes.count else {
            throw SourceError(
                .damaged, file.path, at: directory.offset + place,
                "the archive's directory goes on behind its \(directory.members) members")
        }
        self.members = try Self.apart(members, before: directory.offset, file: file)
    }

    /// The member of that name.
    /// - Throws: ``SourceError``, `.mismatch`, which lists what there is instead.
    public func member(_ name: String) throws(SourceError) -> Member {
        if let member = members.first(where: { $0.name == name }) { return member }
        let known = members.prefix(20).map { quoted($0.name) }.joined(separator: ", ")
        throw SourceError(.mismatch, file.path, "the archive has no member \"\(name)\"; it has \(known)")
    }

    // MARK: The end of the archive

    private struct Directory {
        var offset: Int
        var byteCount: Int
        var members: Int
    }

    private static func directory(of file: ByteFile) throws(SourceError) -> Directory {
        let tail = min(file.count, 22 + 65_535)
        let start = file.count - tail
        let bytes = try file.bytes(at: start, count: tail, "the end of the archive")
        // The last record whose comment reaches the file's end.
        guard
            let end = stride(from: tail - 22, through: 0, by: -1).first(where: {
                bytes.number32(at: $0) == 0x0605_4B50 && bytes.number16(at: $0 + 20) == tail - $0 - 22
            })
        else {
            throw SourceError(
                .wrongFormat, file.path, at: max(0, file.count - 22),
                "no zip archive: the directory that stands at its end is missing. Get the file again.")
        }
        var disks = bytes.number16(at: end + 4) | bytes.number16(at: end + 6)
        var entries = bytes.number16(at: end + 10)
        var directory = Directory(
            offset: bytes.number32(at: end + 16), byteCount: bytes.number32(at: end + 12),
            members: bytes.number16(at: end + 8))
        var limit = start + end
        if end >= 20, bytes.number32(at: end - 20) == 0x0706_4B50 {
            limit = bytes.number64(at: end - 12)
            let large = try file.bytes(at: limit, count: 56, "the record of a large archive")
            guard large.number32(at: 0) == 0x0606_4B50 else {
                throw SourceError(.damaged, file.path, at: limit, "no record of a large archive is where it should be")
            }
            disks = large.number32(at: 16) | large.number32(at: 20)
            entries = large.number64(at: 32)
            directory = Directory(
                offset: large.number64(at: 48), byteCount: large.number64(at: 40), members: large.number64(at: 24))
        }
        guard disks == 0, entries == directory.members else {
            throw SourceError(.unsupported, file.path, "the archive is one of several parts")
        }
        guard directory.members <= maximumMembers, directory.byteCount <= maximumDirectoryByteCount else {
            throw SourceError(
                .oversized, file.path,
                "the archive says that it has \(directory.members) members in a directory of \(directory.byteCount) bytes; "
                    + "\(maximumMembers) members and \(maximumDirectoryByteCount) bytes are the limits")
        }
        guard directory.offset <= limit, directory.byteCount == limit - directory.offset else {
            throw SourceError(
                .damaged, file.path, at: limit,
                "the archive's directory of \(directory.byteCount) bytes at \(directory.offset) does not end at its end record"
            )
        }
        return directory
    }

    // MARK: Entries

    private static func entry(
        _ bytes: [UInt8], at place: inout Int, file: ByteFile, offset: Int, index: Int
    ) throws(SourceError) -> Member {
        let start = place
        guard bytes.count - start >= 46, bytes.number32(at: start) == 0x0201_4B50 else {
            throw SourceError(.damaged, file.path, at: offset + start, "member \(index) of the directory is missing")
        }
        let nameCount = bytes.number16(at: start + 28)
        let extraCount = bytes.number16(at: start + 30)
        let end = start + 46 + nameCount + extraCount + bytes.number16(at: start + 32)
        guard end <= bytes.count else {
            throw SourceError(.damaged, file.path, at: offset + start, "member \(index) leaves the directory")
        }
        place = end
        let name = String(decoding: bytes[start + 46..<start + 46 + nameCount], as: UTF8.self)
        var sizes = [bytes.number32(at: start + 24), bytes.number32(at: start + 20), bytes.number32(at: start + 42)]
        let extra = start + 46 + nameCount
        enlarge(&sizes, by: Array(bytes[extra..<extra + extraCount]))
        let method = bytes.number16(at: start + 10)
        guard method == 0 || method == 8 else {
            throw SourceError(
                .unsupported, file.path, at: offset + start,
                "\(quoted(name)) is compressed by method \(method); stored (0) and deflated (8) are known")
        }
        // Level of compression, sizes behind the data, names in UTF-8: of no consequence here.
        guard bytes.number16(at: start + 8) & ~0x080E == 0 else {
            throw SourceError(.unsupported, file.path, at: offset + start, "\(quoted(name)) is encrypted or patched")
        }
        guard sizes[1] <= file.count, method == 8 ? sizes[0] / largestExpansion <= sizes[1] : sizes[0] == sizes[1]
        else {
            throw SourceError(
                .oversized, file.path, at: offset + start,
                "\(quoted(name)) says that its \(sizes[1]) bytes hold \(sizes[0]), which they cannot")
        }
        return Member(
            name: name, byteCount: sizes[0], compressedByteCount: sizes[1], isDeflated: method == 8,
            checksum: UInt32(bytes.number32(at: start + 16)), headerOffset: sizes[2], limit: offset)
    }

    /// Replaces those sizes (plain, compressed, offset) that do not fit 32 bits by those of the zip64 field, if there is one.
    private static func enlarge(_ sizes: inout [Int], by extra: [UInt8]) {
        var place = 0
        while extra.count - place >= 4 {
            let count = extra.number16(at: place + 2)
            guard extra.count - place - 4 >= count else { return }
            if extra.number16(at: place) == 1 {
                var at = place + 4
                for index in 0..<3 where sizes[index] == 0xFFFF_FFFF && at + 8 <= place + 4 + count {
                    sizes[index] = extra.number64(at: at)
                    at += 8
                }
                return
            }
            place += 4 + count
        }
    }

    /// Gives each member the limit that the next one sets; one inside another is how small archives unpack to huge ones.
    private static func apart(
        _ members: [Member], before directory: Int, file: ByteFile
    ) throws(SourceError) -> [Member] {
        var members = members
        var limit = directory
        for index in members.indices.sorted(by: { members[$0].headerOffset > members[$1].headerOffset }) {
            let header = members[index].headerOffset
            let least = members[index].compressedByteCount + 30 + members[index].name.utf8.count
            guard header <= limit, least <= limit - header else {
                throw SourceError(
                    .damaged, file.path, at: header, "\(quoted(members[index].name)) reaches into what follows it")
            }
            members[index].limit = limit
            limit = header
        }
        return members
    }
}

/// A name from a file as errors show it: short, and in one line.
func quoted(_ name: String) -> String {
    let shown = name.unicodeScalars.prefix(100).map { $0.value < 32 || $0.value == 127 ? "\u{FFFD}" : $0 }
    var text = ""
    text.unicodeScalars.append(contentsOf: shown)
    return "\"\(text)\""
}
