/// What a name in a pool stands for: where a program begins to find its data again.
public enum Root: Hashable, Sendable {
    /// An object of the heap: a value, a row of them, or bytes.
    ///
    /// `byteCount` is the size of all of it, `elementBytes` the stride of its elements, by which a reader who takes it for something
    /// else can be told.
    case object(offset: UInt64, byteCount: UInt64, elementBytes: UInt64 = 1)
    /// An extent, by its first byte in the pool.
    case extent(start: UInt64, byteCount: UInt64)

    /// The longest name, in bytes of UTF-8.
    public static let longestName = 64

    /// Whether a root may have that name: 1 to 64 bytes of UTF-8 without control characters.
    public static func isValid(name: String) -> Bool {
        (1...longestName).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}
