import FoundationEssentials
package import Yams

/// A key that a policy may have, as the reader itself asks for it.
public struct PolicyKey: Hashable, Sendable, Comparable {
    /// With those around it; `[]` stands for the entries of a list, `N` for a number, `BANK` for `sha1`, `sha256`, `sha384` or `sha512`.
    public let path: String
    /// What its value is.
    public let type: String

    public static func < (first: PolicyKey, second: PolicyKey) -> Bool { first.path < second.path }
}

/// What reading one policy came across.
package final class PolicyReading {
    package let file: String
    /// The bytes of a file that the policy names.
    let resource: (String) throws -> [UInt8]
    var errors: [PolicyError] = []
    /// Collected where every section is visited, whether it is there or not.
    package var keys: Set<PolicyKey> = []
    let isCatalogue: Bool

    package init(file: String, isCatalogue: Bool = false, resource: @escaping (String) throws -> [UInt8]) {
        self.file = file
        self.resource = resource
        self.isCatalogue = isCatalogue
    }

    /// Ends the reading.
    /// - Throws: Everything that is wrong, line by line.
    package func finish<Value>(_ value: Value?) throws(PolicyErrors) -> Value {
        guard let value, errors.isEmpty else {
            throw PolicyErrors(errors: errors.sorted { ($0.line ?? 0, $0.key) < ($1.line ?? 0, $1.key) })
        }
        return value
    }
}

/// Keys and values of one section of a policy: each key is asked for once, by its name and its type, and a key that nobody asked for is an
/// error.
///
/// A value that is not what it should be is noted as an error, and reads as if it were absent; the reading fails in the end.
package struct PolicyMap {
    private let reading: PolicyReading
    /// The section, as errors and findings name it.
    package let path: String
    /// The section, as the documentation does.
    private let pattern: String
    package let line: Int?
    private let pairs: [String: (value: Node, line: Int?)]
    private var asked: [String] = []

    package init(_ reading: PolicyReading, _ node: Node?, path: String = "", pattern: String = "", line: Int? = nil) {
        self.reading = reading
        self.path = path
        self.pattern = pattern
        self.line = line
        var pairs: [String: (Node, Int?)] = [:]
        for (key, value) in node?.mapping ?? Node.Mapping([]) {
            pairs[key.scalar?.string ?? ""] = (value, key.mark?.line)
        }
        self.pairs = pairs
    }

    /// Whether nothing is read, and only asked which keys there are.
    package var isCatalogue: Bool { reading.isCatalogue }

    package func path(of name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    private func pattern(of name: String) -> String { pattern.isEmpty ? name : "\(pattern).\(name)" }

    package func refuse(_ name: String?, _ line: Int?, _ expected: String, _ found: String) {
        reading.errors.append(
            PolicyError(
                file: reading.file, line: line, key: name.map(path(of:)) ?? (path.isEmpty ? "policy" : path),
                expected: expected, found: found))
    }

    /// Refuses the section as a whole.
    package func refuse(_ expected: String, _ found: String) { refuse(nil, line, expected, found) }

    /// Whether a key is there, whatever its value.
    package func has(_ name: String) -> Bool { pairs[name] != nil }

    /// Whether a key is there with anything behind it.
    package func hasContent(_ name: String) -> Bool {
        guard let node = pairs[name]?.value else { return false }
        return node.mapping?.isEmpty != true && node.scalar?.string.isEmpty != true
    }

    /// Notes that a key has to be there.
    package mutating func require<Value>(_ name: String, _ expected: String, _ value: Value?) -> Value? {
        if value == nil, pairs[name] == nil {
            refuse(name, line, "\(expected); without it nothing is accepted", "no such line")
        }
        return value
    }

    /// Ends the section: what nobody asked for is an error, with the nearest key that somebody did.
    package func finish() {
        for (name, pair) in pairs where !asked.contains(name) {
            let nearest = asked.min { (editDistance($0, name), $0) < (editDistance($1, name), $1) }
            refuse(
                name, pair.line,
                nearest.map { editDistance($0, name) <= max(2, name.count / 2) ? "a known key, perhaps \($0)" : nil }
                    .flatMap { $0 } ?? "a known key: \(asked.sorted().joined(separator: ", "))",
                "\(name), which is none")
        }
    }

    // MARK: Values

    private mutating func node(_ name: String, _ type: String) -> (value: Node, line: PolicyLine)? {
        asked.append(name)
        reading.keys.insert(PolicyKey(path: pattern(of: name), type: type))
        guard let pair = pairs[name] else { return nil }
        return (pair.value, PolicyLine(path(of: name), line: pair.line))
    }

    /// A single value, by what its text means.
    package mutating func scalar<Value: Sendable>(
        _ name: String, _ type: String, _ parse: (String) -> Value?
    ) -> Setting<Value>? {
        guard let (node, line) = node(name, type) else { return nil }
        guard let text = node.scalar?.string, let value = parse(text) else {
            refuse(name, line.line, type, describe(node))
            return nil
        }
        return Setting(value, line)
    }

    /// A list, by what the text of each entry means; a text alone is a list of one.
    package mutating func list<Value: Sendable>(
        _ name: String, _ type: String, _ parse: (String) -> Value?
    ) -> Setting<[Value]>? {
        guard let (node, line) = node(name, "list of: \(type)") else { return nil }
        var values: [Value] = []
        for entry in node.sequence.map(Array.init) ?? [node] {
            guard let text = entry.scalar?.string, let value = parse(text) else {
                refuse(name, entry.mark?.line ?? line.line, type, describe(entry))
                return nil
            }
            values.append(value)
        }
        return Setting(values, line)
    }

    private func describe(_ node: Node) -> String {
        switch node {
        case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "\"\(scalar.string.prefix(80))\""
        case .mapping: "keys and values"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    package mutating func string(_ name: String) -> Setting<String>? { scalar(name, "text") { $0.isEmpty ? nil : $0 } }

    package mutating func strings(_ name: String, _ type: String = "text") -> Setting<[String]>? {
        list(name, type) { $0.isEmpty ? nil : $0 }
    }

    package mutating func bool(_ name: String) -> Setting<Bool>? {
        scalar(name, "true or false") { ["true": true, "false": false][$0] }
    }

    /// An integer in decimal or, behind `0x`, in hexadecimal.
    package mutating func integer<I: FixedWidthInteger & Sendable>(_ name: String, _ range: ClosedRange<I>) -> Setting<
        I
    >? {
        scalar(name, Self.type(range)) { text in Self.integer(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    package mutating func integers(_ name: String, _ range: ClosedRange<Int>) -> Setting<Set<Int>>? {
        list(name, Self.type(range)) { text in Self.integer(text).flatMap { range.contains($0) ? $0 : nil } }
            .map { Setting(Set($0.value), $0.line) }
    }

    private static func type<I: FixedWidthInteger>(_ range: ClosedRange<I>) -> String {
        let last = range.upperBound == I.max ? "2^\(I.bitWidth - (I.isSigned ? 1 : 0)) - 1" : "\(range.upperBound)"
        return "integer from \(range.lowerBound) to \(last)"
    }

    static func integer<I: FixedWidthInteger>(_ text: String) -> I? {
        text.hasPrefix("0x") ? I(text.dropFirst(2), radix: 16) : I(text)
    }

    private static func bytes(_ text: String, _ counts: Set<Int>) -> [UInt8]? {
        PliniusVerifier.bytes(hexadecimal: text.utf8).flatMap { counts.contains($0.count) ? $0 : nil }
    }

    private static func type(_ counts: Set<Int>) -> String {
        "\(counts.sorted().map(String.init).joined(separator: " or ")) bytes in hexadecimal"
    }

    package mutating func bytes(_ name: String, _ count: Int) -> Setting<[UInt8]>? {
        scalar(name, Self.type([count])) { Self.bytes($0, [count]) }
    }

    package mutating func byteLists(_ name: String, _ counts: Set<Int>) -> Setting<[[UInt8]]>? {
        list(name, Self.type(counts)) { Self.bytes($0, counts) }
    }

    package mutating func byteSet(_ name: String, _ counts: Set<Int>) -> Setting<Set<[UInt8]>>? {
        byteLists(name, counts).map { Setting(Set($0.value), $0.line) }
    }

    package mutating func patterns(_ name: String) -> Setting<[Pattern]>? {
        list(name, "pattern with * and ?") { $0.isEmpty ? nil : Pattern($0) }
    }

    /// One of several names.
    package mutating func choice<Value: Sendable>(_ name: String, _ values: [String: Value]) -> Setting<Value>? {
        scalar(name, values.keys.sorted().joined(separator: ", ")) { values[$0] }
    }

    package mutating func choices<Value: Hashable & Sendable>(_ name: String, _ values: [String: Value]) -> Setting<
        Set<Value>
    >? {
        list(name, values.keys.sorted().joined(separator: ", ")) { values[$0] }.map { Setting(Set($0.value), $0.line) }
    }

    /// A list of names, in the policy's order.
    package mutating func names<Value: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ type: Value.Type = Value.self
    ) -> Setting<[Value]>? where Value.RawValue == String {
        list(name, Value.allCases.map(\.rawValue).sorted().joined(separator: ", ")) { Value(rawValue: $0) }
    }

    /// Bits by their names.
    package mutating func flags<Bits: OptionSet & Sendable>(
        _ name: String, _ values: [String: Bits]
    ) -> Setting<Bits>? where Bits.Element == Bits {
        list(name, values.keys.sorted().joined(separator: ", ")) { values[$0] }.map { Setting(Bits($0.value), $0.line) }
    }

    /// A date, at its beginning, or a date with a time; both are UTC.
    package mutating func instant(_ name: String) -> Setting<Instant>? {
        scalar(name, "date such as 2025-07-01 or 2025-07-01T12:00:00Z") { text in
            let strategy = Date.ISO8601FormatStyle()
            guard text.utf8.count == 10 || text.utf8.count == 20,
                let date = try? Date(text.utf8.count == 10 ? text + "T00:00:00Z" : text, strategy: strategy)
            else { return nil }
            return Instant(seconds: Int64(date.timeIntervalSince1970))
        }
    }

    /// The contents of the files that a list names.
    package mutating func files<Value: Sendable>(
        _ name: String, _ parse: ([UInt8]) throws(EvidenceError) -> Value
    ) -> Setting<[Value]>? {
        guard let names = strings(name, "file, beside the policy") else { return nil }
        var values: [Value] = []
        for file in names.value {
            do {
                let bytes = try reading.resource(file)
                values.append(try parse(bytes))
            } catch {
                refuse(name, names.line.line, "a file that can be read", "\(file): \(error)")
                return nil
            }
        }
        return Setting(values, names.line)
    }

    // MARK: Sections

    package mutating func map<Value: Sendable>(_ name: String, _ read: (inout PolicyMap) -> Value) -> Setting<Value>? {
        guard let (node, line) = node(name, "section") else {
            visit(name, read)
            return nil
        }
        // A section without keys is one: `sgx:` alone.
        guard node.mapping != nil || node.scalar?.string.isEmpty == true else {
            refuse(name, line.line, "keys and values", describe(node))
            return nil
        }
        return Setting(self.read(node, line, pattern(of: name), read), line)
    }

    /// A section, or a word in its place: `nil` for the word.
    package mutating func map<Value: Sendable>(
        _ name: String, orWord word: String, _ read: (inout PolicyMap) -> Value
    ) -> Setting<Value?>? {
        guard let (node, line) = node(name, "section, or \(word)") else {
            visit(name, read)
            return nil
        }
        if node.scalar?.string == word { return Setting(nil, line) }
        guard node.mapping != nil else {
            refuse(name, line.line, "keys and values, or \(word)", describe(node))
            return nil
        }
        return Setting(self.read(node, line, pattern(of: name), read), line)
    }

    /// A list of sections.
    package mutating func maps<Value: Sendable>(_ name: String, _ read: (inout PolicyMap) -> Value?) -> Setting<
        [Value]
    >? {
        guard let (node, line) = node(name, "list of sections") else {
            visit("\(name)[]", read)
            return nil
        }
        guard let entries = node.sequence, entries.allSatisfy({ $0.mapping != nil }) else {
            refuse(name, line.line, "a list of keys and values", describe(node))
            return nil
        }
        let values = entries.enumerated().compactMap { index, entry in
            let place = PolicyLine("\(line.setting)[\(index)]", line: entry.mark?.line ?? line.line)
            return self.read(entry, place, pattern(of: "\(name)[]"), read)
        }
        return Setting(values, line)
    }

    /// A section whose keys are numbers, or other names of one kind; empty if it is not there.
    package mutating func table<Key: Hashable, Value: Sendable>(
        _ name: String, keys: String, _ parse: (String) -> Key?, _ read: (inout PolicyMap, String) -> Value?
    ) -> [Key: Value] {
        var table: [Key: Value] = [:]
        for (key, value) in rows(name, keys: keys, parse, read)?.value ?? [:] {
            if let key = parse(key) { table[key] = value }
        }
        return table
    }

    /// The same, by the keys' own texts, with the section's line.
    package mutating func rows<Key: Hashable, Value: Sendable>(
        _ name: String, keys: String, _ parse: (String) -> Key?, _ read: (inout PolicyMap, String) -> Value?
    ) -> Setting<[String: Value]>? {
        map(name) { section -> [String: Value] in
            guard !section.reading.isCatalogue else {
                _ = read(&section, keys)
                return [:]
            }
            var values: [String: Value] = [:]
            for key in section.pairs.keys where parse(key) != nil { values[key] = read(&section, key) }
            return values
        }
    }

    /// A table's key that is a number in a range, in the one way of writing it: `01` beside `1` would be another key of the same meaning.
    package static func index(_ text: String, _ range: ClosedRange<Int>) -> Int? {
        Int(text).flatMap { range.contains($0) && String($0) == text ? $0 : nil }
    }

    private func read<Value>(
        _ node: Node, _ line: PolicyLine, _ pattern: String, _ read: (inout PolicyMap) -> Value
    ) -> Value {
        var section = PolicyMap(reading, node, path: line.setting, pattern: pattern, line: line.line)
        let value = read(&section)
        section.finish()
        return value
    }

    /// Learns which keys a section has that is not there.
    private func visit<Value>(_ name: String, _ read: (inout PolicyMap) -> Value) {
        guard reading.isCatalogue else { return }
        var section = PolicyMap(reading, nil, path: path(of: name), pattern: pattern(of: name))
        _ = read(&section)
    }
}

/// How many characters have to be added, removed or replaced to make one text of another (Levenshtein).
func editDistance(_ first: String, _ second: String) -> Int {
    let second = Array(second)
    var row = Array(0...second.count)
    for (index, character) in first.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for place in second.indices {
            let replaced = diagonal + (second[place] == character ? 0 : 1)
            diagonal = row[place + 1]
            row[place + 1] = min(replaced, row[place] + 1, diagonal + 1)
        }
    }
    return row[second.count]
}
