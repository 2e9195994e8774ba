/// Why a model cannot be read from a file, or not be written to one.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure; compare with these.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String { case damaged, mismatch, unsupported, oversized }
        private let kind: Kind

        /// What the file says contradicts itself or the rules of its format, or is no finite number.
        public static let damaged = Code(kind: .damaged)
        /// The file is sound, and is of another network than the configuration.
        public static let mismatch = Code(kind: .mismatch)
        /// The format is the right one, and uses what is not known here; or it has no form for the network.
        public static let unsupported = Code(kind: .unsupported)
        /// The file says that it is larger than may be.
        public static let oversized = Code(kind: .oversized)

        public var description: String { kind.rawValue }
    }

    /// What kind of failure.
    public let code: Code
    /// The file, or the layer that has no form in it.
    public let subject: String
    /// What was checked, expected and found, and what to do.
    public let message: String

    public var description: String { "\(subject): \(message)" }

    init(_ code: Code, _ subject: String, _ message: String) {
        self.code = code
        self.subject = subject
        self.message = message
    }

    /// Most lines of a list; a file of another network altogether would fill the screen.
    private static let maximumLines = 40

    /// Lists all that differs, a line each.
    init(_ code: Code, _ subject: String, _ message: String, listing lines: [String]) {
        let shown = lines.prefix(Self.maximumLines).map { "\n  \($0)" }.joined()
        let rest = lines.count - Self.maximumLines
        self.init(code, subject, message + shown + (rest > 0 ? "\n  and \(rest) more" : ""))
    }
}
