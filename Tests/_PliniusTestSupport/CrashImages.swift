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
    ///   - isKnown: Takes the fingerprint of each image, which images of one medium share if they are equal; one that is known already is
    ///     not made, and not lent.
    ///   - body: Takes an image that is good during the call.
    public func forEachImageAfterPowerLoss(
        limit: Int, samples: Int? = nil, seed: UInt64, changing line: Int? = nil, tears: Bool = false,
        unless isKnown: (UInt64) -> Bool = { _ in false }, _ body: ([UInt8]) -> Void
    ) {
        withoutActuallyEscaping(isKnown) { isKnown in
            var draw = CrashDraw(of: self, changing: line, seed: seed, isKnown)
            let wasExhaustive = draw.combine(limit: limit, body)
            if !wasExhaustive { draw.sample(samples ?? limit, body) }
            if tears { draw.tear(min(samples ?? limit, 16 * draw.lines.count), body) }
        }
    }
}

/// One crash, and what may be found after it.
private struct CrashDraw {
    /// The uncertain lines, the one whose last store must be found in front.
    let lines: [Int]
    private let versions: [[[UInt8]]]
    /// The fingerprint of each version in its place.
    private let prints: [[UInt64]]
    private let isChanging: Bool
    private let starts: [Int]
    private let isKnown: (UInt64) -> Bool
    private var image: [UInt8]
    /// Which version of each line the image holds; `nil` for a mixture.
    private var held: [Int?]
    /// The fingerprint of all lines that are certain.
    private let certain: UInt64
    private var random: SeededRandom

    init(of media: RecordingMedia, changing line: Int?, seed: UInt64, _ isKnown: @escaping (UInt64) -> Bool) {
        isChanging = line.map { media.pending[$0] != nil } ?? false
        lines = media.pending.keys.sorted { left, right in
            left == line ? right != line : right != line && left < right
        }
        let (lineBytes, durable) = (media.lineBytes, media.durable)
        versions = lines.map { line in
            [Array(durable[media.range(of: line)])] + (media.pending[line] ?? []).map(\.bytes)
        }
        starts = lines.map { $0 * lineBytes }
        prints = zip(starts, versions).map { start, versions in versions.map { fingerprint(of: $0, at: start) } }
        let whole = durable.withUnsafeBytes { durable in
            stride(from: 0, to: durable.count, by: lineBytes).reduce(UInt64(0)) { sum, start in
                let line = UnsafeRawBufferPointer(rebasing: durable[start..<min(start + lineBytes, durable.count)])
                return sum &+ fingerprint(of: line, at: start)
            }
        }
        certain = prints.reduce(whole) { $0 &- $1[0] }
        held = lines.map { _ in 0 }
        image = durable
        random = SeededRandom(seed: seed)
        self.isKnown = isKnown
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
        var print = certain
        for index in lines.indices { print &+= prints[index][choice[index]] }
        if isKnown(print) { return }
        for index in lines.indices where held[index] != choice[index] {
            set(index, to: versions[index][choice[index]])
            held[index] = choice[index]
        }
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
            var print = certain
            for index in lines.indices {
                let newest = versions[index].count - 1
                let bytes =
                    if index == torn {
                        mixture(of: versions[index], pattern: number / (isChanging ? 1 : lines.count))
                    } else {
                        // A third each: old, new, torn as well.
                        switch UInt8.random(in: 0..<3, using: &random) {
                        case 0: versions[index][Int.random(in: 0...newest, using: &random)]
                        case 1: versions[index][newest]
                        default: mixture(of: versions[index], pattern: .max)
                        }
                    }
                print &+= fingerprint(of: bytes, at: starts[index])
                set(index, to: bytes)
                held[index] = nil
            }
            if !isKnown(print) { body(image) }
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

/// A word for the contents of a line: the sum over all lines stands for an image.
///
/// A product is folded after each word, as in the pool's own checksum, so that among millions of images no two that differ share one but by
/// a chance of millionths.
private func fingerprint(of bytes: UnsafeRawBufferPointer, at start: Int) -> UInt64 {
    func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
    precondition(bytes.count % 8 == 0, "lines are made of words")
    let (first, second): (UInt64, UInt64) = (0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03)
    var print = UInt64(start) &* second
    for offset in stride(from: 0, to: bytes.count, by: 8) {
        let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        print = fold(print ^ word, first) &+ (word ^ second)
    }
    return fold(print ^ second, first)
}

private func fingerprint(of bytes: [UInt8], at start: Int) -> UInt64 {
    bytes.withUnsafeBytes { fingerprint(of: $0, at: start) }
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
