import Glibc
public import PliniusPersistence

/// A medium in memory that remembers every version of every line since it was last certain to be durable.
///
/// The model of a loss of power: of each line, any version may be found afterwards that is not older than the one that a wait covered.
/// On persistent memory (T0) a line is 64 bytes, and a wait covers what was written back. Below a page cache (T3) a line is a sector or a
/// page, and a wait covers everything. The model of a killed process: all stores so far, in order.
public final class RecordingMedia: PersistentMedia, @unchecked Sendable {
    /// What a planted bug leaves out.
    public enum Bug: CaseIterable, Sendable {
        case noFence, noWriteBack, lastLineNotWrittenBack, noMarker
    }

    /// What a program does to a medium, one at a time: a crash may come after any.
    public enum Step: Sendable {
        case store, writeBack, wait
    }

    struct Version {
        var bytes: [UInt8]
        var isWrittenBack: Bool
    }

    public let tier: Tier
    public let isWritable = true
    public let lineBytes: Int
    public let bytes: UnsafeMutableRawBufferPointer
    /// The kernel's start, as the pool is told.
    public var bootID: BootID
    public var bug: Bug?
    /// The word whose stores ``Bug/noMarker`` leaves out: "PLINTORN".
    public var marker: UInt64 = 0x4E52_4F54_4E49_4C50
    /// Called after every step.
    public var onStep: (() -> Void)?
    /// Called before every wait, when most is uncertain.
    public var onWait: (() -> Void)?
    public private(set) var lastStep = Step.store
    /// The line of the last store.
    public private(set) var lastLine = 0
    public private(set) var fences = 0
    public private(set) var writtenBackBytes = 0
    /// Bytes that were given to ``copy(_:to:)`` and ``store(_:at:)``.
    public private(set) var storedBytes = 0

    /// What is certainly durable.
    var durable: [UInt8]
    /// What the program sees, up to the last step.
    private var seen: [UInt8]
    /// The versions after the durable one, by line.
    var pending: [Int: [Version]] = [:]

    public init(image: [UInt8], tier: Tier, lineBytes: Int = 64, boot: UInt8 = 1) {
        self.tier = tier
        self.lineBytes = lineBytes
        bootID = BootID([UInt8](repeating: boot, count: 16))
        bytes = .allocate(byteCount: image.count, alignment: 4096)
        bytes.copyBytes(from: image)
        durable = image
        seen = image
    }

    /// Takes over from a medium whose process was killed.
    public init(continuing other: RecordingMedia) {
        (tier, lineBytes, bootID) = (other.tier, other.lineBytes, other.bootID)
        bytes = .allocate(byteCount: other.seen.count, alignment: 4096)
        bytes.copyBytes(from: other.seen)
        (durable, seen, pending) = (other.durable, other.seen, other.pending)
    }

    deinit { bytes.deallocate() }

    // MARK: The protocol

    public func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
        observe()
        storedBytes += source.count
        var done = 0
        while done < source.count {
            // Up to the end of the line: a line's bytes are stored together, lines one after the other.
            let count = min(source.count - done, lineBytes - (offset + done) % lineBytes)
            let part = UnsafeRawBufferPointer(rebasing: source[done..<done + count])
            UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + done)...]).copyMemory(from: part)
            done += count
            observe(line: (offset + done - 1) / lineBytes)
            let isLast = done == source.count
            markWrittenBack(
                offset + done - count..<offset + done,
                unless: isLast ? [.noWriteBack, .lastLineNotWrittenBack] : [.noWriteBack])
        }
    }

    public func store(_ word: UInt64, at offset: Int) {
        observe()
        if bug == .noMarker, word == marker { return }
        storedBytes += 8
        bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
        // A store and its write-back are two instructions: a kill may come between.
        observe(line: offset / lineBytes)
        markWrittenBack(offset..<offset + 8, unless: [.noWriteBack, .lastLineNotWrittenBack])
    }

    public func writeBack(_ range: Range<Int>) {
        observe()
        if range.isEmpty { return }
        let last = (range.upperBound - 1) / lineBytes * lineBytes
        if range.lowerBound < last { markWrittenBack(range.lowerBound..<last, unless: [.noWriteBack]) }
        markWrittenBack(
            max(last, range.lowerBound)..<range.upperBound, unless: [.noWriteBack, .lastLineNotWrittenBack])
    }

    public func persist() {
        observe()
        onWait?()
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

    func range(of line: Int) -> Range<Int> {
        line * lineBytes..<min((line + 1) * lineBytes, seen.count)
    }

    private func isUnchanged(_ range: Range<Int>) -> Bool {
        seen.withUnsafeBytes { seen in
            guard let old = seen.baseAddress, let new = bytes.baseAddress else { return true }
            return memcmp(old + range.lowerBound, new + range.lowerBound, range.count) == 0
        }
    }

    /// Takes in what the program has stored through ``bytes`` since the last step, line by line in the order of addresses, with a step
    /// after each.
    public func observe() {
        for page in stride(from: 0, to: seen.count, by: 4096) {
            let end = min(page + 4096, seen.count)
            if isUnchanged(page..<end) { continue }
            for line in page / lineBytes...(end - 1) / lineBytes { observe(line: line) }
        }
    }

    private func observe(line: Int) {
        let range = range(of: line)
        if isUnchanged(range) { return }
        let now = [UInt8](bytes[range])
        seen.replaceSubrange(range, with: now)
        pending[line, default: []].append(Version(bytes: now, isWrittenBack: false))
        lastLine = line
        step(.store)
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
    public var imageAfterKill: [UInt8] { seen }

    /// The number of lines of which more than one version may be found.
    public var uncertainLines: Int { pending.count }

    /// What a loss of power may leave, as a list; see ``forEachImageAfterPowerLoss(limit:samples:seed:changing:tears:unless:_:)``.
    public func imagesAfterPowerLoss(limit: Int, seed: UInt64) -> [[UInt8]] {
        var images: [[UInt8]] = []
        forEachImageAfterPowerLoss(limit: limit, seed: seed) { images.append($0) }
        return images
    }
}

/// SplitMix64: the same draws at every run.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
