/// A text with gaps, as policies name files and command lines.
///
/// `*` stands for any characters, none and `/` included, `?` for one; a backslash takes the meaning from the character behind it. It
/// matches whole texts only.
public struct Pattern: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// As the policy has it.
    public let description: String
    private let parts: [Part]

    private enum Part: Hashable {
        case byte(UInt8)
        case one
        case any
    }

    public init(_ text: String) {
        description = text
        var parts: [Part] = []
        var isEscaped = false
        for byte in text.utf8 {
            switch (isEscaped, byte) {
            case (false, UInt8(ascii: "\\")):
                isEscaped = true
                continue
            // Several in a row say no more than one.
            case (false, UInt8(ascii: "*")): if parts.last != .any { parts.append(.any) }
            case (false, UInt8(ascii: "?")): parts.append(.one)
            default: parts.append(.byte(byte))
            }
            isEscaped = false
        }
        if isEscaped { parts.append(.byte(UInt8(ascii: "\\"))) }
        self.parts = parts
    }

    /// The pattern that matches one text alone.
    public init(exactly text: String) {
        self.init(
            text.reduce(into: "") { escaped, character in
                if "*?\\".contains(character) { escaped.append("\\") }
                escaped.append(character)
            })
    }

    /// Whether the whole text matches, byte by byte.
    ///
    /// O(length of the text · length of the pattern).
    public func matches(_ text: some StringProtocol) -> Bool {
        let text = Array(text.utf8)
        var position = 0
        var part = 0
        // Where to go on if what follows the last gap does not fit: one byte later in the text.
        var retry: (position: Int, part: Int)?
        while position < text.count {
            if part < parts.count, parts[part] == .any {
                retry = (position, part + 1)
                part += 1
            } else if part < parts.count, parts[part] == .one || parts[part] == .byte(text[position]) {
                position += 1
                part += 1
            } else if let gap = retry {
                retry = (gap.position + 1, gap.part)
                position = gap.position + 1
                part = gap.part
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .any }
    }

    public static func < (first: Pattern, second: Pattern) -> Bool { first.description < second.description }
}
