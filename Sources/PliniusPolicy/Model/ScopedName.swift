/// A name within an owner's namespace: `hospital-a/scans`.
///
/// Each part has 1 to 64 characters, of `a`–`z`, `0`–`9`, `-`, `_` and `.`, and begins with a letter or a digit: names go into paths,
/// logs and signed bytes, and must look the same everywhere.
public struct ScopedName: Hashable, Comparable, Sendable {
    /// The owner who alone decides what the name means.
    public let namespace: String
    public let name: String

    /// Takes two parts.
    /// - Returns: `nil` if either is no name.
    public init?(namespace: String, name: String) {
        guard Self.isName(namespace), Self.isName(name) else { return nil }
        self.namespace = namespace
        self.name = name
    }

    /// Reads `namespace/name`.
    /// - Returns: `nil` if that is something else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        self.init(namespace: String(parts[0]), name: String(parts[1]))
    }

    /// Whether a text can be a namespace, or a name in one.
    public static func isName(_ text: String) -> Bool {
        let characters = Array(text.utf8)
        guard let first = characters.first, characters.count <= 64 else { return false }
        func isPlain(_ character: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character)
        }
        return isPlain(first) && characters.allSatisfy { isPlain($0) || "-_.".utf8.contains($0) }
    }

    public static func < (first: ScopedName, second: ScopedName) -> Bool {
        (first.namespace, first.name) < (second.namespace, second.name)
    }
}

extension ScopedName: CustomStringConvertible {
    public var description: String { "\(namespace)/\(name)" }
}

extension ScopedName: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let name = ScopedName(text) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath, debugDescription: "no name of the form owner/name"))
        }
        self = name
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
