import Crypto
import PliniusVerifier

/// What changed from one version of a policy to another.
public struct PolicyDifference: Sendable {
    /// One value; lists of texts have a change for each entry that came or went.
    public struct Change: Hashable, Sendable, CustomStringConvertible {
        /// The key, with those around it; uses by their names: `uses[train].runs`.
        public let path: String
        /// `nil` if it was not there.
        public let old: CanonicalJSON?
        /// `nil` if it is gone.
        public let new: CanonicalJSON?

        package init(path: String, old: CanonicalJSON?, new: CanonicalJSON?) {
            self.path = path
            self.old = old
            self.new = new
        }

        public var description: String {
            switch (old, new) {
            case (let old?, let new?): "changed \(path): \(Self.shown(old)) -> \(Self.shown(new))"
            case (nil, let new?): "added   \(path): \(Self.shown(new))"
            case (let old?, nil): "removed \(path): \(Self.shown(old))"
            case (nil, nil): ""
            }
        }

        private static func shown(_ json: CanonicalJSON) -> String {
            json.text ?? String(decoding: json.encoded, as: UTF8.self)
        }
    }

    /// In the order of the paths.
    public let changes: [Change]
    /// What the new version says that its owner should have meant, and the old one did not say.
    public let warnings: [PolicyWarning]

    public init(from old: OwnerPolicy, to new: OwnerPolicy) {
        var changes: [Change] = []
        Self.compare(old.document, new.document, "", &changes)
        self.changes = changes
        let known = old.warnings.reduce(into: [:]) { $0[Known($1), default: 0] += 1 }
        var left = known
        warnings = new.warnings.filter { warning in
            left[Known(warning), default: 0] -= 1
            return left[Known(warning), default: 0] < 0
        }
    }

    public var isEmpty: Bool { changes.isEmpty }

    /// For people, a change a line, warnings below.
    public var text: String {
        (changes.map(\.description) + warnings.map { "warning \($0)" }).joined(separator: "\n")
    }

    /// For programs: `[{"path": …, "old": …, "new": …}]`, without what is not there.
    public var json: CanonicalJSON {
        .array(
            changes.map { change in
                var members: [String: CanonicalJSON] = ["path": .string(change.path)]
                members["old"] = change.old
                members["new"] = change.new
                return .object(members)
            })
    }

    /// A warning, wherever it stands.
    private struct Known: Hashable {
        let check: String
        let text: String
        let setting: String

        init(_ warning: PolicyWarning) {
            check = warning.check
            text = warning.text
            setting = warning.line.setting
        }
    }

    // MARK: Comparing

    private static func compare(
        _ old: CanonicalJSON?, _ new: CanonicalJSON?, _ path: String, _ changes: inout [Change]
    ) {
        guard old != new else { return }
        func below(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        if let first = old?.members ?? (new?.members.map { _ in [:] }),
            let second = new?.members ?? (old?.members.map { _ in [:] }), old == nil || old?.members != nil,
            new == nil || new?.members != nil
        {
            if first.isEmpty, second.isEmpty { changes.append(Change(path: path, old: old, new: new)) }
            for name in Set(first.keys).union(second.keys).sorted() {
                if path.isEmpty, name == "files" {
                    compareFiles(first[name], second[name], &changes)
                } else {
                    compare(first[name], second[name], below(name), &changes)
                }
            }
        } else if let first = texts(old), let second = texts(new), old?.entries != nil || new?.entries != nil {
            let (before, after) = (Set(first), Set(second))
            let gone = first.filter { !after.contains($0) }
            let come = second.filter { !before.contains($0) }
            changes += gone.map { Change(path: path, old: .string($0), new: nil) }
            changes += come.map { Change(path: path, old: nil, new: .string($0)) }
            // The same entries in another form or order mean the same; the hash is another.
            if gone.isEmpty, come.isEmpty { changes.append(Change(path: path, old: old, new: new)) }
        } else if let first = named(old), let second = named(new) {
            let before = Dictionary(uniqueKeysWithValues: first.map { ($0.name, $0.value) })
            let after = Dictionary(uniqueKeysWithValues: second.map { ($0.name, $0.value) })
            let count = changes.count
            for key in first.map(\.name) + second.map(\.name).filter({ before[$0] == nil }) {
                compare(before[key], after[key], "\(path)[\(key)]", &changes)
            }
            if changes.count == count { changes.append(Change(path: path, old: old, new: new)) }
        } else {
            changes.append(Change(path: path, old: old, new: new))
        }
    }

    /// A list of texts; one text is a list of one.
    private static func texts(_ json: CanonicalJSON?) -> [String]? {
        guard let json else { return [] }
        if let text = json.text { return [text] }
        let texts = json.entries?.compactMap(\.text)
        return texts?.count == json.entries?.count ? texts : nil
    }

    /// A list of sections by what they are called: a name, else the purpose, else the whole section, as rules of a board have it.
    private static func named(_ json: CanonicalJSON?) -> [(name: String, value: CanonicalJSON)]? {
        guard let json else { return [] }
        guard let entries = json.entries, entries.allSatisfy({ $0.members != nil }) else { return nil }
        let named = entries.map { entry in
            let name = entry["name"]?.text ?? entry["purpose"]?.text ?? entry["key"]?.text
            return (name: name ?? String(decoding: entry.encoded, as: UTF8.self), value: entry)
        }
        return Set(named.map(\.name)).count == named.count ? named : nil
    }

    /// Files by what their lines say: nobody reads them in base64.
    private static func compareFiles(_ old: CanonicalJSON?, _ new: CanonicalJSON?, _ changes: inout [Change]) {
        let first = old?.members ?? [:]
        let second = new?.members ?? [:]
        for name in Set(first.keys).union(second.keys).sorted() where first[name] != second[name] {
            let before = first[name]?.text.flatMap { bytes(base64: $0) }
            let after = second[name]?.text.flatMap { bytes(base64: $0) }
            let lines = [before, after].map { Set(($0 ?? []).split(separator: UInt8(ascii: "\n"))) }
            func shown(_ content: [UInt8]?, _ own: Set<ArraySlice<UInt8>>, _ other: Set<ArraySlice<UInt8>>)
                -> CanonicalJSON?
            {
                content.map { content in
                    let digest = hexadecimal(SHA256.hash(data: content)).prefix(16)
                    return .string(
                        "\(content.count) bytes, sha256 \(digest)…, \(own.subtracting(other).count) lines of its own")
                }
            }
            changes.append(
                Change(
                    path: "files.\(name)", old: shown(before, lines[0], lines[1]),
                    new: shown(after, lines[1], lines[0])))
        }
    }
}
