public import PliniusMedia
import _PliniusSupport

/// Why a run is not begun or resumed, or a mirror not made.
///
/// A run that is refused is left as it was found.
public struct MirrorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Sendable, CustomStringConvertible {
        /// What has a run's name does not begin as a mirror does.
        case notAMirror
        /// The mirror was made by another version of this program.
        case unsupportedVersion
        /// The run was begun with another owner key.
        case wrongKey
        /// The mirror is sound and is of another run than the one asked for.
        case otherRun
        /// Bytes were changed by somebody without the key, or by a failing device.
        case tampered
        /// No slot says that it holds a finished mirror.
        case noUsableMirror
        /// The medium failed; the cause tells how.
        case media
        /// The mirror is sound, and a trusted counter, or whoever keeps its newest commit, says that it is an older one.
        case rolledBack
        /// The mirror is sound, and not the one of that number that is known: the run went on twice from one state.
        case forked
        /// That is no name for a run.
        case invalidName

        public var description: String { rawValue }
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

    static let notAMirror = MirrorError(
        .notAMirror,
        "What the pool has under the run's name is no mirror: it does not begin with PLINMIRR. It was left alone. Restore the "
            + "pool from a copy, or name another run.")

    static let wrongKey = MirrorError(
        .wrongKey,
        "The run was begun with another owner key (its key check does not match). Give the key that it began with.")

    static func unsupportedVersion(_ version: UInt32) -> MirrorError {
        MirrorError(
            .unsupportedVersion,
            "The run's mirror has format \(version), and this program reads format \(Superblock.version): use the program "
                + "that made it.")
    }

    /// Says in what `found` is another run than `expected`; `nil` if it is none.
    static func otherRun(_ found: RunIdentity, than expected: ExpectedRun) -> MirrorError? {
        let differences = expected.differences(from: found)
        if differences.isEmpty { return nil }
        let list = differences.map(\.description).joined(separator: ", ")
        let message =
            if let name = expected.name, name != found.name {
                "Under the name \(name) the pool holds the run \(found.name): somebody has changed the pool's names. Restore the "
                    + "pool from a copy."
            } else {
                "The pool holds another run: it differs in \(list). Ask for the run that it holds, or name another run or pool."
                    + (differences.contains(.dataSet) ? " Of several data sets, the order counts." : "")
            }
        return MirrorError(.otherRun, message, differences: differences)
    }

    /// Says that a sound mirror is not what was asked for, for a reason that only the caller knows.
    public static func otherRun(_ message: String) -> MirrorError { MirrorError(.otherRun, message) }

    static func invalidName(_ text: String) -> MirrorError {
        MirrorError(
            .invalidName,
            "\(String(reflecting: text)) is no name for a run: it takes 1 to \(RunName.maximumByteCount) letters, digits, '.', '_' "
                + "and '-', and begins with neither '.' nor '-'.")
    }

    static func tampered(_ place: String, _ finding: String, _ note: String = "") -> MirrorError {
        MirrorError(
            .tampered,
            "The run's mirror was changed without its key: \(place): \(finding).\(note.isEmpty ? "" : " ")\(note) "
                + "Nothing was taken from it. Restore the pool from a copy, or begin a new run.")
    }

    static func rolledBack(_ found: TrustedCount, _ counter: TrustedCount) -> MirrorError {
        MirrorError(
            .rolledBack,
            "The run's mirror was made when the trusted counter was to stand at \(found), and it stands at \(counter). A smaller number in "
                + "the mirror is that of an older pool: restore the newest. Else give the counter that the run began with; none if it is none."
        )
    }

    static func rolledBack(_ found: CommitMark, _ floor: CommitMark) -> MirrorError {
        MirrorError(
            .rolledBack,
            "The run's mirror is rolled back: it holds commit \(found.sequence), and commit \(floor.sequence) is known of. "
                + "Restore the newest pool.")
    }

    static func forked(_ floor: CommitMark) -> MirrorError {
        MirrorError(
            .forked,
            "The run's mirror is a fork: it holds another commit \(floor.sequence) than the one that the owner knows of. Restore the "
                + "pool that the run went on in.")
    }

    static let noUsableMirror = MirrorError(
        .noUsableMirror,
        "Neither slot of the run says that it holds a finished mirror. One of them always does after a crash, so the pool was "
            + "changed. Restore it from a copy, or begin a new run.")

    static func media(_ cause: PersistenceError) -> MirrorError {
        MirrorError(.media, "The mirror could not be made durable: \(cause.message)", cause: cause)
    }
}
