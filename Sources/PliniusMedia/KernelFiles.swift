import Glibc

/// The first line of a small file of the kernel, without its end; `nil` if it cannot be read.
func firstLine(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var text = [UInt8](repeating: 0, count: 128)
    let count = unsafe text.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    guard count > 0 else { return nil }
    return String(decoding: text[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
}

/// Which start of the kernel this is.
///
/// Two equal values mean that no crash of the system and no loss of power lies between. The kernel is not trusted: the value decides
/// only how a damaged mirror is explained, never whether bytes are believed.
public struct BootID: Hashable, Sendable {
    /// 16 bytes; zeros where the kernel does not tell.
    public let bytes: [UInt8]

    /// Takes 16 bytes as they were stored.
    public init(_ bytes: [UInt8]) {
        precondition(bytes.count == 16, "a boot id has 16 bytes")
        self.bytes = bytes
    }

    /// Whether the kernel told.
    public var isKnown: Bool { bytes.contains { $0 != 0 } }

    /// The running kernel's.
    public static var current: BootID {
        let digits = (firstLine(of: "/proc/sys/kernel/random/boot_id") ?? "").compactMap(\.hexDigitValue)
        guard digits.count == 32 else { return BootID([UInt8](repeating: 0, count: 16)) }
        return BootID((0..<16).map { UInt8(digits[2 * $0] << 4 | digits[2 * $0 + 1]) })
    }
}
