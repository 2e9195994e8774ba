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
    @usableFromInline let engine: PoolEngine

    /// What a commit survives.
    public var tier: Tier { engine.region.tier }
    /// Whether transactions are possible.
    public var isWritable: Bool { engine.isWritable }
    /// Under which start of the kernel the pool is open.
    public var bootID: BootID { engine.region.bootID }
    /// The size of the pool, in bytes.
    public var byteCount: Int { engine.store.header.byteCount }
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
    @inlinable @inline(__always)
    public func transaction<Result, Failure>(
        _ body: (inout Transaction) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        guard var transaction = engine.enter() else { return try transactionBehindOthers(body) }
        let result: Result
        do throws(Failure) {
            result = try body(&transaction)
        } catch {
            _ = engine.leave(isWanted: false)
            throw .cancelled(error)
        }
        let ending = engine.leave(isWanted: true)
        if ending == .committed { return result }
        throw ending == .failed ? .failed(engine.reason) : .innerCancelled
    }

    @inlinable @inline(never)
    func transactionBehindOthers<Result, Failure>(
        _ body: (inout Transaction) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        var result: Result?
        var thrown: Failure?
        // The engine knows no type of its users: what is generic ends here, where it is compiled for one type.
        let ending = engine.transaction { transaction in
            do throws(Failure) {
                result = try body(&transaction)
                return true
            } catch {
                thrown = error
                return false
            }
        }
        if ending == .committed, let result { return result }
        if let thrown { throw .cancelled(thrown) }
        throw ending == .failed ? .failed(engine.reason) : .innerCancelled
    }

    /// Runs a closure on the last durable state, beside other readers.
    ///
    /// Writers wait for it to end, so it should be short. It must ask neither for a transaction nor for another read, which would wait for
    /// it.
    /// - Throws: `.cancelled` with what the closure threw; `.failed` if an earlier commit did not become durable.
    @inlinable
    public func read<Result, Failure>(
        _ body: (borrowing Snapshot) throws(Failure) -> Result
    ) throws(TransactionError<Failure>) -> Result {
        if let failure = engine.beginReading() { throw .failed(failure) }
        defer { engine.endReading() }
        do throws(Failure) {
            return try body(engine.snapshot)
        } catch {
            throw .cancelled(error)
        }
    }

    /// Makes the pool larger, for more and larger extents; whole pages, and durable when this returns.
    ///
    /// Nothing moves: extents may be in use meanwhile. A crash leaves the old size or the new one. The heap keeps its size.
    ///
    /// - Throws: `.cannotGrow` if that is not more than it has, or more than there are addresses reserved for (64 GiB, or 16 times the
    ///   size that the pool was opened with; none where the process may not reserve them); `.noSpace`, `.tooLarge`, `.system`: the size is
    ///   then as before. `.notDurable`: the pool must be opened again.
    public mutating func grow(toByteCount byteCount: Int) throws(PersistenceError) {
        let byteCount = wholePages(byteCount)
        guard byteCount > self.byteCount else {
            throw PersistenceError(
                .cannotGrow, "The pool has \(self.byteCount) bytes and only grows; \(byteCount) are not more.")
        }
        try engine.grow(toByteCount: byteCount)
    }

    /// What commits have cost since the pool was opened.
    public var statistics: PoolStatistics { engine.shared { $0.store.statistics } }
}
