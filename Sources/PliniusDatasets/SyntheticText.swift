/// Text that is made up, as windows of characters: models of text with no download.
///
/// Window `i` of seed `s` is the same on every system and whatever `count` is. Characters are ASCII, so there are 128 classes.
public final class SyntheticText: RecordSource {
    /// What is written.
    public enum Language: Sendable {
        /// Sentences of a few words.
        case sentences
        /// The letters of a ``MarkovChain``, which is the same for all seeds.
        case chain
    }

    public let extents: ImageExtents
    public let classes = 128
    public let count: Int
    public let truth: SampleTruth

    private let seed: UInt64
    private let language: Language
    private var position = 0

    private static let subjects = ["the sailor", "a heron", "the old clerk", "my sister", "the river", "a lantern"]
    private static let verbs = ["follows", "remembers", "counts", "carries", "hears", "crosses"]
    private static let objects = ["the harbour", "a letter", "seven stones", "the morning", "a narrow bridge", "salt"]
    private static let ends = [".", " at noon.", " before it rains.", ", and waits.", "!", " again?"]

    /// The first `count` windows of a seed, each of `steps + 1` characters.
    public init(count: Int, seed: UInt64, steps: Int, _ language: Language) {
        precondition(count >= 0 && 1...65_535 ~= steps, "there is a count of windows of some length")
        extents = ImageExtents(channels: 1, height: 1, width: steps + 1)
        truth = .text(steps: steps)
        self.count = count
        self.seed = seed
        self.language = language
    }

    public func next(into pixels: inout [UInt8], truth: inout [UInt8]) throws(SourceError) -> Bool {
        guard position < count else { return false }
        var random = SampleRandom(seed: seed, index: position)
        pixels =
            switch language {
            case .sentences: Self.sentences(extents.count, &random)
            case .chain: MarkovChain.window(of: extents.count, &random)
            }
        truth = []
        position += 1
        return true
    }

    private static func sentences(_ count: Int, _ random: inout SampleRandom) -> [UInt8] {
        // Windows begin anywhere in a sentence, as those of a long text do.
        let start = random.below(32)
        var text: [UInt8] = []
        while text.count < start + count {
            let parts = [subjects, verbs, objects].map { $0[random.below($0.count)] }
            text += Array("\(parts.joined(separator: " "))\(ends[random.below(ends.count)])\n".utf8)
        }
        return Array(text[start..<start + count])
    }
}
