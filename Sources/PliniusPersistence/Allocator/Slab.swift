/// A page of slots of one size.
///
/// It begins with one cache line of its own: the offset of the next slab of the same class that has room, the offset of the word that
/// leads to this one, then one bit for each slot, set while an object is in it. The links of a full slab mean nothing.
struct Slab: Hashable {
    static let headerBytes = 64
    /// Where in a slab the offset of the word stands that leads to it.
    static let backLink = 8

    /// Where the page begins.
    let offset: Int
    let sizeClass: SizeClass

    /// The word in which a slot has its bit.
    func wordAt(_ slot: Int) -> Int { offset + 16 + slot / 64 * 8 }

    /// The offset of the object in a slot.
    func object(in slot: Int) -> Int { offset + Self.headerBytes + slot * sizeClass.slotBytes }

    /// The slot that begins at the offset of an object in this page, if one does.
    func slot(of object: Int) -> Int? {
        let (slot, rest) = (object - offset - Self.headerBytes).quotientAndRemainder(dividingBy: sizeClass.slotBytes)
        return rest == 0 && slot >= 0 && slot < sizeClass.capacity ? slot : nil
    }
}

extension Heap {
    /// Whether an object is in a slot.
    func isUsed(_ slot: Int, of slab: Slab) -> Bool {
        load(UInt64.self, at: slab.wordAt(slot)) & 1 << UInt64(slot % 64) != 0
    }

    /// The number of objects in a slab.
    func objectCount(in slab: Slab) -> Int {
        stride(from: 0, to: slab.sizeClass.capacity, by: 64).reduce(0) {
            $0 + load(UInt64.self, at: slab.wordAt($1)).nonzeroBitCount
        }
    }

    /// Takes the first free slot of a slab of that class with room; its bytes are anything.
    func takeSlot(_ sizeClass: SizeClass) throws(PersistenceError) -> Int {
        let slab = try slabWithRoom(sizeClass)
        var first = 0
        while load(UInt64.self, at: slab.wordAt(first)) == .max { first += 64 }
        let slot = first + (~load(UInt64.self, at: slab.wordAt(first))).trailingZeroBitCount
        toggle(slot, of: slab)
        if objectCount(in: slab) == sizeClass.capacity { unlink(slab) }
        return slab.object(in: slot)
    }

    /// Gives a slot back, and its slab with it if it was the last.
    func freeSlot(_ slot: Int, of slab: Slab) {
        let wasFull = objectCount(in: slab) == slab.sizeClass.capacity
        toggle(slot, of: slab)
        if wasFull { link(slab) }
        if objectCount(in: slab) == 0 {
            unlink(slab)
            freePages(slab.offset / Self.pageBytes..<slab.offset / Self.pageBytes + 1)
        }
    }

    private func toggle(_ slot: Int, of slab: Slab) {
        store(load(at: slab.wordAt(slot)) ^ 1 << UInt64(slot % 64), at: slab.wordAt(slot))
    }

    private func slabWithRoom(_ sizeClass: SizeClass) throws(PersistenceError) -> Slab {
        let first = load(Int.self, at: HeapLayout.slabsAt(sizeClass))
        if first != 0 { return Slab(offset: first, sizeClass: sizeClass) }
        let pages = try findPages(1, for: sizeClass.slotBytes)
        let slab = Slab(offset: pages.lowerBound * Self.pageBytes, sizeClass: sizeClass)
        setUse(of: pages, to: .slab(sizeClass))
        zero(slab.offset..<slab.offset + Slab.headerBytes)
        link(slab)
        return slab
    }

    /// Puts a slab in front of those of its class that have room.
    private func link(_ slab: Slab) {
        let headAt = HeapLayout.slabsAt(slab.sizeClass)
        join(slab.offset, to: load(at: headAt))
        join(headAt, to: slab.offset)
    }

    private func unlink(_ slab: Slab) {
        join(load(at: slab.offset + Slab.backLink), to: load(at: slab.offset))
    }

    /// Makes a word lead to a slab, or to none, and lets the slab know.
    private func join(_ linkAt: Int, to next: Int) {
        store(next, at: linkAt)
        if next != 0 { store(linkAt, at: next + Slab.backLink) }
    }
}
