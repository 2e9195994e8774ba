import Glibc
import PliniusPolicyManager
import PliniusSealing
import PliniusVerifier

let usage = """
    usage: policy-storm run FOLDER [CHANGES [LIMIT]]
           policy-storm full FOLDER BALLAST
           policy-storm limited FOLDER LIMIT

    run      opens a store, or makes one, and changes it until killed (or so many times); writes the number of each change and the size of
             the log as soon as they are durable; with LIMIT, the system kills it when a file would grow beyond so many bytes
    full     fills the disk with the file BALLAST until a change fails, removes the file, and changes the store again
    limited  does the same with a limit of the system on the length of files, which it then lifts

    The root key of every such store is 32 bytes of 0x53: it protects nothing.
    """

/// Writes at once: what was said is known to whoever reads, whatever happens to this process.
func say(_ text: String, to descriptor: CInt = STDOUT_FILENO) {
    var text = text
    text.withUTF8 { bytes in
        if write(descriptor, bytes.baseAddress, bytes.count) != bytes.count { exit(1) }
    }
}

func fail(_ message: String, _ status: CInt = 1) -> Never {
    say("policy-storm: \(message)\n", to: STDERR_FILENO)
    exit(status)
}

/// Beyond it, a write kills the process, or fails if the signal is ignored.
func limitFiles(to byteCount: UInt64) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = min(rlim_t(byteCount), limit.rlim_max)
    if setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) != 0 { fail("no limit can be set") }
}

/// Fills the disk, to the last byte.
func fill(_ path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    if descriptor < 0 { fail("\(path) cannot be made") }
    for count in [1 << 16, 1 << 12, 1] {
        let block = [UInt8](repeating: 0, count: count)
        while write(descriptor, block, count) == count {}
    }
    close(descriptor)
}

/// Changes the store until that fails; tells why.
func changeUntilFailure(_ workload: Workload) -> String {
    for _ in 0..<10_000 {
        do {
            try workload.change(try workload.next())
        } catch let error as ManagerError where error.code == .unavailable {
            return error.message
        } catch {
            fail("another error: \(error)")
        }
    }
    fail("10000 changes, and the disk is not full")
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, arguments.count <= 5 else { fail(usage, 2) }
let numbers = arguments.dropFirst(3).map { UInt64($0) }
do {
    if arguments[1] == "run", numbers.count == 2, let limit = numbers[1] {
        // Whoever started this may ignore the signal, or block it.
        signal(SIGXFSZ, SIG_DFL)
        var signals = sigset_t()
        sigaddset(&signals, SIGXFSZ)
        sigprocmask(SIG_UNBLOCK, &signals, nil)
        limitFiles(to: limit)
    }
    let vault = try Vault(root: SecretBytes([UInt8](repeating: 0x53, count: 32)))
    var options = StoreOptions()
    // Kills fall among checkpoints as well.
    options.checkpointPages = 100
    options.examinesAll = false
    let store = try PolicyStore(
        folder: arguments[2], vault: vault, isNew: true, at: Workload.begin, options: options)
    let workload = Workload(store: store)
    var next = try workload.next()
    switch arguments[1] {
    case "run":
        say("# \(next)\n")
        for _ in 0..<((numbers.first ?? nil) ?? .max) {
            say("\(next) \(try workload.change(next))\n")
            next += 1
        }
    case "full" where arguments.count == 4:
        try workload.change(next)
        fill(arguments[3])
        say("\(changeUntilFailure(workload))\n")
        let before = try workload.next()
        unlink(arguments[3])
        say("\(before) \(try workload.change(before))\n")
    case "limited" where arguments.count == 4:
        guard let limit = numbers.first ?? nil else { fail(usage, 2) }
        signal(SIGXFSZ, SIG_IGN)
        try workload.change(next)
        limitFiles(to: limit)
        say("\(changeUntilFailure(workload))\n")
        let before = try workload.next()
        limitFiles(to: .max)
        say("\(before) \(try workload.change(before))\n")
    default: fail(usage, 2)
    }
} catch {
    fail("\(arguments[2]): \(error)")
}
