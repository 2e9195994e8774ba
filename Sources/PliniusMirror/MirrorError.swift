public import PliniusPersistence
import _PliniusSupport

/// Why a pool is not resumed from, or a mirror not made.
///
/// A pool that is refused is left as it was found.
public struct MirrorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure; compare with these.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case notAPool, unsupportedVersion, truncated, oversized, wrongKey, otherRun, tampered, noUsableMirror, media
        }
        private let kind: Kind

        /// The file does not begin as a pool does.
        public static let notAPool = Code(kind: .notAPool)
        /// The pool was made by another version of this program.
        public static let unsupportedVersion = Code(kind: .unsupportedVersion)
        /// The file ends before the pool does.
        public static let truncated = Code(kind: .truncated)
        /// The file goes on after the pool has ended.
        public static let oversized = Code(kind: .oversized)
        /// The pool was made with another owner key.
        public static let wrongKey = Code(kind: .wrongKey)
        /// The pool is sound and holds another run than the one asked for.
        public static let otherRun = Code(kind: .otherRun)
        /// Bytes were changed by somebody without the key, or by a failing device.
        public static let tampered = Code(kind: .tampered)
        /// No slot says that it holds a finished mirror.
        public static let noUsableMirror = Code(kind: .noUsableMirror)
        /// The medium failed; the cause tells how.
        public static let media = Code(kind: .media)

        /// Whether the pool was refused for what is in it, rather than for a failing machine.
        public var isRefusal: Bool { self != .media }
        public var description: String { kind.rawValue }
    }

    /// What kind of failure.
    public let code: Code
    /// What was checked, what was expected and found, what to do.
    public let message: String
    /// In which parts another run differs from the expected one; empty for every other code.
    public let differences: [RunIdentity.Part]
    /// What the medium said.
    public let cause: PersistenceError?

    public var description: String { message }

    private init(_ code: Code, _ message: String, differences: [RunIdentity.Part] = [], cause: PersistenceError? = nil)
    {
        self.code = code
        self.message = message
        self.differences = differences
        self.cause = cause
    }

    static let notAPool = MirrorError(
        .notAPool,
        "The file is no pool of Plinius: it does not begin with PLINPOOL. It was left alone; check the name of the file."
    )

    static let wrongKey = MirrorError(
        .wrongKey,
        "The pool was made with another owner key (its key check does not match). Give the key that the run began with."
    )

    static func unsupportedVersion(_ version: UInt32) -> MirrorError {
        MirrorError(
            .unsupportedVersion,
            "The pool has format \(version), and this program reads format \(Superblock.version): use the program "
                + "that made it.")
    }

    static func truncated(found: Int, expected: Int) -> MirrorError {
        MirrorError(
            .truncated,
            "The pool was cut off: the file holds \(found) bytes, and the pool takes at least \(expected). "
                + "Restore it from a copy, or begin a new run in another file.")
    }

    static func oversized(found: Int, expected: Int) -> MirrorError {
        MirrorError(
            .oversized,
            "The file holds \(found) bytes, and the pool in it only \(expected): something was appended. "
                + "Restore it from a copy, or begin a new run in another file.")
    }

    static func otherRun(_ differences: [RunIdentity.Part]) -> MirrorError {
        let list = differences.map(\.description).joined(separator: ", ")
        return MirrorError(
            .otherRun,
            "The pool holds another run: it differs in \(list). Ask for the run that it holds, or name another pool.",
            differences: differences)
    }

    static func tampered(_ place: String, _ finding: String, _ note: String = "") -> MirrorError {
        MirrorError(
            .tampered,
            "The pool was changed without its key: \(place): \(finding).\(note.isEmpty ? "" : " ")\(note) "
                + "Nothing was taken from it. Restore it from a copy, or begin a new run in another file.")
    }

    static let noUsableMirror = MirrorError(
        .noUsableMirror,
        "Neither slot of the pool says that it holds a finished mirror. One of them always does after a crash, so the pool was "
            + "changed. Restore it from a copy, or begin a new run in another file.")

    static func media(_ cause: PersistenceError) -> MirrorError {
        MirrorError(.media, "The mirror could not be made durable: \(cause.message)", cause: cause)
    }
}
