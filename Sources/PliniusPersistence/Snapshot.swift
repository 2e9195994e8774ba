/// What a reader sees: the last durable state of a pool, which no writer changes meanwhile.
///
/// It exists inside the closure of ``Pool/read(_:)`` only.
@safe
public struct Snapshot: ~Copyable {
    // The engine that runs the closure keeps both alive: counting references would cost more than some transactions.
    @unsafe unowned(unsafe) let heap: Heap
    @unsafe unowned(unsafe) let region: Region
    @usableFromInline @unsafe let base: UnsafeMutableRawPointer
    @usableFromInline let heapBytes: Int

    init(_ heap: Heap, _ region: Region) {
        unsafe self.heap = heap
        unsafe self.region = region
        unsafe base = heap.base
        heapBytes = heap.byteCount
    }

    /// The value that a reference names.
    @inlinable @inline(__always)
    public subscript<Value>(reference: PersistentRef<Value>) -> Value { load(at: reference.checkedOffset) }

    /// An element of an array.
    @inlinable @inline(__always)
    public subscript<Element>(array: PersistentArray<Element>, index: Int) -> Element {
        load(at: array.offset(of: index))
    }

    /// Copies bytes out of a buffer into memory of the caller; traps outside the buffer.
    @unsafe public func read(_ buffer: PersistentBuffer, at start: Int = 0, into bytes: UnsafeMutableRawBufferPointer) {
        let offset = buffer.offset(of: start, bytes.count)
        unsafe heap.check(offset, bytes.count)
        unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: base + offset, count: bytes.count))
    }

    /// The value of a name, `nil` if nothing has it.
    /// - Throws: `.otherType` if it is no value of this size.
    public func root<Value>(_ name: String, as: Value.Type = Value.self) throws(PersistenceError) -> PersistentRef<
        Value
    >? {
        try unsafe heap.root(name, as: Value.self)
    }

    /// The array of a name, `nil` if nothing has it.
    /// - Throws: `.otherType` if it is no row of such elements.
    public func arrayRoot<Element>(_ name: String, of: Element.Type = Element.self) throws(PersistenceError)
        -> PersistentArray<Element>?
    {
        try unsafe heap.arrayRoot(name, of: Element.self)
    }

    /// The extent of a name, `nil` if nothing has it.
    /// - Throws: `.otherType` if it is none.
    public func extentRoot(_ name: String) throws(PersistenceError) -> Extent? {
        try unsafe heap.extentRoot(name, in: region)
    }

    /// All names, in order, and what they name.
    public var roots: [(name: String, root: Root)] { unsafe heap.roots }

    @inlinable @inline(__always)
    func load<T: PersistentValue>(at offset: Int) -> T {
        precondition(
            offset >= 0 && offset <= heapBytes - MemoryLayout<T>.size, "the reference is outside the pool's heap")
        return unsafe base.loadUnaligned(fromByteOffset: offset, as: T.self)
    }
}
