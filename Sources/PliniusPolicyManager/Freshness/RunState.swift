/// Where a run's mirror is: the newest state that the enclave said it holds.
public struct RunState: Hashable, Sendable {
    /// The length of ``tag``.
    public static let tagByteCount = 32

    /// Grows with each state.
    public let counter: UInt64
    /// What the mirror of that state is recognised by.
    public let tag: [UInt8]

    public init(counter: UInt64, tag: [UInt8]) {
        self.counter = counter
        self.tag = tag
    }
}
