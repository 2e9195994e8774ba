import Foundation
import Glibc
import PliniusVerifier

/// The files that evidence lies in.
enum EvidenceFiles {
    /// No folder of evidence has more files.
    private static let countLimit = 64

    /// A file with what belongs to it, or all files of a folder, by name.
    /// - Throws: `OwnerError` with the path.
    static func read(_ path: String) throws(OwnerError) -> [String: [UInt8]] {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw OwnerError(.usage, "the evidence \(path) cannot be opened", errno: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            let url = URL(filePath: path)
            var files = [url.lastPathComponent: try bytes(path, as: "evidence")]
            // A report of SEV-SNP alone lacks the certificates of its key.
            for name in try names(url.deletingLastPathComponent().path) where isCertificate(name) && files[name] == nil
            {
                files[name] = try bytes(url.deletingLastPathComponent().appending(path: name).path, as: "certificate")
            }
            return files
        }
        var files: [String: [UInt8]] = [:]
        for name in try names(path) {
            files[name] = try bytes(URL(filePath: path).appending(path: name).path, as: "evidence")
        }
        return files
    }

    /// - Throws: `OwnerError` with the path and what `role` the file was to play.
    static func bytes(_ path: String, as role: String) throws(OwnerError) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            let bytes = [UInt8](try handle.read(upToCount: StoredEvidence.maximumByteCount + 1) ?? Data())
            guard bytes.count <= StoredEvidence.maximumByteCount else {
                throw OwnerError(
                    .usage, "the \(role) \(path) is longer than \(StoredEvidence.maximumByteCount) bytes")
            }
            return bytes
        } catch let error as OwnerError {
            throw error
        } catch {
            throw OwnerError(.usage, "the \(role) \(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// The regular files of a folder.
    private static func names(_ path: String) throws(OwnerError) -> [String] {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw OwnerError(.usage, "the folder \(path) cannot be read: \(error.localizedDescription)")
        }
        let regular = names.filter { name in
            var status = stat()
            return unsafe stat(URL(filePath: path).appending(path: name).path, &status) == 0
                && status.st_mode & S_IFMT == S_IFREG
        }
        guard regular.count <= countLimit else {
            throw OwnerError(
                .usage, "the folder \(path) has \(regular.count) files: evidence has at most \(countLimit)")
        }
        return regular.sorted()
    }

    private static func isCertificate(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["vcek.der", "vcek.pem", "vlek.der", "vlek.pem", "ask.pem", "asvk.pem", "chain.pem", "cert_chain.pem"]
            .contains(name)
    }
}
