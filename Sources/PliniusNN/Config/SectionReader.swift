/// Reads the values of one section, and remembers which keys somebody asked for.
struct SectionReader {
    let section: ConfigSection
    let file: String
    private(set) var warnings: [ConfigWarning] = []
    private var known: Set<String> = []

    init(_ section: ConfigSection, file: String) {
        self.section = section
        self.file = file
        for entry in section.repetitions { warn(entry.line, "\(entry.key) says again what it said before") }
    }

    /// Makes an error about a key, on its line, or about the section.
    func error(_ key: String?, _ message: String) -> ConfigError {
        ConfigError(file: file, line: key.map(line(of:)) ?? section.line, key: key, message: message)
    }

    /// Reads a whole number.
    /// - Throws: `ConfigError` if it is none, or out of range.
    mutating func integer(_ key: String, default standard: Int, in range: ClosedRange<Int>) throws(ConfigError) -> Int {
        guard let text = value(key) else { return standard }
        return try integer(key, text, in: range)
    }

    /// Reads a list of whole numbers, divided by commas.
    /// - Throws: `ConfigError` if the key is absent, or a part is no number or out of range.
    mutating func integers(_ key: String, in range: ClosedRange<Int>) throws(ConfigError) -> [Int] {
        var integers: [Int] = []
        for part in try parts(of: key) { integers.append(try integer(key, part, in: range)) }
        return integers
    }

    /// Reads 0 or 1.
    /// - Throws: `ConfigError` if it is neither.
    mutating func flag(_ key: String) throws(ConfigError) -> Bool {
        try integer(key, default: 0, in: 0...1) == 1
    }

    /// Reads a finite number.
    /// - Throws: `ConfigError` if it is none, or out of range.
    mutating func number(
        _ key: String, default standard: Float, in range: ClosedRange<Float> = -1e9...1e9
    ) throws(ConfigError) -> Float {
        guard let text = value(key) else { return standard }
        return try number(key, text, in: range)
    }

    /// Reads a list of finite numbers, divided by commas.
    /// - Throws: `ConfigError` if the key is absent or a part is no number.
    mutating func numbers(_ key: String) throws(ConfigError) -> [Float] {
        var numbers: [Float] = []
        for part in try parts(of: key) { numbers.append(try number(key, part, in: -1e9...1e9)) }
        return numbers
    }

    /// Reads one of a few words.
    /// - Throws: `ConfigError` that lists them, if it is another.
    mutating func choice<Word: RawRepresentable & CaseIterable>(
        _ key: String, default standard: Word
    ) throws(ConfigError) -> Word where Word.RawValue == String {
        guard let text = value(key) else { return standard }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue)
            throw error(
                key,
                "expected one of \(words.joined(separator: ", ")), found \(text.quoted)\(hint(for: text, among: words))"
            )
        }
        return word
    }

    /// Accepts keys of Darknet that change nothing here, and says so; those that were read already count.
    mutating func ignore(_ keys: String..., because reason: String) {
        for key in keys where !known.contains(key) && value(key) != nil {
            warn(line(of: key), "\(key) has no effect: \(reason)")
        }
    }

    /// Refuses keys of Darknet whose effect is not there yet, unless they are switched off.
    /// - Throws: `ConfigError` if one is switched on.
    mutating func refuse(_ keys: String..., unless off: Float = 0) throws(ConfigError) {
        for key in keys {
            if let text = value(key), Float(text) != off {
                throw error(key, "is not supported yet: expected \(Int(off)) or no such line, found \(text.quoted)")
            }
        }
    }

    /// Warns of every key that nobody asked for; the last call.
    mutating func finish() {
        for entry in section.entries where !known.contains(entry.key) {
            let hint = hint(for: entry.key, among: known.sorted())
            warn(entry.line, "[\(section.name)] has no key \(entry.key): it is passed over\(hint)")
        }
    }

    private mutating func warn(_ line: Int, _ message: String) {
        warnings.append(ConfigWarning(file: file, line: line, message: message))
    }

    private mutating func value(_ key: String) -> String? {
        known.insert(key)
        return entry(key)?.value
    }

    private mutating func parts(of key: String) throws(ConfigError) -> [String] {
        guard let text = value(key) else { throw error(key, "is missing: expected numbers divided by commas") }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.filter { !$0.isWhitespace })
        }
    }

    private func line(of key: String) -> Int { entry(key)?.line ?? section.line }

    private func entry(_ key: String) -> ConfigSection.Entry? { section.entries.first { $0.key == key } }

    private func integer(_ key: String, _ text: String, in range: ClosedRange<Int>) throws(ConfigError) -> Int {
        guard let number = Int(text) else { throw error(key, "expected a whole number, found \(text.quoted)") }
        guard range.contains(number) else {
            throw error(key, "expected \(range.lowerBound) to \(range.upperBound), found \(number)")
        }
        return number
    }

    private func number(_ key: String, _ text: String, in range: ClosedRange<Float>) throws(ConfigError) -> Float {
        guard let number = Float(text), number.isFinite else {
            throw error(key, "expected a number, found \(text.quoted)")
        }
        guard range.contains(number) else {
            throw error(key, "expected \(range.lowerBound) to \(range.upperBound), found \(number)")
        }
        return number
    }
}

/// The end of a message about an unknown word: the word that it most likely was meant to be, if there is one.
func hint(for word: String, among candidates: [String]) -> String {
    let scored = candidates.map { (candidate: $0, distance: editDistance(word, $0)) }
    // A slip of the fingers leaves two thirds of the letters as they were.
    guard let best = scored.min(by: { $0.distance < $1.distance }),
        best.distance <= max(1, best.candidate.utf8.count / 3)
    else { return "" }
    return "; did you mean \(best.candidate)?"
}

/// Insertions, deletions and replacements of letters between two words, cut off at 64 letters.
private func editDistance(_ first: String, _ second: String) -> Int {
    let first = Array(first.utf8.prefix(64))
    let second = Array(second.utf8.prefix(64))
    var row = Array(0...second.count)
    for (i, letter) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, other) in second.enumerated() {
            let replaced = diagonal + (letter == other ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[second.count]
}
