import Glibc

/// Starts a program with exactly the descriptors, variables and signals that it is meant to have.
public struct Spawn {
    /// The path of the program.
    public var program: String
    /// What follows the program's name.
    public var arguments: [String] = []
    /// `NAME=value`, all of them.
    public var environment: [String]
    /// Number in the new process → number here; standard error is shared in any case.
    public var descriptors: [CInt: CInt] = [:]
    /// Whether the terminal's Ctrl-C passes the new process by.
    public var isGroupLeader = false

    /// Prepares a start with the variables of this process.
    public init(program: String) {
        self.program = program
        var names: [String] = []
        var entry = environ
        while let text = entry.pointee {
            names.append(String(cString: text))
            entry += 1
        }
        environment = names
    }

    /// Runs the program to its end.
    /// - Throws: `HostError.Code.failed` if it cannot be started.
    public func run() throws(HostError) -> Termination {
        Termination.wait(for: try start())
    }

    /// Starts the program.
    /// - Returns: the process, to be waited for.
    /// - Throws: `HostError.Code.failed` if it cannot be started.
    func start() throws(HostError) -> pid_t {
        closeOthersOnStart()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for standard: CInt in 0...1 where descriptors[standard] == nil {
            posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0)
        }
        // The numbers of here and there may overlap, so everything goes through numbers above both.
        var copies: [OpenFile] = []
        for (target, source) in descriptors {
            let copy = fcntl(source, F_DUPFD_CLOEXEC, 64)
            guard copy >= 0 else { throw HostError(.failed, Errno.current.explain("a descriptor for \(program)")) }
            copies.append(OpenFile(descriptor: copy, path: program))
            posix_spawn_file_actions_adddup2(&actions, copy, target)
        }
        defer { withExtendedLifetime(copies) {} }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if isGroupLeader {
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= POSIX_SPAWN_SETPGROUP
        }
        posix_spawnattr_setflags(&attributes, CShort(flags))

        var process: pid_t = 0
        let number = Self.withStrings([program] + arguments) { arguments in
            Self.withStrings(environment) { environment in
                posix_spawn(&process, program, &actions, &attributes, arguments, environment)
            }
        }
        guard number == 0 else { throw HostError(.failed, Errno(number: number).explain(program)) }
        return process
    }

    /// Keeps whatever else is open here, inherited or not, out of programs that this process starts.
    private func closeOthersOnStart() {
        guard let directory = opendir("/proc/self/fd") else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let descriptor = CInt(name), descriptor > 2 else { continue }
            let flags = fcntl(descriptor, F_GETFD)
            if flags >= 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
        }
    }

    private static func withStrings<R>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        let copies = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("the list holds its terminator at least") }
            return body(base)
        }
    }
}

/// Programs that are installed together.
public enum Programs {
    /// The directory of the running program.
    public static let directory: String = {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }()

    /// Finds a program beside the running one.
    /// - Throws: `HostError.Code.failed` if it is not there.
    public static func sibling(_ name: String) throws(HostError) -> String {
        let path = "\(directory)/\(name)"
        guard access(path, X_OK) == 0 else {
            throw HostError(
                .failed,
                "\(name) is not beside this program in \(directory); install or build both together"
            )
        }
        return path
    }
}
