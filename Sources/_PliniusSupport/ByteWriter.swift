/// Builds a byte string of fixed-width little-endian fields; the counterpart of ``ByteReader``.
public struct ByteWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8] = []

    /// Starts empty, with room for `capacity` bytes: as many, or fewer, take one allocation.
    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Begins anew in the same memory.
    public mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// Appends a little-endian integer.
    public mutating func write(_ value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Appends the bit pattern of a 32-bit float.
    public mutating func write(_ value: Float) {
        write(value.bitPattern)
    }

    /// Appends bytes as they are.
    public mutating func write(bytes more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Appends bytes that lie in no array.
    public mutating func write(_ digest: SIMD32<UInt8>) { for index in digest.indices { bytes.append(digest[index]) } }

    /// Appends zeros until `count` bytes are written.
    public mutating func pad(to count: Int) {
        precondition(bytes.count <= count, "\(bytes.count) bytes are written already, more than \(count)")
        bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
    }
}
