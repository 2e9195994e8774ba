import PliniusWire

/// Why a program of the host gives up, in a sentence for the operator.
public struct HostError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; it decides the exit code.
    public struct Code: Hashable, Sendable {
        /// What the program exits with.
        public let exitCode: Int32

        private init(_ exitCode: Int32) {
            self.exitCode = exitCode
        }

        /// The work failed.
        public static let failed = Code(1)
        /// The request cannot be meant: a missing file, an option out of range, another run's pool.
        public static let usage = Code(2)
        /// Something does not verify.
        public static let integrity = Code(3)
        /// The pool holds nothing to resume from.
        public static let recovery = Code(4)
    }

    public let code: Code
    /// What was checked, expected and found, and what to do.
    public let message: String
    /// Whether the enclave process ended before it had answered; what it had mirrored is safe.
    public private(set) var isDeathOfEnclave = false

    /// Makes an error of the host's own.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Takes over what the enclave gave up for.
    init(_ failure: Failure) {
        switch failure.category {
        case .failed: code = .failed
        case .usage: code = .usage
        case .integrity: code = .integrity
        case .recovery: code = .recovery
        }
        message = failure.message
    }

    /// Reports the end of an enclave process that owed an answer.
    init(enclave message: String) {
        self.init(.failed, message)
        isDeathOfEnclave = true
    }

    /// The same error with more to say.
    func adding(_ sentence: String) -> HostError {
        var error = HostError(code, message + sentence)
        error.isDeathOfEnclave = isDeathOfEnclave
        return error
    }

    public var description: String { message }
}
