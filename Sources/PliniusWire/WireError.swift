/// What is wrong with bytes that came over the wire, or with the wire itself.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    public enum Code: Sendable {
        /// The other side is gone, in the middle of a frame or while one was sent.
        case disconnected
        /// A frame or a text is longer than its limit.
        case oversized
        /// A payload is too short, too long, or holds a value that its field cannot have.
        case malformed
        /// A frame's type is none of this direction.
        case unknownType
    }

    public let code: Code
    /// What was checked, expected and found.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
