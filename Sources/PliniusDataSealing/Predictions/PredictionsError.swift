import Glibc
import PliniusMirror

/// Why a file of sealed results, or a result in it, is not used.
public struct PredictionsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable {
        /// The file does not begin as sealed results do; one whose prediction was cut off does not either.
        case notPredictions
        /// The file was made by another version of this program.
        case unsupportedVersion
        /// The header is not what was sealed.
        case damagedHeader
        /// The results were sealed with another key.
        case wrongKey
        /// The file ends before its records do.
        case truncated
        /// The file goes on after its last record.
        case oversized
        /// A record is not the one that was sealed for this place.
        case damagedRecord
        /// The system does not let the file be read.
        case unreadable

        /// Whether the file was refused for what is in it, rather than for a failing machine.
        public var isRefusal: Bool { self != .unreadable }
    }

    /// What kind of failure.
    public let code: Code
    /// What was checked, expected and found, and what to do; names no path.
    public let message: String
    /// The record that it happened at, if it was one.
    public let record: Int?

    public var description: String { message }

    init(_ code: Code, _ message: String, record: Int? = nil) {
        self.code = code
        self.message = message
        self.record = record
    }

    static let notPredictions = PredictionsError(
        .notPredictions,
        "The file holds no results of plinius predict: it does not begin with PLINPRED. Check the name of the file.")

    static let wrongKey = PredictionsError(
        .wrongKey,
        "The results were sealed with another key (its key check does not match). Give the key of the run, or, where a policy manager "
            + "released the keys, that of the output asset.")

    static func unsupportedVersion(_ version: UInt32) -> PredictionsError {
        PredictionsError(
            .unsupportedVersion,
            "The sealed results have format \(version), and this program reads formats up to \(PredictionsHeader.newestVersion): use the program that made them."
        )
    }

    static func damagedHeader(_ finding: String) -> PredictionsError {
        PredictionsError(
            .damagedHeader,
            "The header of the sealed results is not what was sealed: \(finding). Copy the file again from where it was made."
        )
    }

    static func truncated(found: Int, expected: Int) -> PredictionsError {
        PredictionsError(
            .truncated,
            "The sealed results were cut off: the file holds \(found) bytes, its records end at \(expected). Copy it again from where "
                + "it was made.")
    }

    static func oversized(found: Int, expected: Int) -> PredictionsError {
        PredictionsError(
            .oversized,
            "The file holds \(found) bytes, and the sealed results end at \(expected): something was appended. Copy it again from where "
                + "it was made.")
    }

    static func damagedRecord(_ index: Int) -> PredictionsError {
        PredictionsError(
            .damagedRecord,
            "Result \(index) does not verify: it was altered, moved from another place or taken from other results. Nothing was taken "
                + "from the file. Copy it again from where it was made.",
            record: index)
    }

    static func unreadable(_ number: CInt) -> PredictionsError {
        PredictionsError(
            .unreadable, "The sealed results cannot be read: \(unsafe String(cString: strerror(number))).")
    }
}
