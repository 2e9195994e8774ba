import ArgumentParser
import Foundation
import Glibc
import PliniusVerifier

/// Evidence that was kept, and what it is judged with.
struct StoredEvidenceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Evidence that was kept: a file, or a folder whose files belong together.", valueName: "path"))
    var evidence: String

    @OptionGroup var collateral: CollateralOptions

    @Option(help: "The instant to judge at, such as 2025-07-01T00:00:00Z; now if there is none.") var now: String?

    /// Reads the evidence.
    /// - Throws: ``CommandError`` if it is none that is known, or malformed.
    func stored() throws(CommandError) -> StoredEvidence {
        let files = try Self.files(evidence)
        do throws(EvidenceError) { return try StoredEvidence(files: files) } catch {
            throw CommandError(
                error.check == "stored.format" ? .usage : .refused,
                "\(evidence): the check \(error.check) failed: expected \(error.expected), found \(error.found)")
        }
    }

    func context() throws(CommandError) -> Context {
        var context = Context(now: try Instant.option(now), collateral: try collateral.read())
        context.anchors.endorsement += context.collateral.endorsementAuthorities
        return context
    }

    /// No folder of evidence has more files.
    private static let countLimit = 64

    /// A file, or the regular files of a folder, by name.
    private static func files(_ path: String) throws(CommandError) -> [String: [UInt8]] {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandError(.usage, "there is no evidence at \(path)")
        }
        guard isFolder.boolValue else {
            return [URL(filePath: path).lastPathComponent: try Files.bytes(path, as: "evidence")]
        }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw CommandError(.usage, "the folder \(path) cannot be read: \(error.localizedDescription)")
        }
        guard names.count <= countLimit else {
            throw CommandError(
                .usage, "the folder \(path) has \(names.count) files: evidence has at most \(countLimit)")
        }
        var files: [String: [UInt8]] = [:]
        for name in names.sorted() {
            let file = URL(filePath: path).appending(path: name).path
            var status = stat()
            guard unsafe stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files[name] = try Files.bytes(file, as: "evidence")
        }
        return files
    }
}
