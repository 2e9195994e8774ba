import Glibc

/// Opens a file to read; ends the program if that cannot be done.
public func openFile(_ path: String) -> CInt {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { stop("\(path): \(unsafe String(cString: strerror(errno)))") }
    return descriptor
}

/// The text of a file of at most 64 KiB.
public func text(of path: String) -> String {
    let descriptor = openFile(path)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { stop("\(path): \(unsafe String(cString: strerror(errno)))") }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

/// Makes a file without a name in a folder, all of its blocks there; ends the program if that cannot be done.
public func makeFile(in folder: String, byteCount: Int) -> CInt {
    let path = "\(folder)/plinius-bench-\(getpid())"
    let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    unsafe unlink(path)
    guard descriptor >= 0, posix_fallocate(descriptor, 0, off_t(byteCount)) == 0 else {
        stop("\(folder): a file of \(byteCount) bytes cannot be made: \(unsafe String(cString: strerror(errno)))")
    }
    return descriptor
}
