import Glibc
import PliniusHost

/// Where the files of a demonstration lie; removed at the end unless they are to be kept.
final class DemoDirectory {
    let path: String
    /// Whether the files outlive this object.
    var isKept: Bool

    /// Makes a directory, at `path` or at a place for temporary files.
    /// - Throws: `HostError.Code.usage` if it exists or cannot be made: files of an earlier demonstration are not overwritten.
    init(keeping path: String?) throws(HostError) {
        if let path {
            guard mkdir(path, 0o700) == 0 else {
                let reason = errno == EEXIST ? "it exists already; name a new one" : String(cString: strerror(errno))
                throw HostError(.usage, "the directory \(path) cannot be made: \(reason)")
            }
            (self.path, isKept) = (path, true)
        } else {
            let place = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var template = Array("\(place)/plinius-demo-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else {
                throw HostError(.usage, "no directory can be made in \(place): \(String(cString: strerror(errno)))")
            }
            self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            isKept = false
        }
    }

    deinit {
        guard !isKept, let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(directory)
        rmdir(path)
    }

    /// The path of a file in it.
    func file(_ name: String) -> String { "\(path)/\(name)" }
}
