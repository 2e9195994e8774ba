/// A page of slots of one size.
///
/// It begins with one cache line of its own: the pages of the next and the previous slab with room of the same class, then one bit for
/// each slot, set while an object is in it. The links of a full slab mean nothing.
struct Slab: Hashable {
    static let headerBytes = 64

    let page: Int
    let sizeClass: SizeClass

    var nextAt: Int { page * HeapLayout.pageBytes }
    var previousAt: Int { nextAt + 8 }

    /// The word in which a slot has its bit.
    func wordAt(_ slot: Int) -> Int { nextAt + 16 + slot / 64 * 8 }

    /// The offset of the object in a slot.
    func object(in slot: Int) -> Int { nextAt + Self.headerBytes + slot * sizeClass.slotBytes }

    /// The slot that begins at an offset of this page, if one does.
    func slot(at offset: Int) -> Int? {
        let (slot, rest) = (offset - nextAt - Self.headerBytes).quotientAndRemainder(dividingBy: sizeClass.slotBytes)
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
            freePages(slab.page..<slab.page + 1)
        }
    }

    private func toggle(_ slot: Int, of slab: Slab) {
        store(load(at: slab.wordAt(slot)) ^ 1 << UInt64(slot % 64), at: slab.wordAt(slot))
    }

    private func slabWithRoom(_ sizeClass: SizeClass) throws(PersistenceError) -> Slab {
        let first = load(Int.self, at: HeapLayout.slabsAt(sizeClass))
        if first != 0 { return Slab(page: first, sizeClass: sizeClass) }
        let pages = try findPages(1, for: sizeClass.slotBytes)
        let slab = Slab(page: pages.lowerBound, sizeClass: sizeClass)
        setUse(of: pages, to: .slab(sizeClass))
        zero(slab.nextAt..<slab.nextAt + Slab.headerBytes)
        link(slab)
        return slab
    }

    /// Puts a slab in front of those of its class that have room.
    private func link(_ slab: Slab) {
        let headAt = HeapLayout.slabsAt(slab.sizeClass)
        let next = load(Int.self, at: headAt)
        store(next, at: slab.nextAt)
        store(0, at: slab.previousAt)
        store(slab.page, at: headAt)
        if next != 0 { store(slab.page, at: Slab(page: next, sizeClass: slab.sizeClass).previousAt) }
    }

    private func unlink(_ slab: Slab) {
        let (next, previous) = (load(Int.self, at: slab.nextAt), load(Int.self, at: slab.previousAt))
        let headAt = HeapLayout.slabsAt(slab.sizeClass)
        store(next, at: previous == 0 ? headAt : Slab(page: previous, sizeClass: slab.sizeClass).nextAt)
        if next != 0 { store(previous, at: Slab(page: next, sizeClass: slab.sizeClass).previousAt) }
    }
}
