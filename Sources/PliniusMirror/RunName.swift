/// What a run is called in its pool.
///
/// 1 to 40 letters, digits, `.`, `_` and `-` of ASCII, of which the first is neither `.` nor `-`: good in a file name and on a command line.
public struct RunName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name, in bytes.
    public static let maximumByteCount = 40
    /// What stands before the name in the pool's list of roots, where other things than runs have names, too.
    private static let prefix = "run/"

    /// The name.
    public let description: String

    /// Takes a name that somebody chose.
    /// - Throws: `.invalidName`.
    public init(_ text: String) throws(MirrorError) {
        let isNamed = (1...Self.maximumByteCount).contains(text.utf8.count) && text.first != "." && text.first != "-"
        guard isNamed && text.utf8.allSatisfy(Self.isAllowed) else { throw .invalidName(text) }
        description = text
    }

    /// The run that a root of the pool stands for; `nil` if it stands for something else.
    init?(root: String) {
        guard root.hasPrefix(Self.prefix), let name = try? RunName(String(root.dropFirst(Self.prefix.count))) else {
            return nil
        }
        self = name
    }

    /// The root that stands for the run.
    var root: String { Self.prefix + description }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
    }
}
