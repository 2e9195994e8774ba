/// The random numbers of one synthetic sample: a pure function of the data set's seed and the sample's index.
///
/// SplitMix64 (Steele, Lea, Flood, OOPSLA'14) started at a mix of both.
struct SampleRandom {
    private var state: UInt64

    init(seed: UInt64, index: Int) {
        state = Self.mixed(Self.mixed(seed &+ Self.increment) ^ UInt64(index))
    }

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mixed(state)
    }

    /// A number below `bound`.
    ///
    /// The high word of a product: its bias of `bound` in 2^64 is of no account here.
    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A number in [0, 1), exact in 24 bits.
    mutating func unit() -> Float {
        Float(next() >> 40) * 0x1p-24
    }

    /// A number in a range.
    mutating func uniform(_ range: ClosedRange<Float>) -> Float {
        range.lowerBound + unit() * (range.upperBound - range.lowerBound)
    }

    /// Roughly a standard normal number, within ±3.46: four uniform ones added up.
    ///
    /// Exact arithmetic, unlike a logarithm, whose last bit differs between systems.
    mutating func normal() -> Float {
        (unit() + unit() + unit() + unit() - 2) * 1.732_050_8
    }
}
