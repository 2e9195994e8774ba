/// Why samples cannot be read.
public struct SourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure; compare with these.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case unreadable, wrongFormat, unsupported, damaged, truncated, oversized, mismatch, labelOutOfRange,
                ambiguous
        }
        private let kind: Kind

        /// The system does not let the file be read.
        public static let unreadable = Code(kind: .unreadable)
        /// The file is of another format than it should be.
        public static let wrongFormat = Code(kind: .wrongFormat)
        /// The format is the right one, and uses what is not taken from strangers or not known here.
        public static let unsupported = Code(kind: .unsupported)
        /// What the file says contradicts itself, its checksum, or the rules of its format.
        public static let damaged = Code(kind: .damaged)
        /// The file ends before its data do.
        public static let truncated = Code(kind: .truncated)
        /// There is more than there may be: behind the data, or beyond a limit.
        public static let oversized = Code(kind: .oversized)
        /// Two files do not belong together.
        public static let mismatch = Code(kind: .mismatch)
        /// A label names no class.
        public static let labelOutOfRange = Code(kind: .labelOutOfRange)
        /// More than one label fits.
        public static let ambiguous = Code(kind: .ambiguous)

        public var description: String { kind.rawValue }
    }

    /// What kind of failure.
    public let code: Code
    /// The file that it was found in.
    public let file: String
    /// Where in the file's data, decompressed if they were compressed; `nil` if nowhere in particular.
    public let position: Int?
    /// What was checked, expected and found, and what to do.
    public let message: String

    public var description: String {
        position.map { "\(file), byte \($0): \(message)" } ?? "\(file): \(message)"
    }

    init(_ code: Code, _ file: String, at position: Int? = nil, _ message: String) {
        self.code = code
        self.file = file
        self.position = position
        self.message = message
    }
}
