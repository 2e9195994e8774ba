/// Random numbers as a pure function of a key and a position (Philox4x32-10; Salmon et al., SC'11).
///
/// There is no state to save: whoever knows the run's seed and the iteration knows every draw.
public struct RandomStream: Sendable {
    /// What the draws are for; streams of different purposes never meet.
    public enum Purpose: UInt32, Sendable {
        case initialization = 1
        case shuffle = 2
        case sampling = 3
        case dropout = 4
        case learningRate = 5
        case augmentation = 6
        case crop = 7
        /// Which box of a cell answers for an object.
        case assignment = 8
        /// The characters that continue a text.
        case generation = 9
    }

    private let key: SIMD2<UInt32>
    private let purpose: UInt32
    private let substream: UInt32

    /// Makes the stream of a seed, a purpose and a sub-stream (a layer, say).
    public init(seed: UInt64, purpose: Purpose, substream: UInt32 = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.purpose = purpose.rawValue
        self.substream = substream
    }

    /// Four words at a position.
    ///
    /// The counter is (block low, block high ‖ purpose, iteration, sub-stream): blocks up to 2^56, iterations to 2^32.
    public func block(_ block: UInt64, iteration: UInt64 = 0) -> SIMD4<UInt32> {
        Self.philox(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: block),
                UInt32(truncatingIfNeeded: block >> 32) & 0x00FF_FFFF | purpose << 24,
                UInt32(truncatingIfNeeded: iteration),
                substream),
            key: key)
    }

    /// Ten rounds of Philox4x32.
    package static func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var state = counter
        var key = key
        for _ in 0..<10 {
            let first = UInt64(state.x) * 0xD251_1F53
            let second = UInt64(state.z) * 0xCD9E_8D57
            state = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ state.y ^ key.x,
                UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ state.w ^ key.y,
                UInt32(truncatingIfNeeded: first))
            key = SIMD2(key.x &+ 0x9E37_79B9, key.y &+ 0xBB67_AE85)
        }
        return state
    }

    /// Maps a word to [0, 1): 24 bits, so that every value is exact in `Float`.
    public static func unit(_ word: UInt32) -> Float {
        Float(word >> 8) * 0x1p-24
    }
}
