import PliniusWire

/// Configurations as files.
enum ConfigText {
    /// Reads a configuration's text, as long as one that the enclave takes.
    /// - Parameter compat: What it is to say of `compat`, beside what the file says.
    /// - Throws: `OwnerError` with the path.
    static func read(_ path: String, compat: String? = nil) throws(OwnerError) -> String {
        let bytes = try FileBytes.read(path, as: "configuration", atMost: ConfigFile.maximumByteCount)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw OwnerError(.usage, "the configuration \(path) is not UTF-8 text; is it the right file?")
        }
        return compat.map { ConfigFile.adding("compat=\($0)", to: text) } ?? text
    }
}
