import Glibc
import Testing
import _PliniusTestSupport

/// A file in a fresh folder, open.
final class ScratchFile {
    let path: String
    private(set) var descriptor: CInt

    init(in parent: String? = nil, flags: CInt = O_RDWR | O_CREAT | O_EXCL) throws {
        path = try TemporaryDirectory(in: parent)("pool")
        descriptor = open(path, flags | O_CLOEXEC, 0o600)
        precondition(descriptor >= 0, "\(path) cannot be opened: errno \(errno)")
    }

    deinit {
        closeNow()
        unlink(path)
    }

    func closeNow() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    func reopen(_ flags: CInt) -> CInt {
        open(path, flags | O_CLOEXEC)
    }

    /// A file without a name, for a process that ends by a trap and cannot tidy up.
    static func unnamed() -> CInt {
        // O_TMPFILE: the importer drops macros that are built from others.
        let descriptor = open("/tmp", O_RDWR | 0o20_000_000 | O_DIRECTORY | O_CLOEXEC, 0o600)
        precondition(descriptor >= 0, "/tmp takes no unnamed file: errno \(errno)")
        return descriptor
    }

    var status: stat {
        var status = stat()
        precondition(stat(path, &status) == 0, "\(path) is gone")
        return status
    }
}

/// The text of a file of the kernel, whose size no `stat` tells.
func kernelText(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    try #require(descriptor >= 0, "\(path) cannot be read")
    defer { close(descriptor) }
    var text: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &block, block.count)
        guard count > 0 else { return String(decoding: text, as: UTF8.self) }
        text += block[..<count]
    }
}
