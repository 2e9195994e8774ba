/// A log as it leaves the service: lines of canonical JSON, `{"entry": …}` for each entry in order, `{"head": …, "signature": …}` for heads.
public struct AuditExport: Hashable, Sendable {
    /// From the first entry on.
    public var entries: [AuditEntry]
    public var heads: [SignedAuditHead]

    public init(entries: [AuditEntry], heads: [SignedAuditHead]) {
        self.entries = entries
        self.heads = heads
    }

    public var encoded: [UInt8] {
        let lines = entries.map { ["entry": $0.json] } + heads.map(\.json)
        return lines.flatMap { (line: CanonicalJSON) in line.encoded + [UInt8(ascii: "\n")] }
    }

    /// Reads what ``encoded`` writes; heads may stand among entries.
    /// - Throws: `FormatError`, with the line's number; a last line without its end was cut off, and is refused too.
    public init(decoding bytes: [UInt8]) throws(FormatError) {
        (entries, heads) = ([], [])
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.last?.isEmpty ?? true else {
            throw FormatError("audit.export", expected: "a line end behind line \(lines.count)", found: "none")
        }
        for (number, line) in lines.dropLast().enumerated() {
            do throws(FormatError) {
                try read(try CanonicalJSON(canonical: line))
            } catch {
                throw FormatError(
                    error.check, expected: error.expected, found: "\(error.found), in line \(number + 1)")
            }
        }
    }

    private mutating func read(_ line: CanonicalJSON) throws(FormatError) {
        if let entry = line["entry"] {
            guard line.members?.count == 1 else {
                throw FormatError("audit.export", expected: "an entry alone in its line", found: "more members")
            }
            entries.append(try AuditEntry(entry))
        } else {
            heads.append(try SignedAuditHead(line))
        }
    }
}
