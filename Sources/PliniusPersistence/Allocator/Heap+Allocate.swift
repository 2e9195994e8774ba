/// Where the heap holds an object.
enum Allocation {
    case slot(Int, of: Slab)
    case pages(Range<Int>)

    /// How many bytes the object may use.
    var byteCount: Int {
        switch self {
        case .slot(_, let slab): slab.sizeClass.slotBytes
        case .pages(let pages): pages.count * HeapLayout.pageBytes
        }
    }
}

extension Heap {
    /// Makes an empty heap of one that holds zeros only, of at least three pages.
    package func format() {
        precondition(firstPage < pageCount, "a heap of \(byteCount) bytes has no page for objects: it needs three")
        store(HeapLayout.magic, at: HeapLayout.magicAt)
        store(byteCount, at: HeapLayout.byteCountAt)
        store(firstPage, at: HeapLayout.freeHintAt)
        setUse(of: 0..<firstPage, to: .metadata)
    }

    /// Finds room for an object and fills it with zeros.
    ///
    /// The offset is a multiple of 16; of 64 from 225 bytes on; of 4096 from 1985 bytes on.
    ///
    /// Complexity: O(`byteCount`), and O(pages of the heap) where it needs a page and the first free ones do not serve.
    ///
    /// - Throws: `.noSpace`; the heap is then unchanged.
    package func allocate(byteCount: Int) throws(PersistenceError) -> Int {
        precondition(byteCount > 0, "an object has at least one byte: \(byteCount) are none")
        if let sizeClass = SizeClass(fitting: byteCount) {
            let offset = try takeSlot(sizeClass)
            zero(offset..<offset + sizeClass.slotBytes)
            return offset
        }
        let pages = try findPages(byteCount.dividedUp(by: Self.pageBytes), for: byteCount)
        setUse(of: pages.prefix(1), to: .run(pages: pages.count))
        setUse(of: pages.dropFirst(), to: .continuation)
        zero(pages.lowerBound * Self.pageBytes..<pages.upperBound * Self.pageBytes)
        return pages.lowerBound * Self.pageBytes
    }

    /// Gives an object's bytes back.
    ///
    /// Traps unless ``allocate(byteCount:)`` returned the offset and it was not freed since, and while a root stands for the object.
    ///
    /// Complexity: O(pages of the object + roots + extents).
    package func free(_ offset: Int) {
        let object = allocated(at: offset)
        precondition(
            !rootNodes.contains(ListNode(offset: offset)) && !extentNodes.contains(ListNode(offset: offset)),
            "byte \(offset) of the heap is the allocator's own: nobody else may free it")
        checkNoRoot(standsFor: offset, isExtent: false)
        release(object)
    }

    /// How many bytes the object at `offset` may use: as many as were asked for, or some more.
    package func size(of offset: Int) -> Int { allocated(at: offset).byteCount }

    /// The object that begins at `offset`, if one does, whatever the heap holds.
    func allocation(at offset: Int) -> Allocation? {
        guard offset >= 0, offset < byteCount else { return nil }
        let page = offset / Self.pageBytes
        switch use(of: page) {
        case .slab(let sizeClass):
            let slab = Slab(offset: page * Self.pageBytes, sizeClass: sizeClass)
            guard let slot = slab.slot(of: offset), isUsed(slot, of: slab) else { return nil }
            return .slot(slot, of: slab)
        case .run(let count):
            return offset % Self.pageBytes == 0 && count <= pageCount - page ? .pages(page..<page + count) : nil
        default: return nil
        }
    }

    func allocated(at offset: Int) -> Allocation {
        guard let object = allocation(at: offset) else {
            preconditionFailure("no object begins at byte \(offset) of the heap: it was freed, or never allocated")
        }
        return object
    }

    /// Gives the bytes of an object back, whoever had them.
    func release(_ object: Allocation) {
        switch object {
        case .slot(let slot, let slab): freeSlot(slot, of: slab)
        case .pages(let pages): freePages(pages)
        }
    }
}
