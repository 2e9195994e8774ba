/// Why bytes are not what they should be: what was checked, what was expected, what was found.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The name of the check, which stays the same: `json.canonical`, `statement.sequence`.
    public let check: String
    public let expected: String
    public let found: String

    public init(_ check: String, expected: String, found: String) {
        self.check = check
        self.expected = expected
        self.found = found
    }

    public var description: String { "\(check): expected \(expected), found \(found)" }
}
