import Glibc

/// One of the package's programs as it was built, started the way a user starts it.
///
/// The programs lie beside the running test bundle, so that tests always meet the build that they belong to.
public struct Program: Hashable, Sendable {
    /// The operator's program, on the untrusted host.
    public static let plinius = Program(name: "plinius")
    /// The trusted process; `plinius` starts it, a test only to see it refuse.
    public static let enclave = Program(name: "plinius-enclave")
    /// The data owner's program.
    public static let owner = Program(name: "plinius-owner")

    /// The absolute path of the program.
    public let path: String

    /// A program of that name beside the test bundle.
    public init(name: String) { path = "\(Self.directory)/\(name)" }

    /// A program of the system.
    public init(path: String) { self.path = path }

    /// Whether it is there.
    public var isInstalled: Bool { access(path, X_OK) == 0 }

    /// The folder of the test bundle, which holds the programs of the same build.
    public static let directory: String = {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &bytes, bytes.count)
        precondition(count > 0, "/proc/self/exe cannot be read: is /proc mounted?")
        let path = String(decoding: bytes[..<count], as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }()

    /// Starts the program and returns at once.
    ///
    /// Standard input is empty; standard output and standard error are kept and can be read while the program runs. No other descriptor
    /// is inherited.
    ///
    /// - Parameters:
    ///   - arguments: What follows the program's name.
    ///   - environment: Variables on top of this process's own; `nil` removes one.
    ///
    /// - Throws: ``ProgramError`` if there is no such program.
    public func start(
        _ arguments: [String] = [],
        environment: [String: String?] = [:]
    ) throws(ProgramError) -> RunningProgram {
        guard isInstalled else {
            throw ProgramError("\(path) is not there: build it first with 'swift build -c release'")
        }
        return try RunningProgram(
            path: path,
            arguments: arguments,
            environment: environment
        )
    }

    /// Runs the program to its end.
    ///
    /// The calling thread waits; tests that run side by side therefore start no more programs than the machine has cores.
    ///
    /// - Parameters:
    ///   - arguments: What follows the program's name.
    ///   - environment: Variables on top of this process's own; `nil` removes one.
    ///   - timeout: The program is killed when it runs longer than this.
    ///
    /// - Throws: ``ProgramError`` if there is no such program, or if it did not end in time.
    @discardableResult
    public func run(
        _ arguments: [String] = [],
        environment: [String: String?] = [:],
        timeout: Duration = .seconds(600)
    ) throws(ProgramError) -> ProgramOutcome {
        try start(arguments, environment: environment).wait(timeout: timeout)
    }
}

/// Why a program could not be started or waited for.
public struct ProgramError: Error, CustomStringConvertible {
    /// What was tried and what happened.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// How a program ended, and what it said.
public struct ProgramOutcome: Sendable {
    /// The ways of ending.
    public enum Status: Hashable, Sendable {
        /// It called `exit` with this status.
        case exited(CInt)
        /// This signal ended it.
        case signalled(CInt)
    }

    /// How it ended.
    public let status: Status
    /// Everything that it wrote to standard output.
    public let output: String
    /// Everything that it wrote to standard error.
    public let errors: String

    /// Whether it exited with status 0.
    public var succeeded: Bool { status == .exited(0) }
}
