/// Letters that a Markov chain of the second order draws, as windows of characters: text whose entropy is known.
///
/// Window `i` of seed `s` is the same on every system and whatever `count` is; all seeds draw from one chain. Its characters are the
/// letters a to p of ASCII, so there are 128 classes.
///
/// Each letter has four that may follow, and which of them it is depends on the one before: one has 13 of 16 chances, the others one
/// each. All letters are equally frequent, and so are all pairs that occur. Whoever knows no letter has 4 bits yet to learn, a
/// perplexity of 16; who knows one, as at the first step of a window, has 2 bits, or 4; who knows two has ``entropy``, or 1.991.
public final class SyntheticChain: RecordSource {
    /// Bits of a character that those before it do not tell: 13/16 log2(16/13) + 3/16 log2(16).
    public static let entropy = 0.993_393

    public let extents: ImageExtents
    public let classes = 128
    public let count: Int
    public let truth: SampleTruth

    private let seed: UInt64
    private let steps: Int
    private var position = 0

    /// The first `count` windows of a seed, each of `steps + 1` characters.
    public init(count: Int, seed: UInt64, steps: Int) {
        precondition(count >= 0 && 1...65_535 ~= steps, "there is a count of windows of some length")
        extents = ImageExtents(channels: 1, height: 1, width: steps + 1)
        truth = .text(steps: steps)
        self.count = count
        self.seed = seed
        self.steps = steps
    }

    /// One of a letter's four successors.
    ///
    /// Each of the four is a permutation of the letters. The predecessors of a letter differ modulo 4, so that they favour
    /// different ones: this makes letters and pairs equally frequent.
    private static func successor(of letter: Int, _ which: Int) -> Int {
        (5 * letter + [1, 6, 11, 12][which]) % 16
    }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard position < count else { return false }
        var random = SampleRandom(seed: seed, index: position)
        // Any letter and any successor of it: how pairs are distributed everywhere in an endless text.
        var before = random.below(16)
        var last = Self.successor(of: before, random.below(4))
        pixels = [UInt8(97 + before)]
        for _ in 0..<steps {
            pixels.append(UInt8(97 + last))
            let chance = random.below(16)
            let turn = chance < 13 ? 0 : chance - 12
            (before, last) = (last, Self.successor(of: last, (before + turn) % 4))
        }
        truth = []
        position += 1
        return true
    }
}
