/// Reads the values of one section, and remembers which keys somebody asked for.
struct SectionReader {
    let section: ConfigSection
    let file: String
    private(set) var warnings: [ConfigWarning] = []
    private var known: Set<String> = []

    init(_ section: ConfigSection, file: String) {
        self.section = section
        self.file = file
    }

    /// The line of a key, or of the section where the key is absent.
    func line(of key: String) -> Int { entry(key)?.line ?? section.line }

    /// Makes an error about a key.
    func error(_ key: String?, _ message: String) -> ConfigError {
        ConfigError(file: file, line: key.map(line(of:)) ?? section.line, key: key, message: message)
    }

    /// Reads a whole number.
    /// - Throws: `ConfigError` if it is none, or out of range.
    mutating func integer(
        _ key: String,
        default standard: Int,
        in range: ClosedRange<Int>
    ) throws(ConfigError) -> Int {
        guard let text = value(key) else { return standard }
        guard let number = Int(text) else { throw error(key, "expected a whole number, found \"\(text)\"") }
        guard range.contains(number) else {
            throw error(key, "expected \(range.lowerBound) to \(range.upperBound), found \(number)")
        }
        return number
    }

    /// Reads 0 or 1.
    /// - Throws: `ConfigError` if it is neither.
    mutating func flag(_ key: String, default standard: Bool = false) throws(ConfigError) -> Bool {
        try integer(key, default: standard ? 1 : 0, in: 0...1) == 1
    }

    /// Reads a finite number.
    /// - Throws: `ConfigError` if it is none, or out of range.
    mutating func number(
        _ key: String,
        default standard: Float,
        in range: ClosedRange<Float> = -1e30...1e30
    ) throws(ConfigError) -> Float {
        guard let text = value(key) else { return standard }
        return try number(key, text, in: range)
    }

    /// Reads a list of finite numbers, divided by commas.
    /// - Throws: `ConfigError` if the key is absent or a part is no number.
    mutating func numbers(_ key: String, in range: ClosedRange<Float> = -1e30...1e30) throws(ConfigError) -> [Float] {
        guard let text = value(key) else { throw error(key, "is missing: expected numbers divided by commas") }
        var numbers: [Float] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            numbers.append(try number(key, String(part.filter { !$0.isWhitespace }), in: range))
        }
        return numbers
    }

    /// Reads one of a few words.
    /// - Throws: `ConfigError` that lists them, if it is another.
    mutating func choice<Word: RawRepresentable & CaseIterable>(
        _ key: String,
        default standard: Word
    ) throws(ConfigError) -> Word where Word.RawValue == String {
        guard let text = value(key) else { return standard }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue)
            let hint = nearest(to: text, among: words).map { "; did you mean \($0)?" } ?? ""
            throw error(key, "there is no \"\(text)\"\(hint) It is one of: \(words.joined(separator: ", "))")
        }
        return word
    }

    /// Accepts keys of Darknet that change nothing here, and says so; those that were read already count.
    mutating func ignore(_ keys: String..., because reason: String) {
        for key in keys where !known.contains(key) && value(key) != nil {
            warnings.append(ConfigWarning(file: file, line: line(of: key), message: "\(key) has no effect: \(reason)"))
        }
    }

    /// Refuses a key of Darknet whose effect is not there yet, unless it is switched off.
    /// - Throws: `ConfigError` if it is switched on.
    mutating func refuse(_ keys: String..., unless off: String = "0") throws(ConfigError) {
        for key in keys {
            if let text = value(key), text != off, Float(text) != Float(off) {
                throw error(
                    key,
                    "\"\(text)\" is not supported yet: only \(key)=\(off) is, which is the same as leaving it out"
                )
            }
        }
    }

    /// Warns of every key that nobody asked for; the last call.
    mutating func finish() {
        for entry in section.entries where !known.contains(entry.key) {
            let hint = nearest(to: entry.key, among: known.sorted()).map { "; did you mean \($0)?" } ?? ""
            warnings.append(
                ConfigWarning(
                    file: file,
                    line: entry.line,
                    message: "[\(section.name)] has no key \"\(entry.key)\"; it is passed over\(hint)"
                )
            )
        }
    }

    private mutating func value(_ key: String) -> String? {
        known.insert(key)
        return entry(key)?.value
    }

    private func entry(_ key: String) -> ConfigSection.Entry? { section.entries.first { $0.key == key } }

    private func number(_ key: String, _ text: String, in range: ClosedRange<Float>) throws(ConfigError) -> Float {
        guard let number = Float(text), number.isFinite else {
            throw error(key, "expected a number, found \"\(text)\"")
        }
        guard range.contains(number) else {
            throw error(key, "expected \(range.lowerBound) to \(range.upperBound), found \(text)")
        }
        return number
    }
}

/// The word that a slip of the fingers most likely meant: at most a third of its letters differ.
func nearest(to word: String, among candidates: [String]) -> String? {
    let scored = candidates.map { (candidate: $0, distance: editDistance(word, $0)) }
    guard let best = scored.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, best.candidate.count / 3) ? best.candidate : nil
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
