/// Where a trusted counter stands that counts a run's starts, or what it is to be counted up to: what shows an old pool to be one.
public struct TrustedCount: Hashable, Sendable {
    /// A run whose starts nobody counts.
    public static let none = TrustedCount(index: 0, value: 0)

    /// Which counter: another one may stand where this one once stood.
    public let index: UInt32
    public var value: UInt64

    public init(index: UInt32, value: UInt64) {
        self.index = index
        self.value = value
    }

    /// What the counter is counted up to by the next start.
    public var next: TrustedCount { self == .none ? self : TrustedCount(index: index, value: value &+ 1) }

    /// What the checks of a recovery cannot see, in a sentence for the operator.
    public var rollbackWindow: String {
        self == .none
            ? "Rollback: without a trusted counter, a whole pool from an earlier moment of the same run is not recognised."
            : "Rollback: a whole pool from before this start, the number \(self) of the trusted counter, is refused from now on, and one since "
                + "then is not recognised; that believes the TPM that answered."
    }
}

extension TrustedCount: CustomStringConvertible {
    public var description: String { self == .none ? "none" : "\(value) at 0x\(String(index, radix: 16))" }
}
