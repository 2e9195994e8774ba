/// The names of classes, in the order of their labels: one a line, as Darknet's names files have them.
public struct ClassNames: Hashable, Sendable {
    /// Label 0 first.
    public let names: [String]

    /// Reads a names file.
    /// - Throws: ``SourceError``, for a name that comes twice, and for a blank line between names, which would shift the labels.
    public init(_ file: ByteFile) throws(SourceError) {
        let text = try TextLines(file, limit: 1 << 24)
        if let gap = text.firstGap {
            throw SourceError(.wrongFormat, file.path, "line \(gap) is blank, and would be a class without a name")
        }
        try self.init(text.lines.map(\.text), file: file.path)
    }

    init(_ names: [String], file: String) throws(SourceError) {
        guard !names.isEmpty, names.count <= 65_536 else {
            throw SourceError(.wrongFormat, file, "there are \(names.count) classes; 1 to 65536 can be")
        }
        // Swift's equality takes composed and decomposed letters for the same; files do not.
        var known: Set<[UInt8]> = []
        for name in names {
            guard known.insert(Array(name.utf8)).inserted else {
                throw SourceError(.ambiguous, file, "two classes are called \(quoted(name))")
            }
        }
        self.names = names
    }

    /// The label of each name's bytes.
    var labels: [[UInt8]: Int] {
        Dictionary(uniqueKeysWithValues: names.enumerated().map { (Array($1.utf8), $0) })
    }
}
