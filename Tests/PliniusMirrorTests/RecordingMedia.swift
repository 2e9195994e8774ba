import Glibc
import PliniusPersistence

/// A medium in memory that remembers every version of every line since it was last certain to be durable.
///
/// The model of a loss of power: of each line, any version may be found afterwards that is not older than the one that a wait covered.
/// On persistent memory (T0) a line is 64 bytes, and a wait covers what was written back. Below a page cache (T3) a line is a sector or a
/// page, and a wait covers everything. The model of a killed process: all stores so far, in order.
final class RecordingMedia: PersistentMedia, @unchecked Sendable {
    /// What a planted bug leaves out.
    enum Bug: CaseIterable, Sendable {
        case noFence, noWriteBack, lastLineNotWrittenBack, noMarker
    }

    /// What a program does to a medium, one at a time: a crash may come after any.
    enum Step {
        case store, writeBack, wait
    }

    private struct Version {
        var bytes: [UInt8]
        var isWrittenBack: Bool
    }

    let tier: Tier
    let isWritable = true
    let lineBytes: Int
    let bytes: UnsafeMutableRawBufferPointer
    /// The kernel's start, as the mirror is told.
    var bootID: BootID
    var bug: Bug?
    /// Called after every step.
    var onStep: (() -> Void)?
    private(set) var lastStep = Step.store
    private(set) var fences = 0
    private(set) var writtenBackBytes = 0

    /// What is certainly durable.
    private var durable: [UInt8]
    /// What the program sees, up to the last step.
    private var seen: [UInt8]
    /// The versions after the durable one, by line.
    private var pending: [Int: [Version]] = [:]

    init(image: [UInt8], tier: Tier, lineBytes: Int = 64, boot: UInt8 = 1) {
        self.tier = tier
        self.lineBytes = lineBytes
        bootID = BootID([UInt8](repeating: boot, count: 16))
        bytes = .allocate(byteCount: image.count, alignment: 4096)
        bytes.copyBytes(from: image)
        durable = image
        seen = image
    }

    /// Takes over from a medium whose process was killed.
    init(continuing other: RecordingMedia) {
        (tier, lineBytes, bootID) = (other.tier, other.lineBytes, other.bootID)
        bytes = .allocate(byteCount: other.seen.count, alignment: 4096)
        bytes.copyBytes(from: other.seen)
        (durable, seen, pending) = (other.durable, other.seen, other.pending)
    }

    deinit { bytes.deallocate() }

    // MARK: The protocol

    func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
        var done = 0
        while done < source.count {
            // Up to the end of the line: a line's bytes are stored together, lines one after the other.
            let count = min(source.count - done, lineBytes - (offset + done) % lineBytes)
            let part = UnsafeRawBufferPointer(rebasing: source[done..<done + count])
            UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + done)...]).copyMemory(from: part)
            done += count
            noteStores()
            let isLast = done == source.count
            markWrittenBack(
                offset + done - count..<offset + done,
                unless: isLast ? [.noWriteBack, .lastLineNotWrittenBack] : [.noWriteBack])
        }
    }

    func store(_ word: UInt64, at offset: Int) {
        // "PLINTORN", whatever the mirror calls it.
        if bug == .noMarker, word == 0x4E52_4F54_4E49_4C50 { return }
        bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
        // A store and its write-back are two instructions: a kill may come between.
        noteStores()
        markWrittenBack(offset..<offset + 8, unless: [.noWriteBack, .lastLineNotWrittenBack])
    }

    func writeBack(_ range: Range<Int>) {
        noteStores()
        let last = (range.upperBound - 1) / lineBytes * lineBytes
        if range.lowerBound < last { markWrittenBack(range.lowerBound..<last, unless: [.noWriteBack]) }
        markWrittenBack(
            max(last, range.lowerBound)..<range.upperBound, unless: [.noWriteBack, .lastLineNotWrittenBack])
    }

    func persist() {
        noteStores()
        fences += 1
        if bug != .noFence {
            for (line, versions) in pending {
                guard let last = tier == .t0 ? versions.lastIndex(where: \.isWrittenBack) : versions.indices.last else {
                    continue
                }
                durable.replaceSubrange(range(of: line), with: versions[last].bytes)
                let rest = Array(versions[(last + 1)...])
                pending[line] = rest.isEmpty ? nil : rest
            }
        }
        step(.wait)
    }

    // MARK: Recording

    private func range(of line: Int) -> Range<Int> {
        line * lineBytes..<min((line + 1) * lineBytes, seen.count)
    }

    private func isUnchanged(_ range: Range<Int>) -> Bool {
        seen.withUnsafeBytes { seen in
            guard let old = seen.baseAddress, let new = bytes.baseAddress else { return true }
            return memcmp(old + range.lowerBound, new + range.lowerBound, range.count) == 0
        }
    }

    /// Takes in what has changed since the last step, line by line in the order of addresses, with a step after each.
    private func noteStores() {
        for line in 0..<(seen.count + lineBytes - 1) / lineBytes {
            let range = range(of: line)
            if isUnchanged(range) { continue }
            let now = [UInt8](bytes[range])
            seen.replaceSubrange(range, with: now)
            pending[line, default: []].append(Version(bytes: now, isWrittenBack: false))
            step(.store)
        }
    }

    private func markWrittenBack(_ range: Range<Int>, unless bugs: [Bug]) {
        if let bug, bugs.contains(bug) { return }
        writtenBackBytes += range.count
        for line in range.lowerBound / lineBytes...(range.upperBound - 1) / lineBytes {
            if let count = pending[line]?.count { pending[line]?[count - 1].isWrittenBack = true }
        }
        step(.writeBack)
    }

    private func step(_ step: Step) {
        lastStep = step
        onStep?()
    }

    // MARK: Crashes

    /// What a killed process leaves.
    var imageAfterKill: [UInt8] { seen }

    /// The number of lines of which more than one version may be found.
    var uncertainLines: Int { pending.count }

    /// What a loss of power may leave: every combination, or `limit` of them drawn with `seed`, with none, all, each line alone and each line
    /// missing among them.
    func imagesAfterPowerLoss(limit: Int, seed: UInt64) -> [[UInt8]] {
        let lines = pending.keys.sorted()
        let counts = lines.map { 1 + (pending[$0]?.count ?? 0) }
        let combinations = counts.reduce(1) { total, count in min(total * count, limit + 1) }
        var images: [[UInt8]] = []
        func add(_ choice: [Int]) {
            var image = durable
            for (index, line) in lines.enumerated() where choice[index] > 0 {
                if let versions = pending[line] {
                    image.replaceSubrange(range(of: line), with: versions[choice[index] - 1].bytes)
                }
            }
            images.append(image)
        }
        if combinations <= limit {
            var choice = [Int](repeating: 0, count: lines.count)
            while true {
                add(choice)
                guard let next = choice.indices.first(where: { choice[$0] + 1 < counts[$0] }) else { return images }
                choice[next] += 1
                for index in 0..<next { choice[index] = 0 }
            }
        }
        let all = counts.map { $0 - 1 }
        add(all)
        add(all.map { _ in 0 })
        var random = SeededRandom(seed: seed)
        for index in lines.indices.shuffled(using: &random).prefix(limit / 8) {
            add(all.indices.map { $0 == index ? all[$0] : 0 })
            add(all.indices.map { $0 == index ? 0 : all[$0] })
        }
        while images.count < limit {
            // Rare and frequent survival alike: one bias per image.
            let bias = UInt64.random(in: 1...15, using: &random)
            add(
                counts.map {
                    UInt64.random(in: 0..<16, using: &random) < bias ? Int.random(in: 0..<$0, using: &random) : $0 - 1
                })
        }
        return images
    }
}

/// SplitMix64: the same draws at every run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
