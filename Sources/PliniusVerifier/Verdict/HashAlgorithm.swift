import Crypto

/// A hash function, by its number in the TCG algorithm registry.
public enum HashAlgorithm: UInt16, Hashable, Sendable, CaseIterable {
    case sha1 = 0x0004
    case sha256 = 0x000B
    case sha384 = 0x000C
    case sha512 = 0x000D

    /// The length of a digest.
    public var byteCount: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The digest of some bytes.
    func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        let bytes = Array(bytes)
        return switch self {
        // The first measurements of a boot, and old kernels, know no other.
        case .sha1: Array(Insecure.SHA1.hash(data: bytes))
        case .sha256: Array(SHA256.hash(data: bytes))
        case .sha384: Array(SHA384.hash(data: bytes))
        case .sha512: Array(SHA512.hash(data: bytes))
        }
    }

    /// A register's value after a digest went into it: H(old ‖ digest).
    func extend(_ register: [UInt8], with digest: [UInt8]) -> [UInt8] { hash(register + digest) }
}

extension HashAlgorithm: CustomStringConvertible {
    public var description: String { "sha\(self == .sha1 ? 1 : byteCount * 8)" }
}
