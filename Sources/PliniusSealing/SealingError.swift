/// Why a sealed message was not opened.
public struct SealingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public struct Code: Hashable, Sendable {
        private enum Value {
            case authenticationFailed, notAPublicKey
        }
        private let value: Value

        /// The message, its tag, its nonce or what it was bound to is not what was sealed under this key.
        public static let authenticationFailed = Code(value: .authenticationFailed)
        /// What was given as a public key is none of its suite, or one that no secret can be sealed to.
        public static let notAPublicKey = Code(value: .notAPublicKey)
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

    /// The bytes are no public key of their suite.
    public static let notAPublicKey = SealingError(
        code: .notAPublicKey,
        message: "the bytes are no public key of their suite: nothing can be sealed to them")
}
