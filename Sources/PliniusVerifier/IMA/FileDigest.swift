/// A digest of a file, behind the name of what made it: `sha256:9f86d0…`.
public struct FileDigest: Hashable, Sendable, Comparable {
    /// As the kernel calls it: `sha256`; with `ima:` or `verity:` before it where the template says what was hashed.
    public let algorithm: String
    public let bytes: [UInt8]

    public init(algorithm: String, bytes: [UInt8]) {
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads `sha256:` and hexadecimal digits; `nil` for anything else, and for digests of another length than their algorithm's.
    public init?(_ text: some StringProtocol) {
        let utf8 = Array(text.utf8)
        guard let colon = utf8.lastIndex(of: UInt8(ascii: ":")), colon > 0,
            let bytes = PliniusVerifier.bytes(hexadecimal: utf8[(colon + 1)...]), !bytes.isEmpty
        else { return nil }
        self.init(algorithm: String(decoding: utf8[..<colon], as: UTF8.self), bytes: bytes)
        if let hash, bytes.count != hash.byteCount { return nil }
    }

    /// What made it, if it hashes the file's bytes by a function that this build knows.
    package var hash: HashAlgorithm? {
        let name = algorithm.hasPrefix("ima:") ? String(algorithm.dropFirst(4)) : algorithm
        return HashAlgorithm.allCases.first { $0.description == name }
    }

    /// Whether nobody can make two files with it.
    package var isStrong: Bool {
        let name = algorithm.hasPrefix("verity:") ? String(algorithm.dropFirst(7)) : algorithm
        return FileDigest(algorithm: name, bytes: bytes).hash.map { $0 != .sha1 && $0.byteCount == bytes.count }
            ?? false
    }

    public static func < (first: FileDigest, second: FileDigest) -> Bool { first.description < second.description }
}

extension FileDigest: CustomStringConvertible {
    public var description: String { "\(algorithm):\(hexadecimal(bytes))" }
}
