import PliniusWire

extension ConfigFile {
    /// Reads a network description for the enclave, which alone understands it.
    /// - Parameter compat: What it is to say of `compat`, beside what the file says.
    /// - Throws: `HostError.Code.usage` if there is no such file, or it is too long, or no text.
    init(path: String, compat: String? = nil) throws(HostError) {
        let role = "configuration"
        let text = try OpenFile.forReading(path, as: role).text(atMost: Self.maximumByteCount, as: role)
        do throws(WireError) {
            try self.init(text: compat.map { Self.adding("compat=\($0)", to: text) } ?? text, name: path)
        } catch {
            throw HostError(.usage, error.message)
        }
    }
}
