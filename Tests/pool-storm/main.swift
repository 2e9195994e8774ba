import Glibc
import PliniusPersistence
import _PliniusSupport

let usage = """
    usage: pool-storm create FILE [--commit redo-log|flip|twin-copies]
           pool-storm run FILE [--threads N] [--transactions N] [--acknowledged FILE [--lossy]]
           pool-storm verify FILE [--acknowledged FILE [--lossy]]

    create  makes a pool and fills it
    run     recovers and verifies it, then changes it in N threads until killed (or for N transactions each);
            writes 'THREAD NUMBER' for every transaction as soon as it is durable
    verify  recovers it, verifies it, and writes how far each thread came; exit status 3 if anything is wrong
    --acknowledged  what earlier runs wrote: the pool must hold all of it, and one transaction of each thread more at most
    --lossy         lines may be missing there: the pool may hold any number more
    """

func fail(_ message: String, _ status: CInt = 1) -> Never {
    say("pool-storm: \(message)\n", to: STDERR_FILENO)
    exit(status)
}

struct Options {
    var command = ""
    var path = ""
    private var values: [String: String] = [:]

    init() {
        var arguments = CommandLine.arguments.dropFirst()
        var words: [String] = []
        while let argument = arguments.popFirst() {
            if argument == "--lossy" {
                values[argument] = ""
            } else if argument.hasPrefix("--") {
                guard ["--commit", "--threads", "--transactions", "--acknowledged"].contains(argument),
                    let value = arguments.popFirst()
                else { fail(usage, 2) }
                values[argument] = value
            } else {
                words.append(argument)
            }
        }
        guard words.count == 2 else { fail(usage, 2) }
        (command, path) = (words[0], words[1])
    }

    var commit: CommitKind {
        guard let name = values["--commit"] else { return .redoLog }
        guard let kind = CommitKind.allCases.first(where: { "\($0)" == name }) else { fail(usage, 2) }
        return kind
    }
    func number(_ option: String, default value: UInt64) -> UInt64 {
        guard let text = values[option] else { return value }
        guard let number = UInt64(text) else { fail(usage, 2) }
        return number
    }
    var acknowledgedPath: String? { values["--acknowledged"] }
    var isLossy: Bool { values["--lossy"] != nil }
}

func openFile(_ path: String, _ flags: CInt) -> CInt {
    let descriptor = open(path, flags | O_CLOEXEC, 0o600)
    if descriptor < 0 { fail("\(path): \(String(cString: strerror(errno)))") }
    return descriptor
}

func contents(of path: String) -> [UInt8] {
    let descriptor = openFile(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = read(descriptor, &block, block.count), count > 0 { bytes += block[..<count] }
    return bytes
}

/// Opens for reading, which recovers in private, then for writing, which recovers in the file: both must find the same.
func recover(_ options: Options) throws -> (pool: Shared, counters: [UInt64]) {
    let descriptor = openFile(options.path, O_RDWR)
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 { fail("another process is at work on \(options.path)") }
    var looked = try Verification(Pool.open(descriptor: descriptor, access: .readOnly))
    let shared = Shared(try Pool.open(descriptor: descriptor))
    let verified = Verification(shared.pool)
    if looked.findings != verified.findings || looked.counters != verified.counters {
        looked.find("opened for reading it holds \(looked.counters), opened for writing \(verified.counters)")
    }
    if let path = options.acknowledgedPath {
        looked.compare(with: Acknowledgements(contents(of: path)), isComplete: !options.isLossy)
    }
    if !looked.findings.isEmpty { fail("\(options.path): \(looked.findings.joined(separator: "\n"))", 3) }
    return (shared, verified.counters)
}

/// What is durable, as the threads say it.
func lines(_ counters: [UInt64]) -> String {
    counters.enumerated().filter { $0.element > 0 }.map { "\($0.offset) \($0.element)\n" }.joined()
}

let options = Options()
do {
    switch options.command {
    case "create":
        let size = Pool.byteCount(
            heapBytes: Ledger.heapBytes, extentBytes: Ledger.extentBytes, commit: options.commit)
        try Workload.prepare(
            Pool.create(
                descriptor: openFile(options.path, O_RDWR | O_CREAT | O_EXCL), byteCount: size,
                heapBytes: Ledger.heapBytes, commit: options.commit))
    case "verify":
        say(lines(try recover(options).counters))
    case "run":
        let (shared, counters) = try recover(options)
        let (threads, transactions) = (
            options.number("--threads", default: 4), options.number("--transactions", default: .max)
        )
        guard (1...UInt64(Ledger.threads)).contains(threads) else { fail("1 to \(Ledger.threads) threads", 2) }
        // A crash may have come between a commit and its line: from here on, one more transaction is one more.
        say("# recovered\n" + lines(counters))
        let done = Semaphore()
        let seed = monotonicNanoseconds() ^ UInt64(getpid()) << 40
        for thread in 0..<Int(threads) {
            startThread {
                var workload = Workload(shared: shared, thread: thread, random: Random(mix(seed &+ UInt64(thread))))
                do { try workload.run(transactions: transactions) } catch { fail("thread \(thread): \(error)") }
                done.signal()
            }
        }
        for _ in 0..<threads { done.wait() }
    default: fail(usage, 2)
    }
} catch {
    fail("\(options.path): \(error)")
}
