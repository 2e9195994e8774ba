public import PliniusPersistence

extension RecordingMedia {
    /// Lends every image that a loss of power may leave, or a choice of them.
    ///
    /// All combinations of the versions of all lines if there are at most `limit`; else `samples` of them, drawn with `seed`, with all, none,
    /// each line alone and each line missing among them.
    ///
    /// - Parameters:
    ///   - samples: `limit` unless told.
    ///   - line: Only images in which the last store to this line is found: the others were there before that store.
    ///   - tears: Whether lines may also be found torn between words of 8 bytes: each word alone, each word missing, and any mixture.
    ///   - body: Takes an image that is good during the call.
    public func forEachImageAfterPowerLoss(
        limit: Int, samples: Int? = nil, seed: UInt64, changing line: Int? = nil, tears: Bool = false,
        _ body: ([UInt8]) -> Void
    ) {
        var draw = CrashDraw(of: self, changing: line, seed: seed)
        let wasExhaustive = draw.combine(limit: limit, body)
        if !wasExhaustive { draw.sample(samples ?? limit, body) }
        if tears { draw.tear(min(samples ?? limit, 16 * draw.lines.count), body) }
    }
}

/// One crash, and what may be found after it.
private struct CrashDraw {
    /// The uncertain lines, the one whose last store must be found in front.
    let lines: [Int]
    private let versions: [[[UInt8]]]
    private let isChanging: Bool
    private let durable: [UInt8]
    private let starts: [Int]
    private var image: [UInt8]
    private var random: SeededRandom

    init(of media: RecordingMedia, changing line: Int?, seed: UInt64) {
        isChanging = line.map { media.pending[$0] != nil } ?? false
        lines = media.pending.keys.sorted { left, right in
            left == line ? right != line : right != line && left < right
        }
        durable = media.durable
        let (lineBytes, durable) = (media.lineBytes, media.durable)
        versions = lines.map { line in
            [Array(durable[media.range(of: line)])] + (media.pending[line] ?? []).map(\.bytes)
        }
        starts = lines.map { $0 * lineBytes }
        image = durable
        random = SeededRandom(seed: seed)
    }

    private func isFixed(_ index: Int) -> Bool { isChanging && index == 0 }

    private mutating func set(_ index: Int, to bytes: [UInt8]) {
        let start = starts[index]
        image.withUnsafeMutableBytes { image in
            UnsafeMutableRawBufferPointer(rebasing: image[start..<start + bytes.count]).copyBytes(from: bytes)
        }
    }

    /// Lends the image of a choice of versions.
    private mutating func lend(_ choice: [Int], _ body: ([UInt8]) -> Void) {
        for index in lines.indices { set(index, to: versions[index][choice[index]]) }
        body(image)
    }

    /// Lends all combinations; false, and lends none, if there are more than `limit`.
    mutating func combine(limit: Int, _ body: ([UInt8]) -> Void) -> Bool {
        var combinations = 1
        for index in lines.indices where !isFixed(index) {
            combinations = min(combinations * versions[index].count, limit + 1)
        }
        guard combinations <= limit else { return false }
        var choice = lines.indices.map { isFixed($0) ? versions[$0].count - 1 : 0 }
        while true {
            lend(choice, body)
            let next = choice.indices.first { !isFixed($0) && choice[$0] + 1 < versions[$0].count }
            guard let next else { return true }
            choice[next] += 1
            for index in 0..<next where !isFixed(index) { choice[index] = 0 }
        }
    }

    /// Lends `count` combinations.
    mutating func sample(_ count: Int, _ body: ([UInt8]) -> Void) {
        let newest = versions.map { $0.count - 1 }
        let oldest = lines.indices.map { isFixed($0) ? newest[$0] : 0 }
        lend(newest, body)
        lend(oldest, body)
        var lent = 2
        for index in lines.indices.shuffled(using: &random).prefix(count / 4) where !isFixed(index) {
            var (alone, missing) = (oldest, newest)
            alone[index] = newest[index]
            missing[index] = 0
            lend(alone, body)
            lend(missing, body)
            lent += 2
        }
        while lent < count {
            // Rare and frequent survival alike: one bias per image.
            let bias = UInt64.random(in: 1...15, using: &random)
            lend(
                lines.indices.map { index in
                    if isFixed(index) || UInt64.random(in: 0..<16, using: &random) >= bias { return newest[index] }
                    return Int.random(in: 0...newest[index], using: &random)
                }, body)
            lent += 1
        }
    }

    /// Lends `count` images in which lines are mixtures of the words of their versions.
    mutating func tear(_ count: Int, _ body: ([UInt8]) -> Void) {
        if lines.isEmpty { return }
        for number in 0..<count {
            let torn = isChanging ? 0 : number % lines.count
            for index in lines.indices {
                let newest = versions[index].count - 1
                if index == torn {
                    set(index, to: mixture(of: versions[index], pattern: number / (isChanging ? 1 : lines.count)))
                } else {
                    // A third each: old, new, torn as well.
                    switch UInt8.random(in: 0..<3, using: &random) {
                    case 0: set(index, to: versions[index][Int.random(in: 0...newest, using: &random)])
                    case 1: set(index, to: versions[index][newest])
                    default: set(index, to: mixture(of: versions[index], pattern: .max))
                    }
                }
            }
            body(image)
        }
    }

    /// The newest version of one word only (patterns 0 to 7), of all others only (8 to 15), or of any.
    private mutating func mixture(of versions: [[UInt8]], pattern: Int) -> [UInt8] {
        var bytes = versions[0]
        let newest = versions.count - 1
        for word in 0..<bytes.count / 8 {
            let version =
                switch pattern {
                case 0..<8: word == pattern ? newest : 0
                case 8..<16: word == pattern - 8 ? 0 : newest
                default: Int.random(in: 0...newest, using: &random)
                }
            bytes.replaceSubrange(word * 8..<word * 8 + 8, with: versions[version][word * 8..<word * 8 + 8])
        }
        return bytes
    }
}

/// A medium in memory that records nothing: what an image is opened on.
public final class PlainMedia: PersistentMedia, @unchecked Sendable {
    public let tier = Tier.t0
    public let isWritable = true
    public let bootID = BootID([UInt8](repeating: 1, count: 16))
    public let bytes: UnsafeMutableRawBufferPointer

    public init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 4096)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }

    /// Becomes a copy of an image of the same size.
    public func reset(to image: [UInt8]) { bytes.copyBytes(from: image) }

    /// Whether it holds just that.
    public func holds(_ image: [UInt8]) -> Bool { bytes.elementsEqual(image) }

    public func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
        UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: source)
    }

    public func store(_ word: UInt64, at offset: Int) {
        bytes.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
    }

    public func writeBack(_ range: Range<Int>) {}
    public func persist() {}
}
