/// What is wrong with bytes that came over the wire, or with the wire itself.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of fault.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case disconnected, oversized, malformed, unknownType
        }

        private let value: Value

        private init(_ value: Value) {
            self.value = value
        }

        /// The other side is gone, in the middle of a frame or while one was sent.
        public static let disconnected = Code(.disconnected)
        /// A frame or a text is longer than its limit.
        public static let oversized = Code(.oversized)
        /// A payload is too short, too long, or holds a value that its field cannot have.
        public static let malformed = Code(.malformed)
        /// A frame's type is none of this direction.
        public static let unknownType = Code(.unknownType)

        public var description: String { value.rawValue }
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
