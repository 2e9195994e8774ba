import PliniusPolicyManager
import Testing

/// The field again, by other means: multiplication through logarithms of the generator 3, which are made by shifting and adding.
private struct LogarithmTables {
    private(set) var exponential = [UInt8](repeating: 0, count: 255)
    private(set) var logarithm = [Int](repeating: 0, count: 256)

    init() {
        var value = 1
        for power in 0..<255 {
            exponential[power] = UInt8(value)
            logarithm[value] = power
            value ^= value << 1
            if value > 255 { value ^= 0x11B }
        }
    }

    func product(_ first: UInt8, _ second: UInt8) -> UInt8 {
        if first == 0 || second == 0 { return 0 }
        return exponential[(logarithm[Int(first)] + logarithm[Int(second)]) % 255]
    }
}

@Suite("The field of 256 elements")
struct FieldElementTests {
    @Test("All products are those of the logarithms") func products() {
        let tables = LogarithmTables()
        for first in 0...255 as ClosedRange<UInt8> {
            for second in 0...255 as ClosedRange<UInt8> {
                #expect(
                    (FieldElement(first) * FieldElement(second)).value == tables.product(first, second),
                    "\(first) times \(second)")
            }
        }
    }

    @Test("Every element but zero times its inverse is one") func inverses() {
        for value in 1...255 as ClosedRange<UInt8> {
            #expect(FieldElement(value) * FieldElement(value).inverse == .one, "\(value)")
        }
        #expect(FieldElement.zero.inverse == .zero)
    }

    // FIPS 197, section 4.2: {57} times {83} is {c1}, {57} times {13} is {fe}.
    @Test("The standard's examples hold", arguments: [(0x57, 0x83, 0xC1), (0x57, 0x13, 0xFE), (0x57, 0x80, 0x38)])
    func examples(first: UInt8, second: UInt8, product: UInt8) {
        #expect((FieldElement(first) * FieldElement(second)).value == product)
        #expect((FieldElement(first) + FieldElement(second)).value == first ^ second)
    }
}
