/// Why a policy manager could not be asked, or what it answered instead.
public struct PerunClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The HTTP status; `nil` if there was no answer.
    public let status: Int?
    public let message: String

    public init(status: Int? = nil, _ message: String) {
        self.status = status
        self.message = message
    }

    public var description: String { message }
}
