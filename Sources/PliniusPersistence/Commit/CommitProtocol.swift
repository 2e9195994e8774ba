/// How the changes of transactions become durable, all or none.
///
/// One thread at a time calls, in this order: ``begin()``; for each transaction of the batch, once it has run, ``record(committed:)``;
/// ``commit()``. After an error, nothing is called again.
protocol CommitProtocol: AnyObject {
    /// Makes the working copy ready for stores.
    func begin() throws(PersistenceError)

    /// Takes in what the running transaction noted in the heap's change log; the words hold their final values now.
    ///
    /// - Parameter committed: False if the transaction is about to be taken back.
    func record(committed: Bool) throws(PersistenceError)

    /// Makes everything recorded durable.
    func commit() throws(PersistenceError)
}

/// The choice of a protocol, made when a pool is created.
public enum CommitKind: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    /// One fence a commit: a checksummed record of the changed words; the working copy is private memory.
    case redoLog = 1
    /// Two fences: the transaction changes the copy that is not the consistent one, then a word says that it is.
    case flip = 2
    /// Four fences: Romulus (SPAA'18), `main` and `back` with the states IDLE, MUTATING, COPYING.
    case twinCopies = 3

    /// As options and reports name it.
    public var description: String {
        switch self {
        case .redoLog: "redo-log"
        case .flip: "flip"
        case .twinCopies: "twin-copies"
        }
    }

    /// How many images of the heap the pool holds.
    var imageCount: Int { self == .redoLog ? 1 : 2 }

    /// How many bytes the log of a heap takes: room for a transaction that changes every word.
    func logBytes(heapBytes: Int) -> Int {
        self == .redoLog ? wholePages(RedoLog.recordBytes(runs: heapBytes + 8)) : 0
    }
}

/// The smallest number of whole pages, in bytes, that holds `count` bytes.
func wholePages(_ count: Int) -> Int { (count + Heap.pageBytes - 1) / Heap.pageBytes * Heap.pageBytes }
