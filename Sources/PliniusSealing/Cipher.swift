/// The authenticated ciphers that records and mirrors are sealed with.
public enum Cipher: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// AES-128 in Galois/counter mode: what the paper used.
    case aes128GCM = 1
    /// AES-256 in Galois/counter mode: the default.
    case aes256GCM = 2

    /// The length of a key.
    public var keyByteCount: Int { self == .aes128GCM ? 16 : 32 }
    /// The length of every tag.
    public static var tagByteCount: Int { 16 }

    /// The name used on command lines.
    public var description: String { self == .aes128GCM ? "aes-128-gcm" : "aes-256-gcm" }

    /// Finds the cipher of a command-line name.
    public init?(name: String) {
        guard let cipher = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = cipher
    }
}
