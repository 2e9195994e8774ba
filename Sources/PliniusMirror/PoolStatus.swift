public import PliniusPersistence

/// What a pool says about itself to whoever can read it.
///
/// Nothing here is authenticated: that takes the key. Good for a progress line, never for a decision.
public struct PoolStatus: Hashable, Sendable {
    /// What a slot says about itself.
    public struct SlotStatus: Hashable, Sendable {
        /// Which slot.
        public let slot: Slot
        /// What its state word says.
        public let state: SlotState
        /// How far the mirror's run had come; `nil` unless the slot is complete and its header can be read.
        public let progress: Progress?
        /// The number of the process that wrote it.
        public let generation: UInt64?
        /// How many commits the pool had seen before it.
        public let sequence: UInt64?
    }

    /// Which run the pool holds.
    public let identity: RunIdentity
    /// The size of the mirrored arena.
    public let arenaBytes: Int
    /// The size of the pool.
    public let byteCount: Int
    /// What a commit to it survives.
    public let tier: Tier
    /// Both slots.
    public let slots: [SlotStatus]

    /// The complete slot with the highest sequence number; `nil` if none is complete.
    public var newest: SlotStatus? {
        slots.filter { $0.sequence != nil }.max { ($0.sequence ?? 0) < ($1.sequence ?? 0) }
    }

    /// Reads the status of a pool; no key, nothing stored, chunks not read.
    /// - Throws: `.notAPool`, `.unsupportedVersion`, `.truncated`, `.oversized`, `.tampered` if the superblock is damaged.
    public init(of pool: Region) throws(MirrorError) {
        let (superblock, _) = try Superblock.read(from: pool)
        let layout = superblock.layout
        identity = superblock.identity
        arenaBytes = layout.arenaBytes
        byteCount = pool.byteCount
        tier = pool.tier
        slots = Slot.allCases.map { slot in
            let start = layout.range(of: slot).lowerBound
            let bytes = pool.read(start..<start + SlotHeader.byteCount)
            let state = SlotState(headerBytes: bytes)
            let header = state == .complete ? SlotHeader(claimedBy: bytes, layout: layout) : nil
            return SlotStatus(
                slot: slot, state: state, progress: header?.progress, generation: header?.generation,
                sequence: header?.sequence)
        }
    }
}
