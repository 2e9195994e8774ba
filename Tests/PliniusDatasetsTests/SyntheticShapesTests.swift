import PliniusDatasets
import Testing

@Suite("Synthetic shapes")
struct SyntheticShapesTests {
    @Test("They are the same on every system, for ever")
    func golden() throws {
        let found = [
            try hash(SyntheticShapes(count: 30, seed: 7, .kinds)),
            try hash(SyntheticShapes(count: 30, seed: 7, channels: 1, side: 28, .kinds)),
            try hash(SyntheticShapes(count: 30, seed: 7, .places)),
        ]
        #expect(found == ["2e5fd38a37095eda", "e41db5acebcae74b", "c4cbb351199417c"])
    }

    @Test("A picture depends on seed and index, not on how many there are, and none occurs twice")
    func pureFunction() throws {
        let few = try records(SyntheticShapes(count: 10, seed: 42, .kinds))
        let many = try records(SyntheticShapes(count: 30, seed: 42, .kinds))
        #expect(few.map(\.pixels) == many.prefix(10).map(\.pixels) && few.map(\.truth) == many.prefix(10).map(\.truth))
        let places = try records(SyntheticShapes(count: 10, seed: 42, .places))
        #expect(places.map(\.pixels) == few.map(\.pixels), "one picture, told of in two ways")
        let other = try records(SyntheticShapes(count: 30, seed: 43, .kinds))
        #expect(Set((many + other).map(\.pixels)).count == 60)
    }

    @Test("Sizes and colours are as asked for", arguments: [(1, 16), (3, 28), (1, 64), (3, 33)])
    func extents(channels: Int, side: Int) throws {
        let source = SyntheticShapes(count: 3, seed: 1, channels: channels, side: side, .kinds)
        #expect(source.extents == ImageExtents(channels: channels, height: side, width: side))
        #expect(source.classes == 10 && source.truth == .label)
        for (pixels, truth) in try records(source) {
            #expect(pixels.count == channels * side * side && truth.count == 2 && truth[0] < 10 && truth[1] == 0)
        }
        let places = SyntheticShapes(count: 3, seed: 1, channels: channels, side: side, .places)
        #expect(places.classes == 0 && places.truth == .regression(targets: 3))
    }

    @Test("Kinds are about equally frequent, and neither brightness nor colour tells them")
    func balance() throws {
        let samples = try records(SyntheticShapes(count: 3_000, seed: 3, side: 16, .kinds))
        var counts = [Int](repeating: 0, count: 10)
        var sums = [[Double]](repeating: [0, 0, 0], count: 10)
        for (pixels, truth) in samples {
            counts[Int(truth[0])] += 1
            for channel in 0..<3 {
                let plane = pixels[channel * 256..<(channel + 1) * 256]
                sums[Int(truth[0])][channel] += Double(plane.reduce(0) { $0 + Int($1) }) / 256
            }
        }
        // Within five standard deviations: sqrt(3000 · 0.1 · 0.9) = 16 of a count, and of a mean of 300 colours that are themselves
        // uniform over 256 values 74 / sqrt(300) = 4.3.
        #expect(counts.allSatisfy { abs($0 - 300) < 82 }, "\(counts)")
        for (kind, count) in counts.enumerated() {
            for channel in 0..<3 { #expect(abs(sums[kind][channel] / Double(count) - 127.5) < 22, "\(kind)") }
        }
    }

    @Test("Figures lie where their places say")
    func places() throws {
        let side = 48
        let kinds = try records(SyntheticShapes(count: 300, seed: 5, side: side, .kinds))
        let places = try records(SyntheticShapes(count: 300, seed: 5, side: side, .places))
        // Discs, squares and bars cover their middle; nothing reaches beyond 1.3 of a radius.
        let solid = [0, 3, 7]
        var (clear, all) = (0, 0)
        for (kind, place) in zip(kinds, places) where solid.contains(Int(kind.truth[0])) {
            let numbers = (0..<3).map { index in
                Float(
                    bitPattern: (0..<4).reduce(0) { $0 | UInt32(place.truth[4 * index + $1]) << UInt32(8 * $1) })
                    * Float(side)
            }
            var sums = [[Float]](repeating: [0, 0, 0], count: 2)
            var counts: [Float] = [0, 0]
            for row in 0..<side {
                for column in 0..<side {
                    let (x, y) = (Float(column) + 0.5 - numbers[0], Float(row) + 0.5 - numbers[1])
                    let radii = 2 * (x * x + y * y).squareRoot() / numbers[2]
                    guard radii < 0.25 || radii > 1.3 else { continue }
                    let part = radii < 1 ? 0 : 1
                    counts[part] += 1
                    for channel in 0..<3 {
                        sums[part][channel] += Float(kind.pixels[(channel * side + row) * side + column])
                    }
                }
            }
            let contrast = (0..<3).map { abs(sums[0][$0] / counts[0] - sums[1][$0] / counts[1]) }.max() ?? 0
            all += 1
            if contrast > 35 { clear += 1 }
        }
        #expect(all > 60 && Double(clear) > 0.93 * Double(all), "\(clear) of \(all)")
    }

    @Test("Places differ from what is drawn by noise of the stated deviation")
    func noise() throws {
        // Places lie in a known interval; what sticks out of it is noise. The size is uniform in 0.34...0.72 before: its variance is
        // 0.38² / 12 with the noise's own.
        let sizes = try records(SyntheticShapes(count: 4_000, seed: 9, side: 16, .places)).map { record in
            Double(Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(record.truth[8 + $1]) << UInt32(8 * $1) }))
        }
        let mean = sizes.reduce(0, +) / 4_000
        let variance = sizes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4_000
        let noise = Double(SyntheticShapes.noise)
        #expect(abs(mean - 0.53) < 0.01)
        #expect(abs(variance - 0.38 * 0.38 / 12 - noise * noise) < 0.0006, "\(variance)")
        #expect(sizes.contains { $0 < 0.335 } && sizes.contains { $0 > 0.725 })
        #expect(sizes.allSatisfy { 0.34 - 3.5 * noise...0.72 + 3.5 * noise ~= $0 })
    }
}

@Suite("Text of known entropy")
struct MarkovChainTests {
    @Test("It is the same on every system, for ever, and windows do not depend on how many there are")
    func golden() throws {
        let few = try records(SyntheticText(count: 2, seed: 7, steps: 20, .chain)).map {
            String(decoding: $0.pixels, as: UTF8.self)
        }
        #expect(few == ["phjjdffphphphealcgjjd", "fpbblnhjjiohocfekdkid"])
        let many = try records(SyntheticText(count: 50, seed: 7, steps: 20, .chain))
        #expect(many.prefix(2).map { String(decoding: $0.pixels, as: UTF8.self) } == few)
        #expect(Set(many.map(\.pixels)).count == 50)
        let other = try records(SyntheticText(count: 50, seed: 8, steps: 20, .chain))
        #expect(Set((many + other).map(\.pixels)).count == 100)
        let source = SyntheticText(count: 1, seed: 1, steps: 20, .chain)
        #expect(source.classes == 128 && source.truth == .text(steps: 20))
        #expect(source.extents == ImageExtents(channels: 1, height: 1, width: 21))
    }

    /// Bits of `counts`, taken for probabilities.
    private func bits(_ counts: [[UInt8]: Int]) -> Double {
        let all = Double(counts.values.reduce(0, +))
        return counts.values.reduce(0) { $0 - Double($1) / all * (Double($1) / all).logarithm }
    }

    @Test(
        "Counted over many windows, a character has the bits that are stated: 4, 2 after one, 0.9934 after two",
        arguments: [0, 38])
    func entropy(from: Int) throws {
        let windows = try records(SyntheticText(count: 20_000, seed: 3, steps: 40, .chain)).map {
            Array($0.pixels[from..<from + 3])
        }
        let counts = (1...3).map { length in
            bits(windows.reduce(into: [:]) { $0[Array($1.prefix(length)), default: 0] += 1 })
        }
        #expect(abs(counts[0] - 4) < 0.01, "\(counts)")
        #expect(abs(counts[1] - counts[0] - 2) < 0.01, "\(counts)")
        #expect(abs(counts[2] - counts[1] - MarkovChain.entropy) < 0.02, "\(counts)")
    }

    @Test("The stated entropy is that of one chance of 13 in 16 and three of 1 in 16")
    func stated() {
        let chances = [13.0, 1, 1, 1].map { $0 / 16 }
        #expect(abs(chances.reduce(0) { $0 - $1 * $1.logarithm } - MarkovChain.entropy) < 1e-6)
    }
}

extension Double {
    /// To the base 2, by halving the interval that it lies in.
    fileprivate var logarithm: Double {
        var (rest, result, step) = (significand, Double(exponent), 0.5)
        for _ in 0..<50 {
            rest *= rest
            if rest >= 2 {
                rest /= 2
                result += step
            }
            step /= 2
        }
        return result
    }
}
