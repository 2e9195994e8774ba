/// A policy file while it is written: keys in the order in which they were set, each with a remark if there is something to say.
struct PolicyDraft {
    /// What stands behind a key.
    enum Value: Hashable {
        case text(String)
        case list([String])
        /// A section without keys.
        case section
        /// A list of sections, each of single texts and lists.
        case sections([[(key: String, value: [String])]])

        static func == (first: Value, second: Value) -> Bool { first.lines("", "") == second.lines("", "") }
        func hash(into hasher: inout Hasher) { hasher.combine(lines("", "")) }
    }

    private struct Entry {
        var path: [String]
        var value: Value
        var remark: String?
    }

    private var entries: [Entry] = []

    /// Whether a key is set.
    func has(_ path: String) -> Bool { entries.contains { $0.path == Self.parts(path) } }

    /// Sets a key, or replaces it where it stands.
    mutating func set(_ path: String, _ value: Value, remark: String? = nil) {
        let entry = Entry(path: Self.parts(path), value: value, remark: remark)
        if let index = entries.firstIndex(where: { $0.path == entry.path }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    /// The file.
    var yaml: String { Self.text(entries, indentation: "") }

    private static func parts(_ path: String) -> [String] { path.split(separator: ".").map(String.init) }

    private static func text(_ entries: [Entry], indentation: String) -> String {
        var keys: [String] = []
        for entry in entries where !keys.contains(entry.path[0]) { keys.append(entry.path[0]) }
        return keys.map { key in
            let own = entries.filter { $0.path[0] == key }
            let leaf = own.first { $0.path.count == 1 }
            let inner = own.filter { $0.path.count > 1 }.map {
                Entry(path: Array($0.path.dropFirst()), value: $0.value, remark: $0.remark)
            }
            var text = (leaf?.remark).map { "\(indentation)# \($0)\n" } ?? ""
            if inner.isEmpty, let leaf {
                text += leaf.value.lines(key, indentation)
            } else {
                text += "\(indentation)\(key):\n" + self.text(inner, indentation: indentation + "  ")
            }
            return text
        }.joined()
    }
}

extension PolicyDraft.Value {
    fileprivate func lines(_ key: String, _ indentation: String) -> String {
        switch self {
        case .text(let text): return "\(indentation)\(key): \(Self.quoted(text))\n"
        case .section: return "\(indentation)\(key):\n"
        case .list(let texts):
            if texts.count <= 1 { return "\(indentation)\(key): [\(texts.map(Self.quoted).joined())]\n" }
            return "\(indentation)\(key):\n" + texts.map { "\(indentation)  - \(Self.quoted($0))\n" }.joined()
        case .sections(let sections):
            let rows = sections.map { section in
                section.enumerated().map { index, field in
                    let values = field.value.map(Self.quoted)
                    let value = values.count == 1 ? values[0] : "[\(values.joined(separator: ", "))]"
                    return "\(indentation)  \(index == 0 ? "-" : " ") \(field.key): \(value)\n"
                }.joined()
            }
            return "\(indentation)\(key):\n" + rows.joined()
        }
    }

    /// A text as YAML has it; in quotes where it could be taken for something else.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                    || [43, 45, 46, 95].contains(byte)
            } && !text.isEmpty && !text.hasPrefix("-")
        guard !isPlain else { return text }
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: "\\x" + hexadecimal([UInt8(scalar.value)])
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
