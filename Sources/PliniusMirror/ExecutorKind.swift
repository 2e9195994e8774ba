/// The executors that runs are begun with, by the number that a pool stores.
public enum ExecutorKind: UInt8, Sendable, CaseIterable {
    case oneDNN = 1
    case reference = 2

    /// The name on command lines.
    public var name: String { self == .oneDNN ? "onednn" : "reference" }

    /// How many threads may compute.
    public static let threadCounts: ClosedRange<UInt32> = 1...1024
}
