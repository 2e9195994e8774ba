import _PliniusSupport

/// What all users of an open pool share, whatever their types.
@usableFromInline
final class PoolEngine {
    /// How a transaction ended.
    @usableFromInline
    enum Ending {
        case committed
        /// Its closure said so.
        case cancelled
        /// One inside it did.
        case innerCancelled
        /// See ``reason``.
        case failed
    }

    let region: Region
    let store: PoolStore
    let heap: Heap
    /// `nil` for a pool that is only read.
    private let commits: (any CommitProtocol)?
    /// The same, if it is the one whose commits are so short that a detour, or counting references, would be felt.
    private let redoLog: RedoLog?
    private let queue = WriterQueue()
    private let lock = FairLock()
    /// Why nothing is durable any more; changed under the exclusive lock.
    private var failure: PersistenceError? {
        didSet { isFailed = true }
    }
    private var isFailed = false
    /// Whether a transaction inside the running one was cancelled; touched by the combiner's thread only.
    private var isInnerCancelled = false
    /// Whether the protocol has something to do before stores: the redo log only once.
    private var mustBegin = true
    private let alwaysBegins: Bool

    init(_ store: PoolStore, _ heap: Heap, _ commits: (any CommitProtocol)?) {
        region = store.region
        self.store = store
        self.heap = heap
        self.commits = commits
        redoLog = commits as? RedoLog
        alwaysBegins = store.header.kind != .redoLog
    }

    /// Why nothing is durable any more.
    @usableFromInline
    var reason: PersistenceError {
        lock.lockShared()
        defer { lock.unlockShared() }
        return failure ?? PersistenceError(.notDurable, "An earlier commit failed.")
    }

    var isWritable: Bool { commits != nil }

    // MARK: Writing

    /// Begins a transaction if nobody else writes, which ``leave(isWanted:)`` ends; `nil`, and nothing is begun, otherwise.
    ///
    /// Most transactions go this way: with two calls and no closure. See ``WriterQueue/enterAlone()``.
    @usableFromInline
    func enter() -> Transaction? {
        guard queue.enterAlone() else { return nil }
        lock.lockExclusive()
        if isFailed || mustBegin, !prepares() { return nil }
        return Transaction(self)
    }

    /// Makes the pool ready for stores, or lets the next try.
    @inline(never) private func prepares() -> Bool {
        do throws(PersistenceError) {
            try prepare()
            return true
        } catch {
            queue.giveUpAlone()
            return false
        }
    }

    /// Ends what ``enter()`` began: when this returns, it is durable or taken back.
    @usableFromInline
    func leave(isWanted: Bool) -> Ending {
        let ending = end(isWanted, freedBefore: 0)
        let failure = queue.leaveAlone { () throws(PersistenceError) in try commit() }
        return failure == nil ? ending : .failed
    }

    /// Runs a closure, which returns whether it wants to be committed, as one transaction: behind others, or as a part of one.
    @usableFromInline @inline(never)
    func transaction(_ body: (inout Transaction) -> Bool) -> Ending {
        precondition(isWritable, "the pool was opened for reading only")
        if queue.isCombiningOnThisThread {
            var inner = Transaction(self)
            if body(&inner) { return .committed }
            isInnerCancelled = true
            return .cancelled
        }
        var ending = Ending.cancelled
        do throws(PersistenceError) {
            try queue.perform {
                ending = run(body)
            } begin: { () throws(PersistenceError) in
                try begin()
            } commit: { () throws(PersistenceError) in
                try commit()
            }
            return ending
        } catch {
            return .failed
        }
    }

    /// Opens a batch: readers wait until it is closed.
    private func begin() throws(PersistenceError) {
        lock.lockExclusive()
        if isFailed || mustBegin { try prepare() }
    }

    /// Has the protocol begin, under the lock, which is given back if that fails or anything failed before.
    private func prepare() throws(PersistenceError) {
        precondition(isWritable, "the pool was opened for reading only")
        do throws(PersistenceError) {
            if let failure { throw failure }
            try commits?.begin()
            mustBegin = alwaysBegins
        } catch {
            failure = error
            lock.unlockExclusive()
            throw error
        }
    }

    /// Makes the transactions of a batch durable, and closes it.
    @inline(__always) private func commit() throws(PersistenceError) {
        defer { lock.unlockExclusive() }
        do throws(PersistenceError) {
            // A transaction that could not be recorded has said why.
            if isFailed, let failure { throw failure }
            // Nothing is in the way between the last store and the next transaction's first load but what must be.
            store.countCommit()
            if !heap.freedExtents.isEmpty { heap.freedExtents = [] }
            try redoLog?.commit()
            if redoLog == nil { try commits?.commit() }
        } catch {
            failure = error
            throw error
        }
    }

    private func run(_ body: (inout Transaction) -> Bool) -> Ending {
        if isFailed { return .failed }
        let freed = heap.freedExtents.count
        var transaction = Transaction(self)
        return end(body(&transaction), freedBefore: freed)
    }

    /// Records the transaction that ran, or takes it back; `freed` extents were freed by others of its batch.
    @inline(__always) private func end(_ isWanted: Bool, freedBefore freed: Int) -> Ending {
        let ending: Ending = isInnerCancelled ? .innerCancelled : isWanted ? .committed : .cancelled
        let isCommitted = isWanted && !isInnerCancelled
        isInnerCancelled = false
        do throws(PersistenceError) {
            try redoLog?.record(committed: isCommitted)
            if redoLog == nil { try commits?.record(committed: isCommitted) }
        } catch {
            failure = error
        }
        if isCommitted && !isFailed {
            heap.keep()
            store.countTransaction()
        } else {
            heap.rollBack()
            heap.freedExtents.removeSubrange(freed...)
        }
        return ending
    }

    /// Gives the extents more pages; nobody else uses the pool meanwhile.
    func grow(toByteCount byteCount: Int) throws(PersistenceError) {
        precondition(isWritable, "the pool was opened for reading only")
        try region.grow(toByteCount: byteCount)
        try begin()
        store.header.byteCount = byteCount
        do throws(PersistenceError) {
            if let redoLog {
                try redoLog.checkpoint()
            } else {
                store.header.epoch += 1
                try store.writeHeader()
            }
        } catch {
            failure = error
        }
        heap.extentsGrew(to: store.header.extents)
        try commit()
    }

    /// Brings all images up to the last commit; nobody else uses the pool meanwhile.
    func settle() throws(PersistenceError) {
        try begin()
        region.writeBack(0..<store.header.extents.lowerBound)
        try commit()
        try region.persist()
    }

    // MARK: Reading

    /// Keeps writers out until ``endReading()``.
    /// - Returns: Why there is nothing to read: the lock is then not held.
    @usableFromInline
    func beginReading() -> PersistenceError? {
        precondition(!queue.isCombiningOnThisThread, "inside a transaction, read with the transaction")
        lock.lockShared()
        if isFailed, let failure {
            lock.unlockShared()
            return failure
        }
        return nil
    }

    @usableFromInline
    func endReading() { lock.unlockShared() }

    /// What a reader sees between the two.
    @usableFromInline var snapshot: Snapshot { Snapshot(heap, region) }

    /// Looks at what only writers change.
    func shared<Result>(_ body: (PoolEngine) -> Result) -> Result {
        lock.lockShared()
        defer { lock.unlockShared() }
        return body(self)
    }
}

// `queue` and `lock` order every access to what changes.
extension PoolEngine: @unchecked Sendable {}
