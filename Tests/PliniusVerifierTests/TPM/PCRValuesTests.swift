import PliniusVerifier
import PliniusWire
import Testing

@Suite("PCR values")
struct PCRValuesTests {
    private static let values = PCRValues([
        .init(bank: 0x000B, index: 10): [7, 8],
        .init(bank: 0x0004, index: 10): [1, 2, 3],
        .init(bank: 0x000B, index: 0): [],
    ])
    /// The same by hand.
    private static let bytes: [UInt8] = [0x04, 0, 10, 3, 1, 2, 3, 0x0B, 0, 0, 0, 0x0B, 0, 10, 2, 7, 8]

    @Test("They go out in ascending order, and come back")
    func encoding() throws {
        #expect(Self.values.encoded == Self.bytes)
        #expect(try PCRValues(decoding: Self.bytes) == Self.values)
        #expect(try PCRValues(decoding: []) == PCRValues())
    }

    @Test("There is no second encoding of the same values, and nothing is read past the end")
    func refusals() {
        let first = Self.bytes.prefix(7)
        let second = Self.bytes.dropFirst(7).prefix(4)
        #expect(throws: EvidenceError.self) { try PCRValues(decoding: Array(second + first)) }
        #expect(throws: EvidenceError.self) { try PCRValues(decoding: Array(first + first)) }
        for count in Self.bytes.indices where ![0, 7, 11].contains(count) {
            #expect(throws: EvidenceError.self) { try PCRValues(decoding: Array(Self.bytes.prefix(count))) }
        }
        #expect(throws: EvidenceError.self) {
            try PCRValues(decoding: [0x0B, 0, 1, 65] + [UInt8](repeating: 0, count: 65))
        }
    }
}
