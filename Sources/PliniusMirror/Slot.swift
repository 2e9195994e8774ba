/// One of the two places of a mirror: commits alternate between them, so that one always holds a finished mirror.
public enum Slot: UInt8, Sendable, CaseIterable, CustomStringConvertible {
    case a, b

    /// The one that the next commit goes to.
    public var other: Slot { self == .a ? .b : .a }
    /// The name in messages: `slot A`.
    public var description: String { self == .a ? "slot A" : "slot B" }
}

/// What the last word of a slot's header says about the slot.
///
/// The word alone is not authenticated: it is the one field that changes twice in a commit. A state that lies is found out by the
/// header's MAC, the tags and the sequence numbers, or costs at most the newest mirror.
public enum SlotState: Hashable, Sendable, CustomStringConvertible {
    /// Never written since the pool was made.
    case empty
    /// A commit began here and did not end.
    case inProgress
    /// A commit ended here.
    case complete
    /// None of the words that this code writes.
    case damaged(UInt64)

    init(word: UInt64) {
        self = [.empty, .inProgress, .complete].first { $0.word == word } ?? .damaged(word)
    }

    /// The word in the file: eight letters, of which any two states differ in several.
    var word: UInt64 {
        switch self {
        case .empty: UInt64(littleEndianBytes: "PLINFREE")
        case .inProgress: UInt64(littleEndianBytes: "PLINTORN")
        case .complete: UInt64(littleEndianBytes: "PLINDONE")
        case .damaged(let word): word
        }
    }

    public var description: String {
        switch self {
        case .empty: "empty"
        case .inProgress: "in progress"
        case .complete: "complete"
        case .damaged: "damaged"
        }
    }
}

extension UInt64 {
    /// The word that stands for up to eight ASCII letters in memory.
    init(littleEndianBytes letters: StaticString) {
        self = letters.withUTF8Buffer { unsafe $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    }
}
