// Random and sequential reads and writes of 4 KiB, each write made durable before the next one, by several threads on blocks of their own.
// After the run everything is opened again, and every block must hold what was last written to it.

import Glibc
import Measuring
import PliniusPersistence

enum Pattern: String, CaseIterable {
    case sequentialRead = "sequential-read"
    case randomRead = "random-read"
    case sequentialWrite = "sequential-write"
    case randomWrite = "random-write"

    var isRandom: Bool { self == .randomRead || self == .randomWrite }
    var writes: Bool { self == .sequentialWrite || self == .randomWrite }
}

/// What one thread did: how often, how long, and the last stamp of each of its blocks.
struct Work: Sendable {
    var operations = 0
    var seconds = 0.0
    var stamps: [UInt64]
}

var options = Options(
    usage: """
        usage: durable-io --pool FILE --way file|extent|transaction --pattern sequential-read|random-read|sequential-write|random-write
                          [--threads N] [--seconds S]
        """)
let path = options.value("pool", { $0 })
let way = options.value("way", { Way(rawValue: $0) })
let pattern = options.value("pattern", { Pattern(rawValue: $0) })
let threads = options.value("threads", default: 1) { Int($0).flatMap { $0 > 0 && $0 <= 64 ? $0 : nil } }
let duration = options.value("seconds", default: 0.3) { Double($0).flatMap { $0 > 0 ? $0 : nil } }
options.rejectOthers()

/// Works on the blocks of one thread until the time is over.
func work(_ medium: any Medium, _ pattern: Pattern, _ blocks: Range<Int>, _ duration: Double) -> Work {
    var work = Work(stamps: [UInt64](repeating: 0, count: blocks.count))
    var random = SplitMix(seed: UInt64(blocks.lowerBound))
    return unsafe withUnsafeTemporaryAllocation(byteCount: blockBytes, alignment: blockBytes) { bytes in
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
        let start = secondsNow()
        repeat {
            for _ in 0..<16 {
                let index =
                    pattern.isRandom
                    ? Int(truncatingIfNeeded: random.next() % UInt64(blocks.count)) : work.operations % blocks.count
                work.operations += 1
                if pattern.writes {
                    let stamp = UInt64(blocks.lowerBound + index) << 32 | UInt64(work.operations)
                    work.stamps[index] = stamp
                    unsafe bytes.storeBytes(of: stamp, as: UInt64.self)
                    unsafe bytes.storeBytes(of: stamp, toByteOffset: blockBytes - 8, as: UInt64.self)
                    unsafe medium.write(blocks.lowerBound + index, UnsafeRawBufferPointer(bytes))
                } else {
                    unsafe medium.read(blocks.lowerBound + index, into: bytes)
                }
            }
            work.seconds = secondsNow() - start
        } while work.seconds < duration
        return work
    }
}

/// Whether the blocks hold these stamps at their beginnings and ends.
func holds(_ medium: any Medium, _ stamps: [UInt64]) -> Bool {
    unsafe withUnsafeTemporaryAllocation(byteCount: blockBytes, alignment: blockBytes) { bytes in
        stamps.indices.allSatisfy { block in
            unsafe medium.read(block, into: bytes)
            return unsafe bytes.load(as: UInt64.self) == stamps[block]
                && bytes.load(fromByteOffset: blockBytes - 8, as: UInt64.self) == stamps[block]
        }
    }
}

func measure() throws -> [Work] {
    let medium = try way.medium(path, isNew: true)
    let (pattern, duration, each) = (pattern, duration, blockCount / threads)
    return onThreads(threads) { number in
        work(medium, pattern, number * each..<(number + 1) * each, duration)
    }
}

do {
    let works = try measure()
    let isCorrect = try holds(way.medium(path, isNew: false), works.flatMap(\.stamps))
    let tier = try way.tier(path)?.description ?? ""
    let perSecond = works.reduce(0) { $0 + Double($1.operations) / $1.seconds }
    print(
        """
        {"way":"\(way.rawValue)","tier":"\(tier)","pattern":"\(pattern.rawValue)","threads":\(threads),\
        "operationsPerSecond":\(perSecond),"correct":\(isCorrect)}
        """)
    exit(isCorrect ? 0 : 1)
} catch {
    stop("\(error)")
}
