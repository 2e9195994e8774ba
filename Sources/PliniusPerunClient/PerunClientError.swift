/// Why a policy manager could not be asked, or what it answered instead.
public struct PerunClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The HTTP status; `nil` if there was no answer.
    public let status: Int?
    public let message: String
    /// What the manager says is the problem.
    public let problem: ProblemDetails?

    public init(status: Int? = nil, _ message: String, problem: ProblemDetails? = nil) {
        self.status = status
        self.message = message
        self.problem = problem
    }

    public var description: String { message }
}
