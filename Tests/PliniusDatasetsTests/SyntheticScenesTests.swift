import PliniusDatasets
import Testing

@Suite("Synthetic pages and text")
struct SyntheticScenesTests {
    @Test("They are the same on every system, for ever")
    func golden() throws {
        let found = [
            try hash(SyntheticScenes(count: 40, seed: 7, .boxes)),
            try hash(SyntheticScenes(count: 40, seed: 7, .masks)),
            try hash(SyntheticText(count: 100, seed: 7, steps: 50, .sentences)),
        ]
        #expect(found == ["9ca283aabc702624", "95a7d689943c3bff", "6ae3a39c773c9d83"])
    }

    @Test("A page depends on seed and index, not on how many there are, and none occurs twice")
    func pureFunction() throws {
        let few = try records(SyntheticScenes(count: 10, seed: 42, .boxes))
        let many = try records(SyntheticScenes(count: 30, seed: 42, .boxes))
        #expect(few.map(\.pixels) == many.prefix(10).map(\.pixels) && few.map(\.truth) == many.prefix(10).map(\.truth))
        let masks = try records(SyntheticScenes(count: 10, seed: 42, .masks))
        #expect(masks.map(\.pixels) == few.map(\.pixels), "one page, told of in two ways")
        let other = try records(SyntheticScenes(count: 30, seed: 43, .boxes))
        #expect(Set((many + other).map(\.pixels)).count == 60)
    }

    @Test("A box is as tight as the ink of its digit in the mask")
    func boxes() throws {
        let boxes = try records(SyntheticScenes(count: 60, seed: 3, .boxes))
        let masks = try records(SyntheticScenes(count: 60, seed: 3, .masks))
        var counts = [Int](repeating: 0, count: 5)
        for (box, mask) in zip(boxes, masks) {
            func word(_ index: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(box.truth[4 * index + $1]) << UInt32(8 * $1) }
            }
            let count = Int(word(0))
            counts[count] += 1
            var inside = [Bool](repeating: false, count: 64 * 64)
            for start in stride(from: 1, to: 1 + 5 * count, by: 5) {
                let label = Int(word(start))
                let sides = (1...4).map { Float(bitPattern: word(start + $0)) * 64 }
                let (left, right) = (sides[0] - sides[2] / 2, sides[0] + sides[2] / 2)
                let (top, bottom) = (sides[1] - sides[3] / 2, sides[1] + sides[3] / 2)
                #expect(
                    left >= 0 && right <= 64 && top >= 0 && bottom <= 64 && left == left.rounded()
                        && top == top.rounded())
                let columns = Int(left)..<Int(right)
                let rows = Int(top)..<Int(bottom)
                #expect(columns.count > 2 && rows.count > 5)
                for row in rows {
                    for column in columns { inside[64 * row + column] = true }
                }
                #expect(rows.contains { row in columns.contains { Int(mask.truth[64 * row + $0]) == label } })
                // Each border holds ink, of this digit or of one that lies over it.
                for border in [rows.lowerBound, rows.upperBound - 1] {
                    #expect(columns.contains { mask.truth[64 * border + $0] != 255 })
                }
                for border in [columns.lowerBound, columns.upperBound - 1] {
                    #expect(rows.contains { mask.truth[64 * $0 + border] != 255 })
                }
            }
            #expect(mask.truth.indices.allSatisfy { mask.truth[$0] == 255 || inside[$0] && mask.truth[$0] < 10 })
            #expect(mask.truth.indices.allSatisfy { mask.truth[$0] == 255 || mask.pixels[$0] > 20 })
        }
        #expect(counts[0] == 0 && counts[1...].allSatisfy { $0 > 3 }, "\(counts)")
    }

    @Test("Text is ASCII, of few words, and differs from window to window")
    func text() throws {
        let windows = try records(SyntheticText(count: 50, seed: 1, steps: 80, .sentences)).map(\.pixels)
        #expect(Set(windows).count == 50)
        #expect(windows.joined().allSatisfy { $0 == 10 || 32..<127 ~= $0 })
        let words = windows.flatMap {
            String(decoding: $0, as: UTF8.self).split { " \n.,!?".contains($0) }.dropFirst().dropLast()
        }
        #expect(Set(words).count < 40 && words.contains("lantern"))
        #expect(
            try records(SyntheticText(count: 3, seed: 1, steps: 80, .sentences)).map(\.pixels) == Array(windows[..<3]))
    }
}
