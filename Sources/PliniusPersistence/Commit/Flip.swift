import Glibc

/// Two fences a commit: the transaction changes the copy that is not the consistent one, then one word says that it is.
///
/// After Romulus's own two-fence variant (RomLog-2F). What the other copy lacks is brought over when the next batch begins, and becomes
/// durable with that batch's lines: it costs no fence. The state word is the number of the commit; its lowest bit is the consistent copy.
final class Flip: CommitProtocol {
    private let store: PoolStore
    private let heap: Heap
    private var state: UInt64
    /// Lines in which the working copy was, or is, behind the consistent one; `nil` for all of them.
    private var behind: [UInt32]? = nil
    /// Lines that this batch stored to, committed or taken back.
    private var stored: [UInt32] = []
    private var isPending = false
    /// Whether the heap's base is the working copy, with all that the consistent one holds.
    private var isReady = false

    init(_ store: PoolStore, _ heap: Heap, state: UInt64) {
        self.store = store
        self.heap = heap
        self.state = state
        unsafe heap.move(to: image(consistent))
    }

    private var consistent: Int { Int(state & 1) }
    private var working: Int { 1 - consistent }
    @unsafe private func image(_ index: Int) -> UnsafeMutableRawPointer {
        unsafe store.region.start + store.header.image(index).lowerBound
    }

    func begin() throws(PersistenceError) {
        guard !isReady else { return }
        let (from, to) = unsafe (image(consistent), image(working))
        if let behind {
            for line in behind { unsafe (to + Int(line) << 6).copyMemory(from: from + Int(line) << 6, byteCount: 64) }
        } else {
            unsafe to.copyMemory(from: from, byteCount: heap.byteCount)
        }
        unsafe heap.move(to: to)
        isReady = true
    }

    func record(committed: Bool) throws(PersistenceError) {
        unsafe heap.changes.pointee.appendLines(to: &stored)
        isPending = isPending || committed
    }

    func commit() throws(PersistenceError) {
        guard isPending else { return }
        let copy = store.header.image(working)
        if let behind {
            for line in behind { store.writeBack(line: Int(line), of: copy) }
        } else {
            store.region.writeBack(copy)
        }
        for line in stored { store.writeBack(line: Int(line), of: copy) }
        try store.persist()
        state += 1
        try store.setState(state)
        (behind, stored) = (stored, behind ?? [])
        stored.removeAll(keepingCapacity: true)
        (isPending, isReady) = (false, false)
    }
}
