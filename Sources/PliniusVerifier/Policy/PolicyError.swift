/// What is wrong with a policy file, at one place.
public struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; `nil` for what the whole file lacks.
    public var line: Int?
    /// The key, with those around it: `sgx.mrenclave`.
    public var key: String
    public var expected: String
    public var found: String

    package init(file: String, line: Int?, key: String, expected: String, found: String) {
        self.file = file
        self.line = line
        self.key = key
        self.expected = expected
        self.found = found
    }

    public var description: String {
        "\(file):\(line.map { "\($0):" } ?? "") \(key): expected \(expected), found \(found)"
    }
}

/// Everything that is wrong with a policy file; nothing of such a policy counts.
public struct PolicyErrors: Error, Hashable, Sendable, CustomStringConvertible {
    /// In the order of the lines.
    public var errors: [PolicyError]

    package init(errors: [PolicyError]) { self.errors = errors }

    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
