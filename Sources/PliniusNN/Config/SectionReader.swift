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

    /// Reads a whole number that has no default; nil if the key is absent.
    /// - Throws: `ConfigError` if it is none, or out of range.
    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigError) -> Int? {
        guard let text = value(key) else { return nil }
        return try integer(key, text, in: range)
    }

    /// Reads a list of whole numbers, divided by commas.
    /// - Throws: `ConfigError` if the key is absent and has no default, or a part is no number or out of range.
    mutating func integers(
        _ key: String, default standard: [Int]? = nil, in range: ClosedRange<Int>
    ) throws(ConfigError) -> [Int] {
        if let standard, value(key) == nil { return standard }
        var integers: [Int] = []
        for part in try parts(of: key) { integers.append(try integer(key, part, in: range)) }
        return integers
    }

    /// Whether the section gives a key a value.
    mutating func has(_ key: String) -> Bool { value(key) != nil }

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
    /// - Throws: `ConfigError` if the key is absent and has no default, or a part is no number or out of range.
    mutating func numbers(
        _ key: String, default standard: [Float]? = nil, in range: ClosedRange<Float> = -1e9...1e9
    ) throws(ConfigError) -> [Float] {
        if let standard, value(key) == nil { return standard }
        var numbers: [Float] = []
        for part in try parts(of: key) { numbers.append(try number(key, part, in: range)) }
        return numbers
    }

    /// Reads one of a few words.
    /// - Throws: `ConfigError` that lists them, if it is another.
    mutating func choice<Word: RawRepresentable & CaseIterable>(
        _ key: String, default standard: Word
    ) throws(ConfigError) -> Word where Word.RawValue == String {
        guard let text = value(key) else { return standard }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw error(key, "expected one of \(words), found \(text.quoted)")
        }
        return word
    }

    /// Refuses keys of Darknet whose effect is not to be had, unless they are switched off.
    /// - Throws: `ConfigError` if one is switched on.
    mutating func refuse(
        _ keys: String..., because reason: String = "is not supported yet", unless off: Float = 0
    ) throws(ConfigError) {
        for key in keys {
            if let text = value(key), Float(text) != off {
                throw error(key, "\(reason): expected \(Int(off)) or no such line, found \(text.quoted)")
            }
        }
    }

    /// Warns of every key that nobody asked for, be it Darknet's or a slip; the last call.
    mutating func finish() {
        for entry in section.entries where !known.contains(entry.key) {
            warn(entry.line, "[\(section.name)] has no use for \(entry.key): it is passed over\(hint(for: entry.key))")
        }
    }

    /// The end of a warning: the known key that shares most pairs of letters with an unknown one, if it shares half of them.
    private func hint(for key: String) -> String {
        func pairs(_ word: String) -> Set<[UInt8]> { Set(zip(word.utf8, word.utf8.dropFirst()).map { [$0, $1] }) }
        let shared = known.map { (key: $0, count: pairs($0).intersection(pairs(key)).count) }
        let nearest = shared.max { ($0.count, $1.key) < ($1.count, $0.key) }
        guard let nearest, 2 * nearest.count >= max(2, key.utf8.count) - 1 else { return "" }
        return "; did you mean \(nearest.key)?"
    }

    /// Warns of a key that does nothing here.
    mutating func warn(_ key: String, _ message: String) { warn(line(of: key), "\(key) \(message)") }

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
