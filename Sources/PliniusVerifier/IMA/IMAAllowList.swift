/// Which files may have been measured, by what the kernel calls them.
///
/// As text it has one line for each file and digest: `sha256:9f86d0… /usr/bin/python3`; what stands behind `buffer ` in front of the digest
/// is a buffer, such as a key ring or a command line. The text is sorted, so that two lists differ where their texts do.
public struct IMAAllowList: Hashable, Sendable {
    /// By path.
    public var files: [String: Set<FileDigest>] = [:]
    /// What the kernel measured itself (`ima-buf`), by its name: `.builtin_trusted_keys`, `kexec-cmdline`.
    public var buffers: [String: Set<FileDigest>] = [:]

    public init() {}

    /// Reads a list; blank lines, and those that begin with `#`, say nothing.
    /// - Throws: `ima.allowList.format`, with the line.
    public init(text: String) throws(EvidenceError) {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in zip(1..., lines) where !line.isEmpty && line.first != UInt8(ascii: "#") {
            let isBuffer = line.starts(with: Array(Self.bufferMark.utf8))
            let rest = isBuffer ? line.dropFirst(Self.bufferMark.utf8.count) : line
            guard let blank = rest.firstIndex(of: UInt8(ascii: " ")),
                let digest = FileDigest(String(decoding: rest[..<blank], as: UTF8.self)),
                let path = String(rest[blank...].dropFirst()), !path.isEmpty
            else {
                throw EvidenceError(
                    "ima.allowList.format",
                    expected: "a digest such as sha256:9f86d0…, a blank and a path in line \(number)",
                    found: String(decoding: line.prefix(128), as: UTF8.self))
            }
            if isBuffer {
                buffers[path, default: []].insert(digest)
            } else {
                files[path, default: []].insert(digest)
            }
        }
    }

    /// Drafts a list from the log of a machine that is known to be good: every file and buffer in it, but violations, which say nothing of a
    /// file's content, the first entry, which is about registers, and names that no line of text can hold.
    package init(learningFrom log: IMALog) {
        for entry in log.entries where !entry.isViolation {
            guard let content = entry.content, content.path != IMALog.bootAggregate, !content.path.isEmpty,
                content.path.utf8.allSatisfy({ $0 >= 0x20 })
            else { continue }
            if content.buffer == nil {
                files[content.path, default: []].insert(content.digest)
            } else {
                buffers[content.path, default: []].insert(content.digest)
            }
        }
    }

    /// Everything that either list has.
    public mutating func formUnion(_ other: IMAAllowList) {
        files.merge(other.files) { $0.union($1) }
        buffers.merge(other.buffers) { $0.union($1) }
    }

    private static let bufferMark = "buffer "
}

extension IMAAllowList: CustomStringConvertible {
    public var description: String {
        func lines(_ mark: String, _ entries: [String: Set<FileDigest>]) -> [String] {
            entries.sorted { $0.key < $1.key }.flatMap { path, digests in
                digests.sorted().map { "\(mark)\($0) \(path)\n" }
            }
        }
        return (lines("", files) + lines(Self.bufferMark, buffers)).joined()
    }
}

extension IMALog {
    /// The name of the entry that ties the log to the boot.
    static let bootAggregate = "boot_aggregate"
}
