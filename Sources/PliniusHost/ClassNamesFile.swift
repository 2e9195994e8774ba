/// What classes are called, one name a line in the order of their labels, as in Darknet's names files.
public struct ClassNamesFile: Sendable {
    let path: String
    let names: [String]

    /// Reads the file.
    /// - Throws: `HostError.Code.usage` if there is none, if it is no text, or if it is longer than 16 MiB.
    public init(path: String) throws(HostError) {
        let text = try OpenFile.forReading(path, as: "file of names").text(atMost: 1 << 24, as: "file of names")
        var lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        while lines.last == "" { lines.removeLast() }
        if let gap = lines.firstIndex(of: "") {
            throw HostError(
                .usage, "line \(gap + 1) of \(path) is blank, and would be a class without a name: remove it")
        }
        self.path = path
        names = lines
    }
}
