/// A value that means the same in every process: bits, and no pointers.
///
/// Conform structures of such values; a stored property that is a pointer or a reference must not be among them, because the memory
/// that it names is gone when the pool is opened again. Refer to other values with ``PersistentRef``.
public protocol PersistentValue: BitwiseCopyable, Sendable {}

extension Int: PersistentValue {}
extension Int8: PersistentValue {}
extension Int16: PersistentValue {}
extension Int32: PersistentValue {}
extension Int64: PersistentValue {}
extension UInt: PersistentValue {}
extension UInt8: PersistentValue {}
extension UInt16: PersistentValue {}
extension UInt32: PersistentValue {}
extension UInt64: PersistentValue {}
extension Float: PersistentValue {}
extension Double: PersistentValue {}
extension Bool: PersistentValue {}

/// Where a value lies in the heap of a pool: an offset, good wherever the pool is mapped next.
@frozen
public struct PersistentRef<Value: PersistentValue>: PersistentValue, Hashable {
    /// Bytes from the start of the heap; 0 for no value.
    public let offset: Int

    /// Takes an offset that was handed out by the pool's allocator.
    @inlinable public init(offset: Int) { self.offset = offset }

    /// Refers to nothing.
    @inlinable public static var null: PersistentRef { PersistentRef(offset: 0) }
    /// Whether it refers to nothing.
    @inlinable public var isNull: Bool { offset == 0 }
}

/// Where a row of values lies in the heap of a pool.
@frozen
public struct PersistentArray<Element: PersistentValue>: PersistentValue, Hashable {
    /// Bytes from the start of the heap.
    public let offset: Int
    /// The number of elements.
    public let count: Int

    /// Takes a place that was handed out by the pool's allocator.
    @inlinable public init(offset: Int, count: Int) {
        self.offset = offset
        self.count = count
    }

    /// The offset of an element; traps outside the array.
    @inlinable @inline(__always) func offset(of index: Int) -> Int {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "the index is outside the array")
        return offset &+ index &* MemoryLayout<Element>.stride
    }
}

/// Where raw bytes lie in the heap of a pool.
@frozen
public struct PersistentBuffer: PersistentValue, Hashable {
    /// Bytes from the start of the heap.
    public let offset: Int
    /// The number of bytes.
    public let byteCount: Int

    /// Takes a place that was handed out by the pool's allocator.
    @inlinable public init(offset: Int, byteCount: Int) {
        self.offset = offset
        self.byteCount = byteCount
    }
}
