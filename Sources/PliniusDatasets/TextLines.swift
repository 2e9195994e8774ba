/// The lines of a text file, without their ends; those of Windows too.
struct TextLines {
    /// Lines that are not blank, each with its number from 1.
    let lines: [(number: Int, text: String)]
    /// The number of the first blank line that another one follows.
    let firstGap: Int?

    /// The longest line: what the system takes for a path.
    private static let maximumLine = 4096

    /// Reads a file of at most `limit` bytes.
    /// - Throws: ``SourceError``
    init(_ file: ByteFile, limit: Int) throws(SourceError) {
        guard file.count <= limit else {
            throw SourceError(.oversized, file.path, "the file has \(file.count) bytes, \(limit) are the limit")
        }
        let bytes = try file.bytes(at: 0, count: file.count, "the text")
        var lines: [(number: Int, text: String)] = []
        var gap: Int?
        var firstGap: Int?
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let number = index + 1
            guard line.count <= Self.maximumLine, !line.contains(0), let text = String(validating: line, as: UTF8.self)
            else {
                throw SourceError(
                    .wrongFormat, file.path,
                    "line \(number) is no text in UTF-8 of at most \(Self.maximumLine) bytes. Is it the right file?")
            }
            let trimmed = text.trimmed
            if trimmed.isEmpty {
                gap = gap ?? number
            } else {
                firstGap = firstGap ?? gap
                lines.append((number, trimmed))
            }
        }
        self.lines = lines
        self.firstGap = firstGap
    }
}

extension String {
    var trimmed: String {
        let isBlank: (Unicode.Scalar) -> Bool = { [" ", "\t", "\r"].contains($0) }
        guard let start = unicodeScalars.firstIndex(where: { !isBlank($0) }),
            let end = unicodeScalars.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return String(unicodeScalars[start...end])
    }
}
