/// Why a sealed message was not opened.
public struct SealingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was checked and found.
    public let message: String

    public var description: String { message }

    /// The message, its tag, its nonce or what it was bound to is not what was sealed under this key.
    ///
    /// Which of key, message and context is wrong cannot be told apart, by design of the cipher.
    public static let authenticationFailed = SealingError(
        message: "the authentication tag does not fit: other key, other place or altered bytes")
}
