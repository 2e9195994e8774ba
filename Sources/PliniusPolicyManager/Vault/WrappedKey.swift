internal import PliniusSealing

/// A key as it lies in the store: sealed with AES-256-GCM under a key of the vault.
public struct WrappedKey: Hashable, Sendable {
    /// The number of the wrapping key.
    public let generation: Int
    /// 16 bytes salt, 12 bytes nonce, the sealed key, 16 bytes tag.
    public let box: [UInt8]

    public init(generation: Int, box: [UInt8]) {
        self.generation = generation
        self.box = box
    }
}

/// The row that a wrapped key belongs to, which its tag binds: moved elsewhere, or kept when the row changed, it does not open.
public struct WrappedRow: Hashable, Sendable, CustomStringConvertible {
    public let table: String
    public let id: String
    /// Counts how often the row's key was replaced.
    public let version: Int

    public init(table: String, id: String, version: Int) {
        self.table = table
        self.id = id
        self.version = version
    }

    /// Each field with its length before it, so that no two rows have the same bytes.
    var bytes: [UInt8] {
        [table, id, String(version)].flatMap { field in
            let text = Array(field.utf8)
            return (0..<4).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text
        }
    }

    public var description: String { "\(table) \(id), version \(version)" }
}

/// One wrapping key of a store: the root's with a salt of its own.
///
/// When the store turns to the next generation, every key is wrapped anew and the salt forgotten: what was wrapped before opens no more,
/// not even with the root.
public struct WrappingGeneration: Hashable, Sendable {
    public let number: Int
    /// 32 random bytes.
    public let salt: [UInt8]

    public init(number: Int, salt: [UInt8]) {
        self.number = number
        self.salt = salt
    }

    /// The one after `number` others.
    static func drawn(after number: Int) -> WrappingGeneration {
        WrappingGeneration(number: number + 1, salt: randomBytes(32))
    }
}
