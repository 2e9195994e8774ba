import PliniusVerifier
import Yams

typealias PolicyNode = Node

/// A policy on its way between its file and what is hashed: keys and values as the file has them, every value a text, and the files that it
/// names.
struct PolicyDocument {
    /// What errors call it.
    let file: String
    var tree: CanonicalJSON = [:]
    var files: [String: [UInt8]] = [:]
    /// Where keys and entries stand, by their paths.
    private(set) var lines: [String: Int] = [:]

    /// What no policy comes near; a file may name one part many times, so that it is short and its tree is not.
    private static let maximumNodes = 100_000
    private static let maximumTextBytes = 4 << 20
    /// Of all files that a policy names.
    static let maximumFileBytes = 16 << 20
    /// A statement around it has depth, too.
    private static let maximumDepth = CanonicalJSON.maximumDepth - 4
    private static let member = "files"

    init(file: String) { self.file = file }

    /// What is hashed.
    var json: CanonicalJSON {
        guard !files.isEmpty, case .object(var members) = tree else { return tree }
        members[Self.member] = .object(files.mapValues { .string(base64($0)) })
        return .object(members)
    }

    func errors(_ key: String, _ expected: String, _ found: String, line: Int? = nil) -> PolicyErrors {
        PolicyErrors(errors: [PolicyError(file: file, line: line, key: key, expected: expected, found: found)])
    }

    // MARK: From the file

    /// Refuses a file in which one part stands for another: a short one may mean so much that not even its keys can be compared.
    ///
    /// An asterisk begins an alias only where a value may begin. Asterisks in texts are seldom there; where one is, and an ampersand too, the
    /// file has to be written otherwise.
    func checkAliases(_ yaml: String) throws(PolicyErrors) {
        guard yaml.utf8.contains(UInt8(ascii: "&")) else { return }
        var line = 1
        // The last character that was no blank.
        var last: Unicode.Scalar = "\n"
        for scalar in yaml.unicodeScalars {
            if scalar == "*", Self.beforeValues.contains(last) {
                throw errors(
                    "policy", "values written out, and no & beside a text that begins with *", "an alias", line: line)
            }
            if scalar == "\n" { line += 1 }
            if ![" ", "\t", "\u{FEFF}"].contains(scalar) { last = scalar }
        }
    }

    /// What stands before a value, line breaks as YAML has them included.
    private static let beforeValues: Set<Unicode.Scalar> = [
        "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "[", "{", ",", ":", "-", "?",
    ]

    /// Takes the file's keys and values in.
    mutating func read(_ node: Node?) throws(PolicyErrors) {
        var budget = (nodes: Self.maximumNodes, bytes: Self.maximumTextBytes)
        guard let node, node.mapping != nil else { return }
        tree = try convert(node, "", depth: 1, &budget)
    }

    private mutating func convert(
        _ node: Node, _ path: String, depth: Int, _ budget: inout (nodes: Int, bytes: Int)
    ) throws(PolicyErrors) -> CanonicalJSON {
        budget.nodes -= 1
        budget.bytes -= node.scalar?.string.utf8.count ?? 0
        guard budget.nodes >= 0, budget.bytes >= 0, depth <= Self.maximumDepth else {
            throw errors(
                "policy",
                "at most \(Self.maximumNodes) values, \(Self.maximumTextBytes) bytes, \(Self.maximumDepth) of them in each other",
                "more", line: node.mark?.line)
        }
        switch node {
        case .scalar(let scalar): return .string(scalar.string)
        case .sequence(let sequence):
            var entries: [CanonicalJSON] = []
            for entry in sequence {
                let place = "\(path)[\(entries.count)]"
                lines[place] = entry.mark?.line
                entries.append(try convert(entry, place, depth: depth + 1, &budget))
            }
            return .array(entries)
        case .mapping(let mapping):
            var members: [String: CanonicalJSON] = [:]
            for (key, value) in mapping {
                guard let name = key.scalar?.string, members[name] == nil else {
                    throw errors("policy", "texts as keys, each once", "another key", line: key.mark?.line)
                }
                budget.bytes -= name.utf8.count
                let place = path.isEmpty ? name : "\(path).\(name)"
                lines[place] = key.mark?.line
                members[name] = try convert(value, place, depth: depth + 1, &budget)
            }
            return .object(members)
        case .alias: throw errors("policy", "values", "an alias", line: node.mark?.line)
        }
    }

    // MARK: From what was hashed

    /// Takes what was hashed apart.
    /// - Returns: The files.
    mutating func takeApart(_ json: CanonicalJSON) throws(PolicyErrors) -> [String: [UInt8]] {
        guard var members = json.members else { throw errors("policy", "an object", json.kind) }
        let files = members.removeValue(forKey: Self.member)
        tree = .object(members)
        guard let files else { return [:] }
        guard let named = files.members, !named.isEmpty else {
            throw errors(Self.member, "files by their names, or no such key", files.kind)
        }
        var contents: [String: [UInt8]] = [:]
        for (name, content) in named {
            guard let bytes = content.text.flatMap({ bytes(base64: $0) }) else {
                throw errors("\(Self.member).\(name)", "base64", content.kind)
            }
            contents[name] = bytes
        }
        return contents
    }

    /// The tree, as the reader of files takes it.
    var node: Node {
        get throws(PolicyErrors) { try node(of: tree) }
    }

    private func node(of json: CanonicalJSON) throws(PolicyErrors) -> Node {
        switch json {
        case .string(let text): return .scalar(Node.Scalar(text))
        case .array(let entries):
            var nodes: [Node] = []
            for entry in entries { nodes.append(try node(of: entry)) }
            return .sequence(Node.Sequence(nodes))
        case .object(let members):
            var pairs: [(Node, Node)] = []
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                pairs.append((.scalar(Node.Scalar(name)), try node(of: value)))
            }
            return .mapping(Node.Mapping(pairs))
        case .integer, .bool, .null: throw errors("policy", "texts, lists and objects", json.kind)
        }
    }
}
