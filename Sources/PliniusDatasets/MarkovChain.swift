/// Letters a to p, drawn by a Markov chain of the second order: text whose entropy is known.
///
/// Each letter has four that may follow, and which of them it is depends on the one before: one has 13 of 16 chances, the others one
/// each. All letters are equally frequent, and so are all pairs that occur. Whoever knows no letter has 4 bits yet to learn, a
/// perplexity of 16; who knows one, as at the first step of a window, has 2 bits, or 4; who knows two has ``entropy``, or 1.991.
public enum MarkovChain {
    /// Bits of a character that those before it do not tell: 13/16 log2(16/13) + 3/16 log2(16).
    public static let entropy = 0.993_393

    /// One of a letter's four successors.
    ///
    /// Each of the four is a permutation of the letters. The predecessors of a letter differ modulo 4, so that they favour
    /// different ones: this makes letters and pairs equally frequent.
    private static func successor(of letter: Int, _ which: Int) -> Int {
        (5 * letter + [1, 6, 11, 12][which]) % 16
    }

    /// Draws `count` letters, at least one.
    static func window(of count: Int, _ random: inout SampleRandom) -> [UInt8] {
        // Any letter and any successor of it: how pairs are distributed everywhere in an endless text.
        var before = random.below(16)
        var last = successor(of: before, random.below(4))
        var letters = [UInt8(97 + before)]
        while letters.count < count {
            letters.append(UInt8(97 + last))
            let chance = random.below(16)
            let turn = chance < 13 ? 0 : chance - 12
            (before, last) = (last, successor(of: last, (before + turn) % 4))
        }
        return letters
    }
}
