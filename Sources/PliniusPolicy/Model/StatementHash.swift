import Crypto
import PliniusVerifier

/// What names a statement: SHA-256 of its canonical bytes.
public struct StatementHash: Hashable, Sendable {
    /// 32.
    public let bytes: [UInt8]

    /// Hashes canonical bytes.
    public init(of canonical: [UInt8]) { bytes = Array(SHA256.hash(data: canonical)) }

    /// Takes 32 bytes.
    /// - Returns: `nil` if there are more or fewer.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// Reads 64 hexadecimal digits with lower-case letters.
    /// - Returns: `nil` if that is something else.
    public init?(_ text: String) {
        guard let bytes = lowerCaseBytes(text, count: 32) else { return nil }
        self.bytes = bytes
    }
}

extension StatementHash: CustomStringConvertible {
    public var description: String { hexadecimal(bytes) }
}

extension StatementHash: Comparable {
    public static func < (first: StatementHash, second: StatementHash) -> Bool {
        first.bytes.lexicographicallyPrecedes(second.bytes)
    }
}
