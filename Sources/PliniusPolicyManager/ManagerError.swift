/// Why the policy manager could not do what was asked; nothing has changed then.
public struct ManagerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What to do with it, for whoever maps errors to exit codes and HTTP statuses.
    public enum Code: String, Hashable, Sendable, Codable {
        /// The request cannot be understood.
        case malformed
        /// Whoever asks has not shown that it may.
        case forbidden
        case notFound
        /// The state that the request rests on is not the state any more.
        case conflict
        /// Evidence, a signature or the store itself does not verify.
        case integrity
        /// A limit is reached; later it may do.
        case limited
        /// The disk, the platform or the root key is not there.
        case unavailable
    }

    public let code: Code
    /// What was checked, what was expected, what was found, what to do.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
