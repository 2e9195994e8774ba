extension IMALog {
    /// The log as `binary_runtime_measurements` has it, from its first entry here on; integers are little-endian.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        for entry in entries {
            let name = Array(entry.template.utf8)
            bytes += number(10) + entry.templateHash + number(name.count) + name
            if entry.template == "ima" {
                // A digest, and a path that is filled up with zeros where it is hashed.
                let digest = entry.data.prefix(HashAlgorithm.sha1.byteCount)
                let path = entry.data.dropFirst(digest.count).prefix { $0 != 0 }
                bytes += digest + number(path.count) + path
            } else {
                bytes += number(entry.data.count) + entry.data
            }
        }
        return bytes
    }
}
