public import PliniusMedia

/// What a run says about itself to whoever can read its pool.
///
/// Nothing here is authenticated: that takes the key. Good for a progress line, never for a decision.
public struct RunStatus: Hashable, Sendable {
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
        /// How many commits the run had seen before it.
        public var sequence: UInt64? { mark?.sequence }
        /// Which commit it says that it is.
        public let mark: CommitMark?
    }

    /// Which run it is.
    public let identity: RunIdentity
    /// The size of the mirrored arena.
    public let arenaBytes: Int
    /// The size of the run's extent.
    public let byteCount: Int
    /// Both slots.
    public let slots: [SlotStatus]

    /// The complete slot with the highest sequence number; `nil` if none is complete.
    public var newest: SlotStatus? {
        slots.filter { $0.sequence != nil }.max { ($0.sequence ?? 0) < ($1.sequence ?? 0) }
    }

    /// Reads the status of a run; no key, nothing stored, chunks not read.
    /// - Throws: `.notAMirror`, `.unsupportedVersion`, `.tampered` if the superblock is damaged; `.otherRun` if
    ///   it calls itself something else than the pool does.
    public init(of extent: Extent, named name: RunName) throws(MirrorError) {
        let (superblock, _) = try Superblock.read(from: extent)
        var expected = ExpectedRun()
        expected.name = name
        if let refusal = MirrorError.otherRun(superblock.identity, than: expected) { throw refusal }
        let layout = superblock.layout
        identity = superblock.identity
        arenaBytes = layout.arenaBytes
        byteCount = extent.byteCount
        slots = Slot.allCases.map { slot in
            let start = layout.range(of: slot).lowerBound
            let bytes = extent.read(start..<start + SlotHeader.byteCount)
            let state = SlotState(headerBytes: bytes)
            let header = state == .complete ? SlotHeader(claimedBy: bytes, layout: layout) : nil
            return SlotStatus(
                slot: slot, state: state, progress: header?.progress, generation: header?.generation,
                mark: header.map {
                    CommitMark(
                        sequence: $0.sequence, tag: Array(bytes[SlotHeader.macOffset..<SlotHeader.stateOffset]))
                })
        }
    }
}
