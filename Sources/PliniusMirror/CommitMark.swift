import PliniusSealing

/// Which of its commits a run's mirror holds: what shows an old pool to be one to whoever keeps the newest elsewhere.
public struct CommitMark: Hashable, Sendable {
    /// The length of ``tag``.
    static let tagByteCount = SlotHeader.stateOffset - SlotHeader.macOffset

    /// Commits that the run had seen before this one.
    public let sequence: UInt64
    /// The MAC of the slot's header, 32 bytes: tells commits of the same number apart.
    public let tag: [UInt8]

    public init(sequence: UInt64, tag: [UInt8]) {
        self.sequence = sequence
        self.tag = tag
    }

    /// Whether every byte of it is zero.
    var isZero: Bool { sequence == 0 && tag.allSatisfy { $0 == 0 } }
}

extension Mirror {
    /// The newest commit; `nil` until mirrored in.
    public var mark: CommitMark? {
        newest.map {
            CommitMark(sequence: $0.sequence, tag: Array($0.encoded(slotKeys(of: $0)).suffix(CommitMark.tagByteCount)))
        }
    }

    /// Goes on only if the mirror that was read has reached a commit: this one, or a later one.
    ///
    /// Of a later one it is not proven that this one came before.
    /// - Throws: `.rolledBack` if it is an earlier one; `.forked` if it is another of the same number.
    public func require(atLeast floor: CommitMark) throws(MirrorError) {
        guard let mark else { preconditionFailure("mirror in before the mirror is compared") }
        if mark.sequence < floor.sequence { throw .rolledBack(mark, floor) }
        if mark.sequence == floor.sequence, mark != floor { throw .forked(floor) }
    }
}
