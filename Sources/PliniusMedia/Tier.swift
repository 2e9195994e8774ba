/// What the medium of a pool promises, as detected, from the strongest promise to the weakest.
public enum Tier: UInt8, Sendable, CaseIterable, Comparable, CustomStringConvertible {
    /// Persistent memory mapped with MAP_SYNC: write-back and fence.
    case t0
    /// Memory that the kernel forgets (tmpfs): stores alone.
    case t1
    /// Persistent memory whose metadata needs the kernel (DAX without MAP_SYNC, virtio-pmem): fdatasync.
    case t2
    /// An ordinary file in the page cache: fdatasync.
    case t3

    /// The name and the medium: `T3 (file)`.
    public var description: String {
        switch self {
        case .t0: "T0 (persistent memory)"
        case .t1: "T1 (memory file system)"
        case .t2: "T2 (DAX without MAP_SYNC)"
        case .t3: "T3 (file)"
        }
    }

    /// What a finished commit survives, in a sentence for the operator.
    public var survives: String {
        switch self {
        case .t0: "A finished commit survives a killed process, a crash of the system and a loss of power."
        case .t1: "A finished commit survives a killed process only: the file is gone when the machine restarts."
        case .t2, .t3:
            "A finished commit survives a killed process, a crash of the system and a loss of power, "
                + "as far as the device keeps what it has acknowledged."
        }
    }

    /// Whether a commit ends with a system call instead of a fence.
    public var needsSynchronisation: Bool { self >= .t2 }

    public static func < (left: Tier, right: Tier) -> Bool { left.rawValue < right.rawValue }
}
