/// Changes of bytes as an adversary tries them, the same ones for the same seed in every run.
public struct Mutations: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// One to four changes of the bytes, or of two inputs put together; never longer than the limit.
    public mutating func mutant(of bytes: [UInt8], among others: [[UInt8]], atMost limit: Int) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) { change(&bytes, others) }
        return Array(bytes.prefix(limit))
    }

    private mutating func change(_ bytes: inout [UInt8], _ others: [[UInt8]]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &self)) }
        let place = Int.random(in: 0..<bytes.count, using: &self)
        switch Int.random(in: 0..<8, using: &self) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &self)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &self)
        // Lengths and counts are where readers go wrong.
        case 2: write([0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &self) ?? 0, 4, &bytes, place)
        case 3: write([0, 0xFF].randomElement(using: &self) ?? 0, 8, &bytes, place)
        case 4: bytes.removeSubrange(place...)
        case 5: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...16, using: &self)))
        case 6: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 16)], at: place)
        default:
            guard let other = others.randomElement(using: &self), other.count > place else { return }
            bytes.replaceSubrange(place..., with: other[place...])
        }
    }

    private func write(_ byte: UInt8, _ count: Int, _ bytes: inout [UInt8], _ place: Int) {
        for index in place..<min(bytes.count, place + count) { bytes[index] = byte }
    }
}
