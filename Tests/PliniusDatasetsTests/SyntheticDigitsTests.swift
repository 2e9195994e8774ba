import PliniusDatasets
import Testing

@Suite("Synthetic digits")
struct SyntheticDigitsTests {
    @Test("They are the same on every system, for ever")
    func golden() throws {
        // FNV-1a, 64 bit, over labels and pixels. A change of this value changes every figure that was measured with these digits.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for (pixels, label) in try all(SyntheticDigits(count: 500, seed: 7)) {
            for byte in [UInt8(label)] + pixels {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        #expect(String(hash, radix: 16) == "5dfeeddf909067ec")
    }

    @Test("A sample depends on seed and index, not on how many there are or in which order they are drawn")
    func pureFunction() throws {
        let few = try all(SyntheticDigits(count: 20, seed: 42))
        let many = try all(SyntheticDigits(count: 60, seed: 42))
        #expect(few.map(\.pixels) == many.prefix(20).map(\.pixels))
        #expect(few.map(\.label) == many.prefix(20).map(\.label))
        var pixels: [UInt8] = [1, 2, 3]
        #expect(SyntheticDigits.draw(seed: 42, index: 11, into: &pixels) == few[11].label)
        #expect(pixels == few[11].pixels)
    }

    @Test("No sample occurs twice, under one seed or neighbouring ones")
    func distinct() throws {
        let images = try [0, 1, 2, .max].flatMap { try all(SyntheticDigits(count: 500, seed: $0)).map(\.pixels) }
        #expect(Set(images).count == 2_000)
    }

    @Test("Every digit is about as frequent as the others")
    func balance() throws {
        var counts = [Int](repeating: 0, count: 10)
        for (_, label) in try all(SyntheticDigits(count: 5_000, seed: 3)) { counts[label] += 1 }
        // Within five standard deviations of 500.
        #expect(counts.allSatisfy { abs($0 - 500) < 107 }, "\(counts)")
    }

    @Test("Images are dark paper with a digit's worth of ink, in the middle more than at the rim")
    func looks() throws {
        let samples = try all(SyntheticDigits(count: 1_000, seed: 5))
        var mean = [Double](repeating: 0, count: 784)
        for (pixels, _) in samples {
            #expect(pixels.count == 784)
            let inked = pixels.count { $0 > 100 }
            #expect((15...400).contains(inked))
            for (place, pixel) in pixels.enumerated() { mean[place] += Double(pixel) / 1_000 }
        }
        var (rim, middle): (Double, Double) = (0, 0)
        for row in 0..<28 {
            for column in 0..<28 {
                let value = mean[row * 28 + column]
                if row % 27 == 0 || column % 27 == 0 { rim += value / 108 }
                if 9..<19 ~= row, 9..<19 ~= column { middle += value / 100 }
            }
        }
        #expect(rim < 20)
        #expect(middle > 60)
    }

    @Test("Nearest neighbours know most digits and not all: learnable, not trivial")
    func learnable() throws {
        let known = try all(SyntheticDigits(count: 1_500, seed: 1)).map { ($0.pixels.map(Int32.init), $0.label) }
        let asked = try all(SyntheticDigits(count: 150, seed: 2)).map { ($0.pixels.map(Int32.init), $0.label) }
        let hits = asked.count { image, label in
            var best = (distance: Int32.max, label: -1)
            for (other, otherLabel) in known {
                var distance: Int32 = 0
                for place in 0..<784 {
                    let difference = image[place] &- other[place]
                    distance &+= difference &* difference
                }
                if distance < best.distance { best = (distance, otherLabel) }
            }
            return best.label == label
        }
        #expect((105...147).contains(hits), "\(hits) of 150")
    }
}
