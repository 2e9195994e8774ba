import Foundation
import Glibc

/// The files that commands read and write, with errors that name them.
enum Files {
    /// No file that a command reads is longer.
    private static let byteLimit = 128 << 20

    /// - Parameter role: What the file was to be.
    /// - Throws: ``CommandError`` with category `usage`.
    static func bytes(_ path: String, as role: String) throws(CommandError) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? handle.close() }
            let bytes = [UInt8](try handle.read(upToCount: byteLimit + 1) ?? Data())
            guard bytes.count <= byteLimit else {
                throw CommandError(.usage, "the \(role) \(path) is longer than \(byteLimit) bytes")
            }
            return bytes
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError(.usage, "the \(role) \(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// - Throws: ``CommandError`` with category `usage`.
    static func text(_ path: String, as role: String) throws(CommandError) -> String {
        guard let text = String(validating: try bytes(path, as: role), as: UTF8.self) else {
            throw CommandError(.usage, "the \(role) \(path) is no text")
        }
        return text
    }

    /// Makes a file that others cannot read; an existing one stays as it is.
    /// - Parameter replacing: Puts it in the place of an existing one, in one step.
    /// - Throws: ``CommandError``.
    static func create(_ path: String, _ bytes: [UInt8], replacing: Bool = false) throws(CommandError) {
        let part = "\(path).\(getpid()).part"
        let descriptor = unsafe open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("\(part) cannot be created", .usage) }
        defer {
            close(descriptor)
            unsafe unlink(part)
        }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("\(path) cannot be written", .failed) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure("\(path) cannot be made durable", .failed) }
        // Unlike rename, link never replaces what is there.
        let isNamed = unsafe replacing ? rename(part, path) == 0 : link(part, path) == 0
        guard isNamed else {
            guard errno == EEXIST else { throw failure("\(path) cannot be named", .failed) }
            throw CommandError(.usage, "\(path) is there already: choose another name, or remove it")
        }
    }

    private static func failure(_ what: String, _ category: CommandError.Category) -> CommandError {
        let reason = unsafe String(cString: strerror(errno))
        return CommandError(category, "\(what): \(reason)")
    }
}
