import Glibc

/// Four fences a commit, whatever its size: Romulus (SPAA'18) as published, with its log of lines.
///
/// `main` is changed in place, `back` holds the last consistent state. A crash in MUTATING brings back `back`, one in COPYING finishes
/// the copy of `main`.
package final class TwinCopies: CommitProtocol {
    package enum State: UInt64 {
        case idle = 0
        case mutating = 1
        case copying = 2
    }

    private let store: PoolStore
    private let heap: Heap
    /// Lines that this batch stored to, committed or taken back: what was taken back may have left the caches, too.
    private var stored: [UInt32] = []

    /// Finishes what a crash interrupted; `main` is consistent afterwards.
    init(_ store: PoolStore, _ heap: Heap, found state: State) throws(PersistenceError) {
        self.store = store
        self.heap = heap
        let (main, back) = (store.header.image(0), store.header.image(1))
        let start = unsafe store.region.start
        switch state {
        case .idle: return
        case .mutating:
            unsafe (start + main.lowerBound).copyMemory(from: start + back.lowerBound, byteCount: main.count)
        case .copying: unsafe (start + back.lowerBound).copyMemory(from: start + main.lowerBound, byteCount: main.count)
        }
        store.region.writeBack(main.lowerBound..<back.upperBound)
        try store.persist()
        try store.setState(State.idle.rawValue)
    }

    func begin() throws(PersistenceError) {
        try store.setState(State.mutating.rawValue)
    }

    func record(committed: Bool) throws(PersistenceError) {
        unsafe heap.changes.pointee.appendLines(to: &stored)
    }

    func commit() throws(PersistenceError) {
        let (main, back) = (store.header.image(0), store.header.image(1))
        for line in stored { store.writeBack(line: Int(line), of: main) }
        try store.persist()
        try store.setState(State.copying.rawValue)
        for line in stored {
            let bytes = unsafe UnsafeRawBufferPointer(start: heap.base + Int(line) << 6, count: Heap.lineBytes)
            unsafe store.copy(bytes, to: back.lowerBound + Int(line) << 6)
        }
        try store.persist()
        // Not fenced: a crash that still finds COPYING copies once more.
        store.region.store(State.idle.rawValue, at: PoolHeader.stateOffset)
        stored.removeAll(keepingCapacity: true)
    }
}
