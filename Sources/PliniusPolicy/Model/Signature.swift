/// What somebody put under a statement; it stands beside the statement, not in it.
public struct Signature: Hashable, Sendable {
    public let key: OwnerKey
    /// 64 bytes: R ‖ S of Ed25519, r ‖ s of P-256.
    public let bytes: [UInt8]

    public init(key: OwnerKey, bytes: [UInt8]) {
        self.key = key
        self.bytes = bytes
    }

    /// Whether the key's owner signed the statement of this hash, as a statement.
    public func isValid(for hash: StatementHash) -> Bool {
        bytes.count == 64 && key.isValid(bytes, over: Self.message(hash))
    }

    /// What is signed: no other use of the key signs bytes that begin so.
    static func message(_ hash: StatementHash) -> [UInt8] { Array("perun/1/statement\0".utf8) + hash.bytes }
}
