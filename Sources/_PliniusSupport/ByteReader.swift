/// Reads fixed-width fields from bytes that nobody vouches for.
///
/// Every read checks the length first. The bytes are private memory: whoever reads a shared mapping copies it before it is parsed.
public struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private var offset = 0

    /// Starts at the first of `bytes`.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The number of bytes not yet read.
    public var remaining: Int { bytes.count - offset }

    /// Reads a little-endian integer.
    /// - Throws: `TruncatedInput` if fewer bytes are left than it takes.
    public mutating func read<I: FixedWidthInteger>(_: I.Type = I.self) throws(TruncatedInput) -> I {
        let width = I.bitWidth / 8
        try require(width)
        var value = I.zero
        for index in (0..<width).reversed() {
            value = value << 8 | I(truncatingIfNeeded: bytes[offset + index])
        }
        offset += width
        return value
    }

    /// Reads a 32-bit float, any bit pattern.
    /// - Throws: `TruncatedInput` if fewer than four bytes are left.
    public mutating func readFloat() throws(TruncatedInput) -> Float {
        Float(bitPattern: try read(UInt32.self))
    }

    /// Reads `count` bytes as they are.
    /// - Throws: `TruncatedInput` if fewer are left, or if `count` is negative.
    public mutating func readBytes(_ count: Int) throws(TruncatedInput) -> [UInt8] {
        try require(count)
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    private func require(_ count: Int) throws(TruncatedInput) {
        guard count >= 0, count <= remaining else {
            throw TruncatedInput(offset: offset, expected: count, found: remaining)
        }
    }
}

/// The input ended before a field did.
public struct TruncatedInput: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where the field begins, in bytes from the start.
    public let offset: Int
    /// How many bytes the field takes.
    public let expected: Int
    /// How many bytes were left.
    public let found: Int

    public var description: String {
        "input ends at byte \(offset + found): a field at byte \(offset) takes \(expected) bytes, \(found) are left"
    }
}
