import Foundation

/// Files that are read whole, or from their beginning, and never further than is said.
enum FileBytes {
    /// Reads a file.
    /// - Throws: `OwnerError` with the path and what `role` the file was to play, also if it is longer than `limit`.
    static func read(_ path: String, as role: String, atMost limit: Int) throws(OwnerError) -> [UInt8] {
        let bytes = try prefix(path, as: role, byteCount: limit + 1)
        guard bytes.count <= limit else {
            throw OwnerError(.usage, "the \(role) \(path) is longer than \(limit) bytes; is it the right file?")
        }
        return bytes
    }

    /// Reads the beginning of a file, all of it if it is shorter.
    /// - Throws: `OwnerError` with the path and what `role` the file was to play.
    static func prefix(_ path: String, as role: String, byteCount: Int) throws(OwnerError) -> [UInt8] {
        let file = try OpenFile.open(path, as: role)
        do {
            // The handle does not close what the value above does.
            let handle = FileHandle(fileDescriptor: file.descriptor, closeOnDealloc: false)
            return [UInt8](try handle.read(upToCount: byteCount) ?? Data())
        } catch {
            throw OwnerError(.usage, "the \(role) \(path) cannot be read: \(error.localizedDescription)")
        }
    }
}
