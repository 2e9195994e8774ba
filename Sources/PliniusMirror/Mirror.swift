public import PliniusPersistence
public import PliniusSealing
public import _PliniusSupport

/// The sealed copy of a run's arena in a pool: written after iterations, read after a crash.
///
/// Two slots take turns, so a commit never touches the newest finished mirror. The arena is sealed in chunks straight into the slot, and
/// one wait for the medium makes the commit durable; whether a slot is whole is decided by what is in it, not by a pointer.
///
/// A mirror is used by one thread at a time, and a pool by one mirror: whoever owns the file holds a lock on it.
public final class Mirror {
    /// The default size of a chunk: large enough for the cipher's full speed, small enough for the second-level cache.
    public static let defaultChunkBytes = 512 << 10

    /// The run that the pool holds.
    public let identity: RunIdentity
    /// What the arena is the state of: the text of the network's configuration, as the run began with it.
    public let description: [UInt8]
    /// What this mirror has done.
    public internal(set) var statistics = MirrorStatistics()
    /// Called at each crash point of a commit; for tests that end the process there.
    public var onCrashPoint: ((CrashPoint) -> Void)?

    let pool: Region
    let layout: MirrorLayout
    let keys: RunKeys
    /// Draws the line between this process's keys and everybody else's; see ``SlotHeader``.
    let salt: [UInt8]
    let ownKeys: SlotKeys
    /// The counter of the next nonce under `ownKeys`; never stored, so that nobody can turn it back.
    var nonceCounter: UInt64 = 0
    /// The slot that a commit must not touch, and what it holds; `nil` until mirrored in.
    var newest: SlotHeader?
    /// This process's number among those that have mirrored the run.
    var generation: UInt64 = 1
    /// Why no further commit is made.
    var failure: MirrorError?

    var tags: [UInt8]
    var context: ChunkContext

    private init(_ pool: Region, _ superblock: Superblock, _ description: [UInt8], _ keys: RunKeys) {
        self.description = description
        self.pool = pool
        identity = superblock.identity
        layout = superblock.layout
        self.keys = keys
        salt = randomBytes(RunKeys.processSaltByteCount)
        ownKeys = keys.slotKeys(processSalt: salt, cipher: identity.cipher)
        tags = [UInt8](repeating: 0, count: layout.chunkCount * MirrorLayout.tagBytes)
        context = ChunkContext(identity, chunkCount: layout.chunkCount)
    }

    /// The size of the arena that the pool mirrors.
    public var arenaBytes: Int { layout.arenaBytes }

    /// The size of the pool that mirrors an arena.
    public static func byteCount(
        arenaBytes: Int, descriptionBytes: Int = 0, chunkBytes: Int = defaultChunkBytes
    ) -> Int {
        MirrorLayout(arenaBytes: arenaBytes, chunkBytes: chunkBytes, descriptionBytes: descriptionBytes).byteCount
    }

    // MARK: Begin

    /// Begins a run in a new pool of zeros, and mirrors its first state.
    ///
    /// Everything is durable when this returns. A pool whose creation was cut off does not begin as a pool does: give the file its
    /// name only now.
    ///
    /// - Parameters:
    ///   - pool: Of exactly ``byteCount(arenaBytes:descriptionBytes:chunkBytes:)`` bytes.
    ///   - description: What the arena is the state of; public, authenticated, at most 1 MiB.
    /// - Throws: `.media`.
    public static func create(
        on pool: Region, identity: RunIdentity, keys: KeyHierarchy, arena: PrivateMemory, progress: Progress,
        description: [UInt8] = [], chunkBytes: Int = defaultChunkBytes
    ) throws(MirrorError) -> Mirror {
        let layout = MirrorLayout(
            arenaBytes: arena.byteCount, chunkBytes: chunkBytes, descriptionBytes: description.count)
        precondition(pool.byteCount == layout.byteCount, "a new pool has exactly the size that its mirror takes")
        let superblock = Superblock(
            identity: identity, layout: layout, keyCheck: keys.keyCheck(for: identity.runID),
            descriptionDigest: sha256(description))
        let runKeys = keys.runKeys(runID: identity.runID)
        let mirror = Mirror(pool, superblock, description, runKeys)
        mirror.store(description, at: layout.description.lowerBound)
        mirror.setState(.empty, of: .b)
        try mirror.commit(arena, progress, to: .a, sequence: 0)
        mirror.store(superblock.encoded(runKeys), at: 0)
        try mirror.persist()
        return mirror
    }

    // MARK: Find

    /// Opens the run that a pool holds, and stores nothing.
    ///
    /// ``mirrorIn(to:)`` then reads its newest state.
    ///
    /// - Throws: `.notAPool`, `.unsupportedVersion`, `.truncated`, `.oversized`, `.wrongKey`, `.tampered` for the superblock;
    ///   `.otherRun` if it is sound and not what is expected.
    public static func open(on pool: Region, expecting expected: ExpectedRun = ExpectedRun(), keys: KeyHierarchy)
        throws(MirrorError) -> Mirror
    {
        let (superblock, bytes) = try Superblock.read(from: pool)
        let runKeys = try superblock.authenticate(bytes, with: keys)
        let differences = expected.differences(from: superblock.identity)
        guard differences.isEmpty else { throw .otherRun(differences) }
        return Mirror(pool, superblock, try superblock.readDescription(from: pool), runKeys)
    }
}
