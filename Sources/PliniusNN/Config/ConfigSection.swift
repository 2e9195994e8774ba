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
    /// Each key once, in their order.
    private(set) var entries: [Entry] = []

    // More than any network of Darknet has; they keep a hostile text from taking long.
    private static let maximumLines = 100_000
    private static let maximumKeys = 256

    /// Cuts a text into sections.
    ///
    /// Darknet's format with its traps repaired: values are trimmed at their ends only, carriage returns and a byte order
    /// mark are dropped, a comment may follow a value, a key has one value.
    /// - Throws: `ConfigError` with the line at fault.
    static func sections(of text: String, file: String) throws(ConfigError) -> [ConfigSection] {
        var sections: [ConfigSection] = []
        var number = 0
        func fault(_ message: String) -> ConfigError {
            ConfigError(file: file, line: number, key: nil, message: message)
        }
        // By bytes, because a carriage return and a line feed are one character to Swift.
        for bytes in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            guard number <= maximumLines else { throw fault("more than \(maximumLines) lines") }
            let code = bytes.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ";") }
            var line = trimmed(String(decoding: code, as: UTF8.self))
            if line.isEmpty { continue }
            if line.hasPrefix("[") {
                let end = line.firstIndex(of: "]") ?? line.startIndex
                let name = trimmed(line[..<end].dropFirst())
                // A key may follow on the first one's line, so that programs can add one and all lines keep their numbers.
                guard isWord(name), line.hasSuffix("]") || sections.isEmpty else {
                    throw fault("\(line.quoted) is no section: expected [name]")
                }
                sections.append(ConfigSection(name: name, line: number))
                line = trimmed(line[line.index(after: end)...])
                if line.isEmpty { continue }
            }
            guard let sign = line.firstIndex(of: "=") else {
                throw fault("\(line.quoted) is neither [section] nor key=value")
            }
            let key = trimmed(line[..<sign])
            let value = trimmed(line[line.index(after: sign)...])
            guard !value.isEmpty else { throw fault("\(line.quoted) lacks its value: give one, or leave the key out") }
            guard isWord(key) else {
                throw fault("\(key.quoted) is no key: expected up to 64 letters, digits, \"_\" or \"-\" before the =")
            }
            guard !sections.isEmpty else { throw fault("\(key) stands before the first section: begin with [net]") }
            try sections[sections.count - 1].append(Entry(key: key, value: value, line: number), file: file)
        }
        return sections
    }

    private mutating func append(_ entry: Entry, file: String) throws(ConfigError) {
        func fault(_ message: String) -> ConfigError {
            ConfigError(file: file, line: entry.line, key: entry.key, message: message)
        }
        guard entries.count < Self.maximumKeys else {
            throw fault("[\(name)] has more than \(Self.maximumKeys) keys")
        }
        guard let first = entries.first(where: { $0.key == entry.key }) else { return entries.append(entry) }
        // Darknet takes the first and does not tell.
        guard first.value == entry.value else {
            throw fault("is \(first.value.quoted) on line \(first.line) and \(entry.value.quoted) here: keep one")
        }
    }

    private static func isWord(_ text: String) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool {
            switch Unicode.Scalar(byte) {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
            default: false
            }
        }
        return 1...64 ~= text.utf8.count && text.utf8.allSatisfy(isLetter)
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        func isBlank(_ character: Character) -> Bool { character.isWhitespace || character == "\u{FEFF}" }
        var part = text[...].drop(while: isBlank)
        while let last = part.last, isBlank(last) { part.removeLast() }
        return String(part)
    }
}
