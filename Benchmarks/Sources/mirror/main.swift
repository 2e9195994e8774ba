// Mirror-out and mirror-in of an arena of random numbers, each beside a plain copy of as many bytes to and from the same medium. Both find
// their files mapped, and a mirror has its run opened and its threads started: that is once a process, whatever the size.

import Glibc
import Measuring
import PliniusMedia
import PliniusMirror
import PliniusSealing
import _PliniusSupport

var options = Options(
    usage:
        "usage: mirror --folder FOLDER --megabytes N [--rounds N] [--threads N]   (10^6 bytes; prints medians in milliseconds)"
)
let folder = options.value("folder", { $0 })
let byteCount = options.value("megabytes") { Int($0).flatMap { 1...10_000 ~= $0 ? $0 * 1_000_000 : nil } }
let rounds = options.value("rounds", default: 15) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
let threads = options.value("threads", default: sysconf(CInt(_SC_NPROCESSORS_ONLN))) {
    Int($0).flatMap { $0 > 0 ? $0 : nil }
}
options.rejectOthers()

/// The samples of one kind of work, in milliseconds.
struct Samples {
    private var times: [Double] = []

    mutating func add<R>(_ work: () throws -> R) rethrows -> R {
        let start = secondsNow()
        let result = try work()
        times.append(1000 * (secondsNow() - start))
        return result
    }

    var median: Double {
        let sorted = times.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

/// The plain copy that the mirror is compared to: neither sealed nor checked, one place instead of two slots.
struct PlainCopy {
    let region: Region

    init(byteCount: Int) throws {
        let pages = (byteCount + Region.pageBytes - 1) / Region.pageBytes
        let descriptor = makeFile(in: folder, byteCount: pages * Region.pageBytes)
        defer { close(descriptor) }
        region = try Region.open(descriptor: descriptor)
    }

    /// As durable as a mirror when it returns.
    func store(_ memory: PrivateMemory) throws {
        unsafe region.copy(UnsafeRawBufferPointer(memory.bytes), to: 0)
        try region.persist()
    }

    func load(into memory: PrivateMemory) {
        unsafe region.read(0..<memory.byteCount, into: memory.bytes)
    }
}

func fill(_ memory: PrivateMemory) {
    // Random numbers, never zeros: a page of zeros may cost less than any other.
    var random = SplitMix(seed: 1)
    let words = unsafe memory.bytes.bindMemory(to: UInt64.self)
    for index in words.indices { unsafe words[index] = random.next() }
}

func measure() throws {
    let arena = PrivateMemory(byteCount: byteCount)
    fill(arena)
    let keys = KeyHierarchy(ownerKey: .random(KeyHierarchy.ownerKeyByteCount))
    let zeros = [UInt8](repeating: 0, count: 32)
    let identity = RunIdentity(
        name: try RunName("benchmark"), runID: randomBytes(16), configDigest: zeros, layoutDigest: zeros,
        datasetID: randomBytes(16), seed: 1, cipher: .aes256GCM, sampling: 1, executor: 1, threads: 1)
    let descriptor = makeFile(in: folder, byteCount: Mirror.byteCount(arenaBytes: byteCount))
    defer { close(descriptor) }
    let region = try Region.open(descriptor: descriptor)
    var progress = Progress(iteration: 0, loss: 0, averageLoss: 0)
    let mirror = try Mirror.create(
        on: region.whole, identity: identity, keys: keys, arena: arena, progress: progress, workers: threads)
    let copy = try PlainCopy(byteCount: byteCount)

    var (mirrorOut, mirrorIn, copyOut, copyIn, opening) = (Samples(), Samples(), Samples(), Samples(), Samples())
    // Two rounds to warm up: both slots have to be written once.
    for round in -2..<rounds {
        if round == 0 {
            (mirrorOut, mirrorIn, copyOut, copyIn, opening) = (Samples(), Samples(), Samples(), Samples(), Samples())
        }
        progress.iteration += 1
        try mirrorOut.add { try mirror.mirrorOut(arena, progress: progress) }
        try copyOut.add { try copy.store(arena) }
        let reader = try opening.add { try Mirror.open(on: region.whole, keys: keys, workers: threads) }
        let recovery = try mirrorIn.add { try reader.mirrorIn(to: arena) }
        guard recovery.progress == progress else { stop("an older mirror was read") }
        copyIn.add { copy.load(into: arena) }
    }
    print(
        """
        {"tier":"\(region.tier)","bytes":\(byteCount),"mirrorOut":\(mirrorOut.median),"copyOut":\(copyOut.median),\
        "mirrorIn":\(mirrorIn.median),"copyIn":\(copyIn.median),"opening":\(opening.median)}
        """)
}

do { try measure() } catch { stop("\(error)") }
