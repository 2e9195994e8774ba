import Glibc
import PliniusSealing
import _PliniusSupport

/// What the attester asks of the kernel; in tests, files with reactions stand in its place.
package struct Kernel: Sendable {
    /// Reads a file to its end, which must come before the limit.
    package var read: @Sendable (_ path: String, _ limit: Int) throws(KernelError) -> [UInt8] = readFile
    /// Writes to a file that is there, all in one call: that is how attributes are told where a value ends.
    package var write: @Sendable (_ path: String, _ bytes: [UInt8]) throws(KernelError) -> Void = writeAttribute
    /// Makes a folder where none was.
    package var makeFolder: @Sendable (_ path: String) throws(KernelError) -> Void = { path throws(KernelError) in
        if unsafe mkdir(path, 0o700) != 0 { throw KernelError() }
    }
    /// Removes a folder, and in configfs the attributes that the kernel put there.
    package var removeFolder: @Sendable (_ path: String) -> Void = { unsafe rmdir($0) }
    /// Sends a request to an SNP guest's firmware, and takes a response of so many bytes.
    package var askFirmware:
        @Sendable (_ path: String, _ command: UInt8, _ request: [UInt8], _ count: Int) throws(KernelError) -> [UInt8] =
            askSNPFirmware
    /// Lets some time pass.
    package var pause: @Sendable (_ milliseconds: UInt32) -> Void = { usleep($0 * 1_000) }

    package init() {}
}

/// What the kernel answered instead.
package struct KernelError: Error, Hashable, Sendable, CustomStringConvertible {
    package var number: CInt

    package init(_ number: CInt = errno) { self.number = number }

    package var description: String { unsafe String(cString: strerror(number)) }
}

/// Hands out the blocks of a file in turn, to its end.
func readBlocks(_ path: String, _ take: (ArraySlice<UInt8>) throws(KernelError) -> Void) throws(KernelError) {
    let descriptor = repeating { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw KernelError() }
    defer { close(descriptor) }
    var block = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = repeating { unsafe Glibc.read(descriptor, &block, block.count) }
        guard count >= 0 else { throw KernelError() }
        guard count > 0 else { return }
        try take(block[..<count])
    }
}

private func readFile(_ path: String, _ limit: Int) throws(KernelError) -> [UInt8] {
    var bytes: [UInt8] = []
    try readBlocks(path) { block throws(KernelError) in
        bytes += block
        guard bytes.count <= limit else { throw KernelError(EFBIG) }
    }
    return bytes
}

private func writeAttribute(_ path: String, _ bytes: [UInt8]) throws(KernelError) {
    let descriptor = repeating { unsafe open(path, O_WRONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw KernelError() }
    defer { close(descriptor) }
    let count = repeating { unsafe Glibc.write(descriptor, bytes, bytes.count) }
    guard count >= 0 else { throw KernelError() }
    guard count == bytes.count else { throw KernelError(EIO) }
}

/// Calls again what a signal interrupted.
private func repeating<I: SignedInteger>(_ call: () -> I) -> I {
    while true {
        let result = call()
        guard result < 0, errno == EINTR else { return result }
    }
}

/// One ioctl of `/dev/sev-guest` (linux/sev-guest.h): version 1, the addresses of request and response, and two error numbers.
private func askSNPFirmware(
    _ path: String, _ command: UInt8, _ request: [UInt8], _ count: Int
) throws(KernelError) -> [UInt8] {
    let descriptor = repeating { unsafe open(path, O_RDWR | O_CLOEXEC) }
    guard descriptor >= 0 else { throw KernelError() }
    defer { close(descriptor) }
    var response = [UInt8](repeating: 0, count: count)
    var failure: KernelError?
    unsafe request.withUnsafeBytes { request in
        unsafe response.withUnsafeMutableBytes { response in
            var message: [UInt64] = [
                1, UInt64(UInt(bitPattern: request.baseAddress)), UInt64(UInt(bitPattern: response.baseAddress)), 0,
            ]
            // _IOWR('S', command, 32 bytes)
            if unsafe ioctl(descriptor, 0xC020_5300 | UInt(command), &message) != 0 { failure = KernelError() }
            if failure == nil, message[3] != 0 { failure = KernelError(EIO) }
        }
    }
    if let failure { throw failure }
    return response
}
