import _PliniusSupport

/// A file of persistent memory with durable transactions, named roots, an allocator, and extents for bulk data.
///
/// ```swift
/// let pool = try Pool.create(descriptor: file, byteCount: 16 << 20)
/// try pool.transaction { tx throws(PersistenceError) in
///     let counter = try tx.allocate(0)
///     try tx.setRoot("counter", counter)
/// }
/// ```
///
/// Any number of threads use one pool; one process at a time does, which holds a lock on the file (see `flock(2)`). The descriptor stays
/// the caller's; the pool keeps a duplicate, which it closes when it goes.
public struct Pool: ~Copyable, Sendable {
    let engine: PoolEngine

    /// What a commit survives.
    public var tier: Tier { engine.region.tier }
    /// Whether transactions are possible.
    public var isWritable: Bool { engine.isWritable }
    /// Under which start of the kernel the pool is open.
    public var bootID: BootID { engine.region.bootID }
    /// The size of the pool, in bytes.
    public var byteCount: Int { engine.region.byteCount }
    /// The size of its transactional heap, in bytes.
    public var heapBytes: Int { engine.heap.byteCount }
    /// How its transactions become durable.
    public var commitKind: CommitKind { engine.store.header.kind }

    // MARK: Transactions

    /// Runs a closure as one transaction: when this returns, all that it stored is as durable as the tier promises.
    ///
    /// If the closure throws, or the process ends before this returns, the pool holds nothing of it, or, in the second case, all of it.
    /// Transactions of several threads run one after the other in the order of their calls, possibly on another caller's thread, and share
    /// one commit; readers see a transaction when it is durable. A transaction inside a transaction is a part of it: if the inner one
    /// throws, the outer one is cancelled, too. The thread waits meanwhile; Swift tasks may call this, for short transactions.
    ///
    /// - Throws: `.cancelled` with what the closure threw; `.innerCancelled`; `.failed` if the medium refused: the pool must then be opened
    ///   again, and all further calls fail alike.
    /// - Complexity: O(bytes stored), one fence (`.redoLog`; a checkpoint now and then), two (`.flip`) or four (`.twinCopies`). Without
    ///   other writers nothing is allocated once buffers have grown to the size of the largest transaction.
    public func transaction<Result, Failure>(
        _ body: (inout Transaction) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        try engine.transaction(body)
    }

    /// Runs a closure on the last durable state, beside other readers.
    ///
    /// Writers wait for it to end, so it should be short. It must not ask for a transaction.
    /// - Throws: `.cancelled` with what the closure threw; `.failed` if an earlier commit did not become durable.
    public func read<Result, Failure>(
        _ body: (borrowing Snapshot) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        try engine.read(body)
    }

    /// What commits have cost since the pool was opened.
    public var statistics: PoolStatistics { engine.shared { $0.store.statistics } }
}

/// What all users of an open pool share.
final class PoolEngine {
    let region: Region
    let store: PoolStore
    let heap: Heap
    /// `nil` for a pool that is only read.
    private let commits: (any CommitProtocol)?
    private let queue = WriterQueue()
    private let lock = FairLock()
    /// Why nothing is durable any more. Changed by the combiner, under the exclusive lock.
    private var failure: PersistenceError?
    /// Whether a transaction inside the running one threw. Touched by the combiner's thread only.
    private var isInnerCancelled = false

    init(_ store: PoolStore, _ heap: Heap, _ commits: (any CommitProtocol)?) {
        region = store.region
        self.store = store
        self.heap = heap
        self.commits = commits
    }

    var isWritable: Bool { commits != nil }

    func transaction<Result, Failure>(
        _ body: (inout Transaction) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        guard let commits else { preconditionFailure("the pool was opened for reading only") }
        if queue.isCombiningOnThisThread { return try nested(body) }
        var outcome: Swift.Result<Result, TransactionError<Failure>>?
        do throws(PersistenceError) {
            try queue.perform {
                outcome = run(body, commits)
            } begin: { () throws(PersistenceError) in
                try begin(commits)
            } commit: { () throws(PersistenceError) in
                try commit(commits)
            }
        } catch {
            // A closure that threw is taken back whatever became of the batch.
            if case .failure(let own)? = outcome { throw own }
            throw .failed(error)
        }
        guard let outcome else { preconditionFailure("a batch ended without one of its transactions") }
        return try outcome.get()
    }

    /// Opens a batch: readers wait until it is closed.
    private func begin(_ commits: any CommitProtocol) throws(PersistenceError) {
        lock.lockExclusive()
        do throws(PersistenceError) {
            if let failure { throw failure }
            try commits.begin()
        } catch {
            failure = error
            lock.unlockExclusive()
            throw error
        }
    }

    /// Makes the transactions of a batch durable, and closes it.
    private func commit(_ commits: any CommitProtocol) throws(PersistenceError) {
        defer { lock.unlockExclusive() }
        do throws(PersistenceError) {
            // One that could not be recorded has said why.
            if let failure { throw failure }
            try commits.commit()
        } catch {
            failure = error
            throw error
        }
        store.statistics.commits += 1
        heap.freedExtents.removeAll(keepingCapacity: true)
    }

    private func run<Result, Failure>(
        _ body: (inout Transaction) throws(Failure) -> Result, _ commits: any CommitProtocol
    ) -> Swift.Result<Result, TransactionError<Failure>> {
        if let failure { return .failure(.failed(failure)) }
        let freed = heap.freedExtents.count
        var outcome: Swift.Result<Result, TransactionError<Failure>>
        do throws(Failure) {
            var transaction = Transaction(heap, region)
            outcome = .success(try body(&transaction))
            if isInnerCancelled { outcome = .failure(.innerCancelled) }
        } catch {
            outcome = .failure(.cancelled(error))
        }
        isInnerCancelled = false
        do throws(PersistenceError) {
            if case .success = outcome {
                try commits.record(committed: true)
                heap.keep()
                store.statistics.transactions += 1
            } else {
                try commits.record(committed: false)
                heap.rollBack()
                heap.freedExtents.removeSubrange(freed...)
            }
        } catch {
            heap.rollBack()
            failure = error
            outcome = .failure(.failed(error))
        }
        return outcome
    }

    private func nested<Result, Failure>(
        _ body: (inout Transaction) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        do throws(Failure) {
            var transaction = Transaction(heap, region)
            return try body(&transaction)
        } catch {
            isInnerCancelled = true
            throw .cancelled(error)
        }
    }

    func read<Result, Failure>(
        _ body: (borrowing Snapshot) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        precondition(!queue.isCombiningOnThisThread, "read inside a transaction with the transaction")
        lock.lockShared()
        defer { lock.unlockShared() }
        if let failure { throw .failed(failure) }
        do throws(Failure) {
            return try body(Snapshot(heap, region))
        } catch {
            throw .cancelled(error)
        }
    }

    /// Looks at what only writers change.
    func shared<Result>(_ body: (PoolEngine) -> Result) -> Result {
        lock.lockShared()
        defer { lock.unlockShared() }
        return body(self)
    }
}

// `queue` and `lock` order every access to the rest.
extension PoolEngine: @unchecked Sendable {}
