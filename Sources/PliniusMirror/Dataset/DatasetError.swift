import Glibc

/// Why a sealed data set, or a record of it, is not used.
public struct DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable {
        /// The file does not begin as a sealed data set does.
        case notADataset
        /// The file was made by another version of this program.
        case unsupportedVersion
        /// The header is not what was sealed.
        case damagedHeader
        /// The data set was sealed with another owner key.
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

    /// The same of one of several data sets.
    func inPart(_ part: Int, of count: Int) -> DatasetError {
        DatasetError(code, "In data set \(part + 1) of \(count): \(message)", record: record)
    }

    static let notADataset = DatasetError(
        .notADataset,
        "The file is no sealed data set of Plinius: it does not begin with PLINDATA. Check the name of the file, and seal raw data "
            + "with 'plinius-owner seal' first.")

    static let wrongKey = DatasetError(
        .wrongKey,
        "The data set was sealed with another owner key (its key check does not match). Give the key that it was sealed with."
    )

    static func unsupportedVersion(_ version: UInt32) -> DatasetError {
        DatasetError(
            .unsupportedVersion,
            "The sealed data set has format \(version), and this program reads formats 1 to "
                + "\(PublicDatasetHeader.newestVersion): use the program that made it.")
    }

    static func oversized(found: Int, expected: Int) -> DatasetError {
        DatasetError(
            .oversized,
            "The file holds \(found) bytes, and the records of the sealed data set end at \(expected): something was appended. "
                + "Copy it again from where it was sealed.")
    }

    static func unreadable(_ what: String, _ number: CInt) -> DatasetError {
        DatasetError(.unreadable, "\(what) cannot be read: \(unsafe String(cString: strerror(number))).")
    }

    static func truncated(found: Int, expected: Int) -> DatasetError {
        DatasetError(
            .truncated,
            "The sealed data set was cut off: the file holds \(found) bytes, its records end at \(expected). "
                + "Copy it again from where it was sealed.")
    }

    static func damagedHeader(_ finding: String) -> DatasetError {
        DatasetError(
            .damagedHeader,
            "The header of the sealed data set is not what was sealed: \(finding). Copy the file again from where it was sealed."
        )
    }

    static func damagedRecord(_ index: Int) -> DatasetError {
        DatasetError(
            .damagedRecord,
            "Record \(index) of the sealed data set does not verify: it was altered, moved from another place or taken from "
                + "another data set. Nothing was taken from it. Copy the file again from where it was sealed.",
            record: index)
    }
}
