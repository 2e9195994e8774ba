/// What a run is called in its pool.
///
/// 1 to 40 letters, digits, `.`, `_` and `-` of ASCII, of which the first is neither `.` nor `-`: good in a file name and on a command line.
public struct RunName: Hashable, Sendable, CustomStringConvertible {
    /// The longest name, in bytes.
    public static let maximumByteCount = 40

    /// The name.
    public let description: String

    /// Takes a name that somebody chose.
    /// - Throws: `.invalidName`.
    public init(_ text: String) throws(MirrorError) {
        let isNamed = (1...Self.maximumByteCount).contains(text.utf8.count) && text.first != "." && text.first != "-"
        guard isNamed && text.utf8.allSatisfy(Self.isAllowed) else { throw .invalidName(text) }
        description = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        let character = Character(Unicode.Scalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
    }
}
