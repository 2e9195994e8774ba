import Glibc
import Synchronization

/// A program that a test started: it can be watched, signalled and waited for.
///
/// Killed if nobody waits for it until the value dies.
public final class RunningProgram: Sendable {
    /// The process id.
    public let pid: CInt

    private let name: String
    private let output: CaptureFile
    private let errors: CaptureFile
    /// The raw wait status once the process is reaped.
    ///
    /// Signals are sent under the same lock: a reaped id may belong to somebody else.
    private let ended = Mutex<CInt?>(nil)

    init(
        path: String,
        arguments: [String],
        environment: [String: String?]
    ) throws(ProgramError) {
        name = path
        output = try CaptureFile()
        errors = try CaptureFile()

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.descriptor, 2)
        // Tests run side by side in one process: a descriptor of another test must not live on in this child. Closing one that is not
        // open is no error here.
        for descriptor in 3..<getdtablesize() where descriptor < 1_024 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        // The threads that tests run on may block every signal, and a child would go on to.
        var attributes = posix_spawnattr_t()
        var nothing = sigset_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        sigemptyset(&nothing)
        posix_spawnattr_setsigmask(&attributes, &nothing)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var variables = inheritedEnvironment()
        for (name, value) in environment {
            variables[name] = value
        }
        let status = withCStrings([path] + arguments) { argv in
            withCStrings(variables.map { "\($0.key)=\($0.value)" }) { envp in
                var pid: pid_t = 0
                let error = posix_spawn(&pid, path, &actions, &attributes, argv, envp)
                return error == 0 ? pid : -error
            }
        }
        guard status > 0 else {
            throw ProgramError("\(path) cannot be started: \(String(cString: strerror(-status)))")
        }
        pid = status
    }

    deinit {
        if isRunning {
            signal(SIGKILL)
            _ = try? wait(timeout: .seconds(10))
        }
    }

    /// Whether the process has not ended yet.
    public var isRunning: Bool { poll() == nil }

    /// What it has written to standard output so far.
    public var outputSoFar: String { output.text }

    /// What it has written to standard error so far.
    public var errorsSoFar: String { errors.text }

    /// Sends a signal, unless the process has ended.
    public func signal(_ number: CInt) {
        ended.withLock { ended in
            if ended == nil {
                kill(pid, number)
            }
        }
    }

    /// Waits until the process has ended.
    ///
    /// - Throws: ``ProgramError`` after `timeout`; the process is then killed, and the error holds what it said last.
    public func wait(timeout: Duration = .seconds(600)) throws(ProgramError) -> ProgramOutcome {
        let deadline = ContinuousClock.now + timeout
        while true {
            if let status = poll() {
                let signal = status & 0x7F
                return ProgramOutcome(
                    status: signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal),
                    output: outputSoFar,
                    errors: errorsSoFar
                )
            }
            guard ContinuousClock.now < deadline else {
                signal(SIGKILL)
                throw ProgramError(
                    "\(name) did not end within \(timeout); it was killed. Its last words: \(errorsSoFar.suffix(400))"
                )
            }
            usleep(2_000)
        }
    }

    /// Waits until `condition` holds or the process has ended; tells which.
    ///
    /// - Throws: ``ProgramError`` after `timeout`; the process goes on.
    public func wait(
        until condition: (RunningProgram) throws -> Bool,
        timeout: Duration = .seconds(600)
    ) throws -> Bool {
        let deadline = ContinuousClock.now + timeout
        while try !condition(self) {
            guard isRunning else { return try condition(self) }
            guard ContinuousClock.now < deadline else {
                throw ProgramError(
                    "\(name): what was waited for did not happen within \(timeout). Its last words: \(errorsSoFar.suffix(400))"
                )
            }
            usleep(1_000)
        }
        return true
    }

    /// Reaps the process if it has ended, and returns its wait status then.
    private func poll() -> CInt? {
        ended.withLock { ended in
            if ended == nil {
                var status: CInt = 0
                if waitpid(pid, &status, WNOHANG) == pid {
                    ended = status
                }
            }
            return ended
        }
    }
}

/// Takes what a program writes.
///
/// A file without a name never fills up as a pipe does, so nobody has to drain it.
private final class CaptureFile: Sendable {
    let descriptor: CInt

    init() throws(ProgramError) {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let path = "\(folder)/plinius-output-\(getpid())-\(UInt64.random(in: .min ... .max))"
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ProgramError("no file for the output of a program: \(path): \(String(cString: strerror(errno)))")
        }
        unlink(path)
    }

    deinit {
        close(descriptor)
    }

    /// All bytes written so far.
    var text: String {
        // The child shares the file offset: it stands where the child writes next, so this side reads with pread only.
        var bytes = [UInt8]()
        var block = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = pread(descriptor, &block, block.count, off_t(bytes.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += block[..<count]
        }
    }
}

/// The variables of this process.
private func inheritedEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let pointer = entry.pointee {
        let text = String(cString: pointer)
        if let sign = text.firstIndex(of: "=") {
            variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
        }
        entry += 1
    }
    return variables
}

/// Lends `strings` as a C array that ends with a null pointer.
private func withCStrings<R>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { pointers.forEach { free($0) } }
    return pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else {
            preconditionFailure("an array with a null entry has a base address")
        }
        return body(base)
    }
}
