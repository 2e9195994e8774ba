/// The changes that one closure makes to a pool: all of them become durable, or none.
///
/// A transaction exists inside the closure of ``Pool/transaction(_:)`` only. It sees its own stores at once; nobody else sees them before they
/// are durable. Offsets are checked against the heap: one that the pool did not hand out traps, or reads what lies there.
@safe
public struct Transaction: ~Copyable {
    // The engine runs the closure: counting references to it would cost more than some transactions. Four words fit into registers.
    @usableFromInline @unsafe unowned(unsafe) let engine: PoolEngine
    @usableFromInline @unsafe let base: UnsafeMutableRawPointer
    @usableFromInline @unsafe let changes: UnsafeMutablePointer<ChangeLog>
    @usableFromInline let heapBytes: Int

    @inline(__always) init(_ engine: PoolEngine) {
        let heap = engine.heap
        unsafe self.engine = engine
        unsafe base = heap.base
        unsafe changes = heap.changes
        heapBytes = heap.byteCount
    }

    private var heap: Heap { unsafe engine.heap }
    private var region: Region { unsafe engine.region }

    // MARK: Values

    /// The value that a reference names.
    @inlinable @inline(__always)
    public subscript<Value>(reference: PersistentRef<Value>) -> Value {
        @inline(__always) get { load(at: reference.checkedOffset) }
        @inline(__always) set { store(newValue, at: reference.checkedOffset) }
    }

    /// An element of an array.
    @inlinable @inline(__always)
    public subscript<Element>(array: PersistentArray<Element>, index: Int) -> Element {
        @inline(__always) get { load(at: array.offset(of: index)) }
        @inline(__always) set { store(newValue, at: array.offset(of: index)) }
    }

    /// Exchanges two elements of an array; for words of 8 bytes less work than two loads and two stores.
    @inlinable @inline(__always)
    public mutating func swapAt<Element>(_ array: PersistentArray<Element>, _ first: Int, _ second: Int) {
        let (a, b) = (array.offset(of: first), array.offset(of: second))
        guard MemoryLayout<Element>.size == 8 else {
            let kept = load(Element.self, at: a)
            store(load(Element.self, at: b), at: a)
            return store(kept, at: b)
        }
        precondition(array.offset & 7 == 0, "the pool hands out arrays of words at multiples of 8")
        let (firstWord, secondWord) = (load(UInt64.self, at: a), load(UInt64.self, at: b))
        unsafe changes.pointee.noteWords(a, firstWord, b, secondWord)
        unsafe base.storeBytes(of: secondWord, toByteOffset: a, as: UInt64.self)
        unsafe base.storeBytes(of: firstWord, toByteOffset: b, as: UInt64.self)
    }

    /// Copies bytes out of a buffer into memory of the caller; traps outside the buffer.
    @unsafe public func read(_ buffer: PersistentBuffer, at start: Int = 0, into bytes: UnsafeMutableRawBufferPointer) {
        let offset = buffer.offset(of: start, bytes.count)
        heap.check(offset, bytes.count)
        unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: base + offset, count: bytes.count))
    }

    /// Copies bytes of the caller into a buffer; traps outside the buffer.
    @unsafe public mutating func write(_ bytes: UnsafeRawBufferPointer, to buffer: PersistentBuffer, at start: Int = 0)
    {
        if bytes.count == 0 { return }
        let offset = buffer.offset(of: start, bytes.count)
        heap.check(offset, bytes.count)
        unsafe changes.pointee.note(offset, bytes.count, in: base)
        unsafe UnsafeMutableRawBufferPointer(start: base + offset, count: bytes.count)
            .copyMemory(from: bytes)
    }

    @inlinable @inline(__always)
    func load<T: PersistentValue>(_: T.Type = T.self, at offset: Int) -> T {
        precondition(
            MemoryLayout<T>.size <= 4096
                && UInt(bitPattern: offset) <= UInt(bitPattern: heapBytes &- MemoryLayout<T>.size),
            "the reference is outside the pool's heap")
        return unsafe base.loadUnaligned(fromByteOffset: offset, as: T.self)
    }

    @inlinable @inline(__always)
    mutating func store<T: PersistentValue>(_ value: T, at offset: Int) {
        precondition(
            MemoryLayout<T>.size <= 4096
                && UInt(bitPattern: offset) <= UInt(bitPattern: heapBytes &- MemoryLayout<T>.size),
            "the reference is outside the pool's heap")
        unsafe changes.pointee.note(offset, MemoryLayout<T>.size, in: base)
        unsafe base.storeBytes(of: value, toByteOffset: offset, as: T.self)
    }

    // MARK: Allocation

    /// Allocates room for a value and stores it there.
    ///
    /// What is allocated and not reachable from a root when the transaction ends stays allocated: publish it in the same transaction, and no
    /// crash leaks it.
    /// - Throws: `.noSpace`.
    public mutating func allocate<Value: PersistentValue>(_ value: Value) throws(PersistenceError) -> PersistentRef<
        Value
    > {
        let reference = PersistentRef<Value>(
            offset: try heap.allocate(byteCount: max(1, MemoryLayout<Value>.size)))
        self[reference] = value
        return reference
    }

    /// Allocates a row of `count` values, at least one; all bytes are zero.
    /// - Throws: `.noSpace`.
    public mutating func allocateArray<Element: PersistentValue>(of: Element.Type = Element.self, count: Int)
        throws(PersistenceError) -> PersistentArray<Element>
    {
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(count > 0 && !overflow, "an array has at least one element")
        return PersistentArray(offset: try heap.allocate(byteCount: byteCount), count: count)
    }

    /// Allocates `byteCount` zero bytes, at least one.
    /// - Throws: `.noSpace`.
    public mutating func allocateBuffer(byteCount: Int) throws(PersistenceError) -> PersistentBuffer {
        PersistentBuffer(offset: try heap.allocate(byteCount: byteCount), byteCount: byteCount)
    }

    /// Gives back what ``allocate(_:)`` returned; traps on anything else, and on what a root still names.
    public mutating func free<Value>(_ reference: PersistentRef<Value>) { heap.free(reference.checkedOffset) }
    /// Gives back what ``allocateArray(of:count:)`` returned; traps on anything else.
    public mutating func free<Element>(_ array: PersistentArray<Element>) { heap.free(array.offset) }
    /// Gives back what ``allocateBuffer(byteCount:)`` returned; traps on anything else.
    public mutating func free(_ buffer: PersistentBuffer) { heap.free(buffer.offset) }

    // MARK: Extents

    /// Allocates an extent of at least `byteCount` bytes; what it holds is undefined.
    ///
    /// It may be filled at once: nobody owned its pages when the last commit was durable. Persist what was filled in before the closure
    /// returns, or a crash may find the extent without it.
    /// - Throws: `.noSpace`.
    public mutating func allocateExtent(byteCount: Int) throws(PersistenceError) -> Extent {
        Extent(region, try heap.allocateExtent(byteCount: byteCount))
    }

    /// Gives back an extent; traps on anything else, and on what a root still names.
    public mutating func free(_ extent: Extent) { heap.freeExtent(extent.range) }

    // MARK: Roots

    /// Gives a value a name, in place of what had it.
    /// - Throws: `.noSpace`, `.invalidName`.
    public mutating func setRoot<Value>(_ name: String, _ value: PersistentRef<Value>) throws(PersistenceError) {
        let (size, stride) = (MemoryLayout<Value>.size, MemoryLayout<Value>.stride)
        try heap.setRoot(
            name,
            .object(offset: UInt64(value.checkedOffset), byteCount: UInt64(size), elementBytes: UInt64(stride)))
    }

    /// Gives an array a name, in place of what had it.
    /// - Throws: `.noSpace`, `.invalidName`.
    public mutating func setRoot<Element>(_ name: String, _ array: PersistentArray<Element>) throws(PersistenceError) {
        let stride = MemoryLayout<Element>.stride
        try heap.setRoot(
            name,
            .object(
                offset: UInt64(array.offset), byteCount: UInt64(array.count * stride), elementBytes: UInt64(stride)))
    }

    /// Gives an extent a name, in place of what had it.
    /// - Throws: `.noSpace`, `.invalidName`.
    public mutating func setRoot(_ name: String, _ extent: Extent) throws(PersistenceError) {
        let (start, byteCount) = (UInt64(extent.range.lowerBound), UInt64(extent.byteCount))
        try heap.setRoot(name, .extent(start: start, byteCount: byteCount))
    }

    /// Takes a name away; what had it stays allocated.
    /// - Returns: Whether there was such a root.
    @discardableResult
    public mutating func removeRoot(_ name: String) -> Bool { heap.removeRoot(name) }

    /// The value of a name, `nil` if nothing has it.
    /// - Throws: `.otherType` if it is no value of this size.
    public func root<Value>(_ name: String, as: Value.Type = Value.self) throws(PersistenceError) -> PersistentRef<
        Value
    >? {
        try heap.root(name, as: Value.self)
    }

    /// The array of a name, `nil` if nothing has it.
    /// - Throws: `.otherType` if it is no row of such elements.
    public func arrayRoot<Element>(_ name: String, of: Element.Type = Element.self) throws(PersistenceError)
        -> PersistentArray<Element>?
    {
        try heap.arrayRoot(name, of: Element.self)
    }

    /// The extent of a name, `nil` if nothing has it.
    /// - Throws: `.otherType` if it is none.
    public func extentRoot(_ name: String) throws(PersistenceError) -> Extent? {
        try heap.extentRoot(name, in: region)
    }
}

extension PersistentRef {
    /// The offset; traps on the reference to nothing.
    @inlinable var checkedOffset: Int {
        precondition(!isNull, "a null reference has no value")
        return offset
    }
}

extension PersistentBuffer {
    /// The offset of some bytes; traps outside the buffer.
    func offset(of start: Int, _ count: Int) -> Int {
        precondition(start >= 0 && count <= byteCount && start <= byteCount - count, "the bytes are outside the buffer")
        return offset + start
    }
}
