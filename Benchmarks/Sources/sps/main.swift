// SPS: random swaps in a 10 MB array of 64-bit integers, several swaps a transaction, one thread. Same random sequence, checks and line of JSON
// as its peer, Peers/sps_pmemobj.c.

import Glibc
import Measuring
import PliniusPersistence

let words = 1_250_000
let rootName = "sps"

/// One number a swap, whose halves choose the two words.
@inline(__always)
func nextPair(_ random: inout SplitMix) -> (Int, Int) {
    let number = random.next()
    let count = UInt64(truncatingIfNeeded: words)
    return (
        Int(truncatingIfNeeded: ((number >> 32) &* count) >> 32),
        Int(truncatingIfNeeded: ((number & 0xFFFF_FFFF) &* count) >> 32)
    )
}

/// Depends on every word and on its place.
func checksum(_ word: (Int) -> UInt64) -> UInt64 {
    (0..<words).reduce(0) { $0 &+ word($1) &* UInt64(2 * $1 + 1) }
}

func makePool(_ path: String, _ commit: CommitKind, _ writeBack: WriteBack) throws -> Pool {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { stop("\(path): \(unsafe String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    let heapBytes = words * 8 + (1 << 20)
    return try Pool.create(
        descriptor: descriptor, byteCount: Pool.byteCount(heapBytes: heapBytes, extentBytes: 0, commit: commit),
        heapBytes: heapBytes, commit: commit, writeBack: writeBack)
}

func openPool(_ path: String) throws -> Pool {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { stop("\(path): \(unsafe String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    return try Pool.open(descriptor: descriptor)
}

@inline(__always)
func runTransaction(
    _ pool: borrowing Pool, _ array: PersistentArray<UInt64>, _ random: inout SplitMix, swaps: Int
) throws(TransactionError<Never>) {
    try pool.transaction { tx throws(Never) in
        // A variable of the closure can stay in a register.
        var numbers = random
        for _ in 0..<swaps {
            let (a, b) = nextPair(&numbers)
            tx.swapAt(array, a, b)
        }
        random = numbers
    }
}

var options = Options(
    usage: """
        usage: sps --pool FILE [--swaps K] [--seconds S | --transactions N] [--commit redo-log|flip|twin-copies]
                   [--write-back automatic|clwb|clflushopt|clflush|none]
        """)
let path = options.value("pool", { $0 })
let swaps = options.value("swaps", default: 1) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
let duration = options.value("seconds", default: 0.3) { Double($0).flatMap { $0 > 0 ? $0 : nil } }
let fixed = options.value("transactions", default: 0) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
let commit = options.value("commit", default: CommitKind.redoLog) { name in
    CommitKind.allCases.first { $0.description == name }
}
let writeBack = options.value("write-back", default: WriteBack.automatic) {
    WriteBack(rawValue: $0).flatMap { $0.isAvailable ? $0 : nil }
}
options.rejectOthers()

struct Run {
    var transactions = 0
    var seconds = 0.0
    var all = 0
    var cost = ""
}

/// Swaps until the time is over, after a sixteenth of it to warm up; or a fixed number of transactions.
func measure() throws -> Run {
    let pool = try makePool(path, commit, writeBack)
    let array = try pool.transaction { tx throws(PersistenceError) in
        let array = try tx.allocateArray(of: UInt64.self, count: words)
        for index in 0..<words { tx[array, index] = UInt64(index) }
        try tx.setRoot(rootName, array)
        return array
    }
    var random = SplitMix(seed: 1)
    // Long against the clock, short against the time.
    var batch = 1
    let start = secondsNow()
    var (measured, now, before) = (start, start, pool.statistics)
    var (transactions, counted) = (0, 0)
    var isWarm = fixed > 0
    while fixed > 0 ? transactions < fixed : now - measured < duration || !isWarm {
        if fixed > 0 { batch = min(batch, fixed - transactions) }
        for _ in 0..<batch { try runTransaction(pool, array, &random, swaps: swaps) }
        transactions += batch
        let last = now
        now = secondsNow()
        if now - last < duration / 256 { batch *= 2 }
        if !isWarm, now - start > duration / 16 {
            (isWarm, counted, before) = (true, transactions, pool.statistics)
            measured = secondsNow()
        }
    }
    let after = pool.statistics
    let cost = """
        "tier":"\(pool.tier)","fences":\(after.fences - before.fences),"checkpoints":\(after.checkpoints - before.checkpoints),\
        "bytesStored":\(after.bytesStored - before.bytesStored),\
        "linesWrittenBack":\(after.linesWrittenBack - before.linesWrittenBack)
        """
    return Run(transactions: transactions - counted, seconds: now - measured, all: transactions, cost: cost)
}

/// The checksum of what the pool holds after it was opened again.
func found() throws -> UInt64 {
    let pool = try openPool(path)
    return try pool.read { view throws(PersistenceError) in
        guard let array = try view.arrayRoot(rootName, of: UInt64.self) else { return 0 }
        return checksum { view[array, $0] }
    }
}

/// The checksum after the same swaps in plain memory.
func expected(_ transactions: Int) -> UInt64 {
    var plain = (0..<words).map { UInt64($0) }
    var random = SplitMix(seed: 1)
    for _ in 0..<transactions * swaps {
        let (a, b) = nextPair(&random)
        plain.swapAt(a, b)
    }
    return checksum { plain[$0] }
}

do {
    let run = try measure()
    let sum = try found()
    let isCorrect = sum == expected(run.all)
    print(
        """
        {"program":"Plinius","commit":"\(commit)","swaps":\(swaps),"transactions":\(run.transactions),"seconds":\(run.seconds),\
        "swapsPerMicrosecond":\(Double(run.transactions * swaps) / run.seconds / 1e6),"checksum":"\(hexadecimal(sum))",\
        "correct":\(isCorrect),\(run.cost)}
        """)
    exit(isCorrect ? 0 : 1)
} catch {
    stop("\(error)")
}

func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
