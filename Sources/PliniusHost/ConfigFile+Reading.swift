import Glibc
import PliniusWire

extension ConfigFile {
    /// Reads a network description for the enclave, which alone understands it.
    /// - Throws: `HostError.Code.usage` if there is no such file, or it is too long, or no text.
    init(path: String) throws(HostError) {
        let file = try OpenFile.forReading(path, as: "configuration")
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(file.descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw HostError(.usage, Errno.current.explain("the configuration \(path)")) }
            if count == 0 { break }
            bytes += buffer.prefix(count)
            guard bytes.count <= Self.maximumByteCount else {
                throw HostError(
                    .usage,
                    "the configuration \(path) is longer than \(Self.maximumByteCount) bytes; is it the right file?"
                )
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw HostError(.usage, "the configuration \(path) is not UTF-8 text; is it the right file?")
        }
        do throws(WireError) {
            try self.init(text: text, name: path)
        } catch {
            throw HostError(.usage, error.message)
        }
    }
}
