/// Rows of numbers in a text file: separated by commas (CSV), semicolons, tabs or blanks, one row a line, all of one length.
///
/// The first line may name the columns: it is passed over if none of its fields is a number. Blank lines are passed over. Fields are not
/// quoted. Read in blocks, twice: first to count.
public final class NumberTable {
    /// Rows of numbers.
    public let count: Int
    /// Numbers of each row.
    public let columns: Int
    /// The file that errors name.
    let path: String

    private var lines: LineReader

    /// The most numbers in a row.
    private static let maximumColumns = 65_536

    /// Counts rows and columns.
    /// - Throws: ``SourceError``, with the line.
    public init(_ file: ByteFile) throws(SourceError) {
        path = file.path
        var reader = LineReader(file)
        var first: [Float] = []
        var count = 0
        while let line = try reader.next() {
            guard count == 0 else {
                count += 1
                continue
            }
            let fields = Self.fields(of: line)
            // The names of the columns.
            if reader.number == 1, fields.allSatisfy({ Float($0) == nil }) { continue }
            first = try Self.numbers(fields, line: reader.number, file: file.path)
            count = 1
        }
        guard count > 0, first.count <= Self.maximumColumns else {
            throw SourceError(
                .wrongFormat, file.path,
                "there are \(count) rows of \(first.count) numbers; there have to be rows, of at most \(Self.maximumColumns)"
            )
        }
        self.count = count
        columns = first.count
        lines = LineReader(file)
    }

    /// Reads the next row; `nil` behind the last.
    /// - Throws: ``SourceError``, with the line.
    public func next() throws(SourceError) -> [Float]? {
        while let line = try lines.next() {
            let fields = Self.fields(of: line)
            if lines.number == 1, fields.allSatisfy({ Float($0) == nil }) { continue }
            let row = try Self.numbers(fields, line: lines.number, file: path)
            guard row.count == columns else {
                throw SourceError(
                    .damaged, path, "line \(lines.number): there are \(row.count) numbers, in the first row \(columns)")
            }
            return row
        }
        return nil
    }

    /// The line that ``next()`` gave last.
    var line: Int { lines.number }

    private static func fields(of line: String) -> [Substring] {
        let separator: Character =
            line.contains(",") ? "," : line.contains(";") ? ";" : line.contains("\t") ? "\t" : " "
        return line.split(separator: separator, omittingEmptySubsequences: separator == " ").map {
            $0.drop { $0 == " " }.prefix { $0 != " " }
        }
    }

    private static func numbers(_ fields: [Substring], line: Int, file: String) throws(SourceError) -> [Float] {
        var numbers: [Float] = []
        numbers.reserveCapacity(fields.count)
        for field in fields {
            guard let number = Float(field), number.isFinite else {
                throw SourceError(.wrongFormat, file, "line \(line): \(quoted(String(field))) is no finite number")
            }
            numbers.append(number)
        }
        return numbers
    }
}

/// The lines of a file that are not blank, read in blocks.
struct LineReader {
    /// The number of the line that was read last, from 1.
    private(set) var number = 0

    private let file: ByteFile
    private var block: ArraySlice<UInt8> = []
    private var position = 0

    /// The longest line.
    private static let maximumLine = 1 << 20

    init(_ file: ByteFile) { self.file = file }

    /// The next line that is not blank, without blanks around it.
    mutating func next() throws(SourceError) -> String? {
        while !block.isEmpty || position < file.count {
            var line: [UInt8] = []
            while true {
                if block.isEmpty, position < file.count {
                    let count = min(1 << 16, file.count - position)
                    block = try file.bytes(at: position, count: count, "the text")[...]
                    position += count
                }
                let end = block.firstIndex(of: UInt8(ascii: "\n"))
                line += block[..<(end ?? block.endIndex)]
                block = end.map { block[($0 + 1)...] } ?? []
                guard line.count <= Self.maximumLine else {
                    throw SourceError(
                        .oversized, file.path, "line \(number + 1) is longer than \(Self.maximumLine) bytes")
                }
                if end != nil || position >= file.count { break }
            }
            number += 1
            guard !line.contains(0), let text = String(validating: line, as: UTF8.self)?.trimmed else {
                throw SourceError(.wrongFormat, file.path, "line \(number) is no text in UTF-8")
            }
            if !text.isEmpty { return text }
        }
        return nil
    }
}
