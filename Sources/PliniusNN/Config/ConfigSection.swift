/// One section of a configuration, as text.
struct ConfigSection {
    struct Entry {
        let key: String
        let value: String
        let line: Int
    }

    /// Without the brackets.
    let name: String
    let line: Int
    var entries: [Entry] = []

    /// The largest number of lines that is read: more than any network of Darknet has.
    private static let maximumLines = 100_000

    /// Cuts a text into sections.
    ///
    /// Darknet's format with its traps repaired: values are trimmed at their ends only, carriage returns are dropped, a comment may follow
    /// a value, a key comes once.
    /// - Throws: `ConfigError` with the line at fault.
    static func sections(of text: String, file: String) throws(ConfigError) -> [ConfigSection] {
        var sections: [ConfigSection] = []
        var number = 0
        // By bytes, because a carriage return and a line feed are one character to Swift.
        for bytes in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            guard number <= maximumLines else {
                throw ConfigError(file: file, line: number, key: nil, message: "more than \(maximumLines) lines")
            }
            let line = trimmed(
                String(decoding: bytes.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ";") }, as: UTF8.self)
            )
            if line.isEmpty { continue }
            if line.hasPrefix("[") {
                guard line.hasSuffix("]"), line.count > 2 else {
                    throw ConfigError(
                        file: file,
                        line: number,
                        key: nil,
                        message: "\"\(line)\" is no section: expected [name]"
                    )
                }
                sections.append(ConfigSection(name: trimmed(line.dropFirst().dropLast()), line: number))
                continue
            }
            guard let sign = line.firstIndex(of: "=") else {
                throw ConfigError(
                    file: file,
                    line: number,
                    key: nil,
                    message: "\"\(line)\" is neither [section] nor key=value"
                )
            }
            let key = trimmed(line[..<sign])
            let value = trimmed(line[line.index(after: sign)...])
            guard !sections.isEmpty else {
                throw ConfigError(
                    file: file,
                    line: number,
                    key: key,
                    message: "stands before the first section: begin with [net]"
                )
            }
            guard !key.isEmpty, !value.isEmpty else {
                throw ConfigError(
                    file: file,
                    line: number,
                    key: key.isEmpty ? nil : key,
                    message: "\"\(line)\" lacks its \(key.isEmpty ? "key" : "value")"
                )
            }
            if let first = sections[sections.count - 1].entries.first(where: { $0.key == key }) {
                throw ConfigError(
                    file: file,
                    line: number,
                    key: key,
                    message: "stands on line \(first.line) already: keep one"
                )
            }
            sections[sections.count - 1].entries.append(Entry(key: key, value: value, line: number))
        }
        return sections
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        func isBlank(_ character: Character) -> Bool { character.isWhitespace }
        var part = text[...].drop(while: isBlank)
        while let last = part.last, isBlank(last) { part.removeLast() }
        return String(part)
    }
}
