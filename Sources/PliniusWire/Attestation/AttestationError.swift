/// Why no evidence could be had.
public struct AttestationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, expected and found, and what to do.
    public let description: String

    public init(_ description: String) { self.description = description }
}
