/// Why a sealed message was not opened.
public struct SealingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public struct Code: Hashable, Sendable {
        private enum Value {
            case authenticationFailed
        }
        private let value: Value

        /// The message, its tag, its nonce or what it was bound to is not what was sealed under this key.
        public static let authenticationFailed = Code(value: .authenticationFailed)
    }

    /// The kind of failure.
    public let code: Code
    /// What was checked and found.
    public let message: String

    public var description: String { message }

    /// The tag does not fit.
    ///
    /// Which of key, message and context is wrong cannot be told apart, by design of the cipher.
    public static let authenticationFailed = SealingError(
        code: .authenticationFailed,
        message: "the authentication tag does not fit: other key, other place or altered bytes")
}
