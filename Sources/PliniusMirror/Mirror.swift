public import PliniusMedia
public import PliniusSealing
import Synchronization
public import _PliniusSupport

/// The sealed copy of a run's arena in an extent of a pool: written after iterations, read after a crash.
///
/// Two slots take turns, so a commit never touches the newest finished mirror. The arena is sealed into the slot in chunks, and
/// one wait for the medium makes the commit durable; whether a slot is whole is decided by what is in it, not by a pointer.
///
/// Several threads seal and open at once if the caller likes, and sleep in between; how many leaves no trace in the pool. A mirror is used by
/// one caller at a time, and an extent by one mirror: whoever owns the pool's file holds a lock on it.
public final class Mirror {
    /// The default size of a chunk: large enough for the cipher's full speed, small enough for the second-level cache.
    public static let defaultChunkBytes = 512 << 10

    /// The run that is mirrored.
    public let identity: RunIdentity
    /// What the arena is the state of: the text of the network's configuration, as the run began with it.
    public let description: [UInt8]
    /// Bytes stored to the pool.
    public internal(set) var bytesWritten = 0
    /// Called at each crash point of a commit; for tests that end the process there.
    public var onCrashPoint: ((CrashPoint) -> Void)?

    let extent: Extent
    let layout: MirrorLayout
    let keys: RunKeys
    /// Draws the line between this process's keys and everybody else's; see ``SlotHeader``.
    let salt: [UInt8]
    let ownKeys: SlotKeys
    /// Those that were used last to read a slot.
    var lastKeys: (salt: [UInt8], keys: SlotKeys)
    /// The counter of the next nonce under `ownKeys`; never stored, so that nobody can turn it back.
    var nonceCounter: UInt64 = 0
    /// The slot that a commit must not touch, and what it holds; `nil` until mirrored in.
    var newest: SlotHeader?
    /// This process's number among those that have mirrored the run.
    var generation: UInt64 = 1
    /// What the trusted counter is counted up to by this start; what the newest mirror says, until ``start(at:)``.
    public var count = TrustedCount.none
    /// What the mirror of the run's best model has reached, which the next commits say; what the newest mirror says, once mirrored in.
    ///
    /// So an older best model is as much an old pool as an older run.
    public var best: CommitMark?
    /// What was committed and is not known to be durable yet.
    var awaited: SlotHeader?
    /// Whether a worker waits for the medium.
    var isWaiting = false
    // Whoever waits must not hold the mirror, or its end, which waits for them, could come to be theirs.
    private(set) lazy var waiting: (Int) -> Void = { [extent, medium] in if $0 == 1 { medium.wait(for: extent) } }
    let medium = MediumAnswer()

    // All that a commit needs is here before it: it allocates nothing.
    /// Of the chunks that are sealed or opened, one after the other.
    let tags: PrivateMemory
    var headerWriter = ByteWriter(capacity: SlotHeader.stateOffset)
    let pool: WorkerPool
    /// What the workers are at.
    var job: ChunkJob?
    /// The chunk that is to be taken next.
    let next = Atomic(0)
    /// The first that is not to be taken.
    let end = Atomic(0)
    private(set) lazy var taking: (Int) -> Void = { [unowned self] in takeChunks(as: $0) }
    /// One for each worker.
    let contexts: [ChunkContext]
    /// Where each worker seals a chunk, so that the medium is given whole chunks: it knows how it takes them fastest.
    let stages: [PrivateMemory]

    private init(_ extent: Extent, _ superblock: Superblock, _ description: [UInt8], _ keys: RunKeys, _ workers: Int) {
        self.description = description
        self.extent = extent
        identity = superblock.identity
        layout = superblock.layout
        self.keys = keys
        salt = randomBytes(RunKeys.processSaltByteCount)
        ownKeys = keys.slotKeys(processSalt: salt, cipher: identity.cipher)
        lastKeys = (salt, ownKeys)
        tags = PrivateMemory(byteCount: layout.chunkCount * MirrorLayout.tagBytes)
        // No more than have something to do, and do not wait for the memory.
        pool = WorkerPool(count: max(1, min(workers, layout.chunkCount, 32)))
        contexts = (0..<pool.count).map { [identity, layout] _ in
            ChunkContext(identity, chunkCount: layout.chunkCount)
        }
        stages = contexts.map { [layout] _ in PrivateMemory(byteCount: min(layout.chunkBytes, layout.arenaBytes)) }
    }

    deinit { if isWaiting { pool.wait() } }

    /// The keys of whoever wrote a slot; both slots tend to be of one process.
    func slotKeys(of header: SlotHeader) -> SlotKeys {
        if header.salt != lastKeys.salt {
            lastKeys = (header.salt, keys.slotKeys(processSalt: header.salt, cipher: identity.cipher))
        }
        return lastKeys.keys
    }

    /// The size of the arena that is mirrored.
    public var arenaBytes: Int { layout.arenaBytes }
    /// The threads that seal and open, the caller's included: no more than there are chunks.
    public var workers: Int { pool.count }

    /// The size of the extent that mirrors an arena.
    public static func byteCount(
        arenaBytes: Int, descriptionBytes: Int = 0, chunkBytes: Int = defaultChunkBytes
    ) -> Int {
        MirrorLayout(arenaBytes: arenaBytes, chunkBytes: chunkBytes, descriptionBytes: descriptionBytes).byteCount
    }

    // MARK: Begin

    /// Begins a run in an extent, whatever that holds, and mirrors its first state.
    ///
    /// Everything is durable when this returns. An extent whose filling was cut off may hold anything: give it its name only now, or in
    /// the same transaction, as ``PliniusPersistence/Pool/begin(_:keys:arena:progress:description:chunkBytes:onCrashPoint:)`` does.
    ///
    /// - Parameters:
    ///   - extent: Of exactly ``byteCount(arenaBytes:descriptionBytes:chunkBytes:)`` bytes.
    ///   - description: What the arena is the state of; public, authenticated, at most 1 MiB.
    ///   - count: What the trusted counter is counted up to once the run has its name.
    ///   - workers: Threads that seal at once, the caller's included.
    /// - Throws: `.media`.
    public static func create(
        on extent: Extent, identity: RunIdentity, keys: KeyHierarchy, arena: PrivateMemory, progress: Progress,
        description: [UInt8] = [], chunkBytes: Int = defaultChunkBytes, count: TrustedCount = .none,
        workers: Int = 1, onCrashPoint: ((CrashPoint) -> Void)? = nil
    ) throws(MirrorError) -> Mirror {
        let layout = MirrorLayout(
            arenaBytes: arena.byteCount, chunkBytes: chunkBytes, descriptionBytes: description.count)
        precondition(extent.byteCount == layout.byteCount, "a new extent has exactly the size that its mirror takes")
        let superblock = Superblock(
            identity: identity, layout: layout, keyCheck: keys.keyCheck(for: identity.runID),
            descriptionDigest: sha256(description))
        let runKeys = keys.runKeys(runID: identity.runID)
        let mirror = Mirror(extent, superblock, description, runKeys, workers)
        mirror.onCrashPoint = onCrashPoint
        mirror.count = count
        mirror.store(description, at: layout.description.lowerBound)
        // The header that a freed run may have left here is wiped: half of it, mixed by a loss of power with half of the first commit's,
        // would be another run's, which no crash of this one explains.
        mirror.store([UInt8](repeating: 0, count: SlotHeader.byteCount), at: layout.range(of: .b).lowerBound)
        mirror.setState(.empty, of: .b)
        try mirror.commit(arena, progress, to: .a, sequence: 0)
        try mirror.endMirrorOut()
        mirror.store(superblock.encoded(runKeys), at: 0)
        try mirror.persist()
        return mirror
    }

    // MARK: Find

    /// Opens the run that an extent holds, and stores nothing.
    ///
    /// ``mirrorIn(to:)`` then reads its newest state.
    ///
    /// - Parameter workers: Threads that open and seal at once, the caller's included; `nil` for as many as the run was begun to compute with.
    /// - Throws: `.notAMirror`, `.unsupportedVersion`, `.wrongKey`, `.tampered` for the superblock;
    ///   `.otherRun` if it is sound and not what is expected.
    public static func open(
        on extent: Extent, expecting expected: ExpectedRun = ExpectedRun(), keys: KeyHierarchy, workers: Int? = 1
    ) throws(MirrorError) -> Mirror {
        let (superblock, bytes) = try Superblock.read(from: extent)
        let runKeys = try superblock.authenticate(bytes, with: keys)
        if let refusal = MirrorError.otherRun(superblock.identity, than: expected) { throw refusal }
        let workers = workers ?? Int(superblock.identity.threads)
        return Mirror(extent, superblock, try superblock.readDescription(from: extent), runKeys, workers)
    }
}
