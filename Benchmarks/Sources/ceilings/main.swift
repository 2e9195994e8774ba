// What this machine can do at most: multiplications with additions, bytes from memory and from the last cache, AES-256-GCM. Prints one
// line of JSON, in 10^9 operations or bytes a second.

import CCeilings
import Glibc
import Measuring
import PliniusMirror
import PliniusSealing
import Synchronization
import _PliniusSupport

var options = Options(
    usage: "usage: ceilings --cache BYTES [--threads N] [--seconds S]   (of the last cache; S for each ceiling)")
let lastCache = options.value("cache") { Int($0).flatMap { 1 << 20...1 << 34 ~= $0 ? $0 : nil } }
let threads = options.value("threads", default: 2) { Int($0).flatMap { 1...1024 ~= $0 ? $0 : nil } }
let duration = options.value("seconds", default: 0.25) { Double($0).flatMap { $0 > 0 ? $0 : nil } }
options.rejectOthers()

/// Lets threads through once all of them are there.
final class Gate: Sendable {
    private let missing: Atomic<Int>

    init(_ count: Int) { missing = Atomic(count) }

    func pass() {
        missing.subtract(1, ordering: .acquiringAndReleasing)
        while missing.load(ordering: .acquiring) > 0 { sched_yield() }
    }
}

/// The sum of what threads do in a second, in 10^9: each prepares first, then repeats a piece of work that says how much it was.
func rate(_ threads: Int, _ prepare: @escaping @Sendable () -> () -> Int) -> Double {
    let gate = Gate(threads)
    return onThreads(threads) { _ in
        let work = prepare()
        _ = work()
        gate.pass()
        let start = secondsNow()
        var (done, seconds) = (0, 0.0)
        repeat {
            done += work()
            seconds = secondsNow() - start
        } while seconds < duration
        return 1e-9 * Double(done) / seconds
    }.reduce(0, +)
}

extension PrivateMemory {
    @unsafe var address: UnsafeMutablePointer<Float> {
        guard let address = unsafe floats.baseAddress else { stop("no memory") }
        return unsafe address
    }
}

/// Memory that was written to, in large pages where the system has them: small ones cost a part of the bandwidth.
func makeMemory(byteCount: Int) -> PrivateMemory {
    let memory = PrivateMemory(byteCount: byteCount)
    _ = unsafe madvise(memory.bytes.baseAddress, byteCount, MADV_HUGEPAGE)
    unsafe memory.floats.update(repeating: 1)
    return memory
}

/// Threads that add up three tensors, or one tensor after the other; `byteCount` is that of all tensors of all threads.
func bandwidths(byteCount: Int) -> (triad: Double, reading: Double) {
    let count = max(byteCount / threads / 3 / 4096, 1) * 1024
    let triad = rate(threads) {
        let tensors = (0..<3).map { _ in makeMemory(byteCount: 4 * count) }
        return {
            unsafe ceiling_triad(Int64(count), tensors[0].address, tensors[1].address, tensors[2].address, 0.5)
            return 12 * count
        }
    }
    let reading = rate(threads) {
        let tensor = makeMemory(byteCount: 12 * count)
        return {
            _ = unsafe ceiling_sum(Int64(3 * count), tensor.address)
            return 12 * count
        }
    }
    return (triad, reading)
}

/// Threads that seal chunks as a mirror does, from one memory into another; all share out so many bytes, a chunk each at least.
func sealing(_ threads: Int, byteCount: Int) -> Double {
    let chunk = Mirror.defaultChunkBytes
    let byteCount = max(byteCount / threads / chunk, 1) * chunk
    return rate(threads) {
        let key = SealingKey(.random(32), cipher: .aes256GCM)
        let (plain, sealed) = (makeMemory(byteCount: byteCount), makeMemory(byteCount: byteCount))
        var counter: UInt64 = 0
        return {
            let start = Int(counter) * chunk % byteCount
            counter += 1
            _ = unsafe key.seal(
                UnsafeRawBufferPointer(rebasing: plain.bytes[start..<start + chunk]),
                into: UnsafeMutableRawBufferPointer(rebasing: sealed.bytes[start..<start + chunk]),
                nonce: Nonce(stream: 0, counter: counter), authenticating: [])
            return chunk
        }
    }
}

let arithmetic = rate(threads) { { Int(ceiling_multiply_add(1 << 18)) } }
// A quarter of the last cache, which others use too; and multiples of it that leave nothing there.
let cached = bandwidths(byteCount: lastCache / 4)
let uncached = bandwidths(byteCount: max(8 * lastCache, 256 << 20))
let far = max(4 * lastCache, 128 << 20)
print(
    """
    {"instructions":"\(unsafe String(cString: ceiling_instructions()))",\
    "arithmetic":\(arithmetic),"cacheTriad":\(cached.triad),"cacheReading":\(cached.reading),\
    "memoryTriad":\(uncached.triad),"memoryReading":\(uncached.reading),\
    "cacheSealingCore":\(sealing(1, byteCount: 0)),"cacheSealing":\(sealing(threads, byteCount: 0)),\
    "memorySealingCore":\(sealing(1, byteCount: far)),"memorySealing":\(sealing(threads, byteCount: far))}
    """)
