import PliniusNN
import Testing

/// The generator behind every draw.
@Suite struct RandomStreamTests {
    /// Known answers that come with Random123, the authors' own implementation.
    @Test(
        arguments: [
            ([0, 0, 0, 0], [0, 0], [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]),
            (
                [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [0xFFFF_FFFF, 0xFFFF_FFFF],
                [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
            ),
            (
                [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0],
                [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
            ),
        ] as [([UInt32], [UInt32], [UInt32])])
    func `Philox gives the published answers`(counter: [UInt32], key: [UInt32], answer: [UInt32]) {
        let found = RandomStream.philox(
            counter: SIMD4(counter[0], counter[1], counter[2], counter[3]), key: SIMD2(key[0], key[1]))
        #expect([found.x, found.y, found.z, found.w] == answer)
    }

    @Test func `A stream's counter and key are laid out as documented`() {
        let stream = RandomStream(seed: 0x0123_4567_89AB_CDEF, purpose: .augmentation, substream: 3)
        let words = stream.block(0x0123_4567_89AB, iteration: 0xDEAD_BEEF)
        #expect(words == SIMD4(0xD8D7_7127, 0x9CD3_0DA8, 0xF43B_BA0D, 0xE5D3_17BA))
    }

    @Test func `Streams of other seeds, purposes, layers and iterations are others`() {
        let words = [
            RandomStream(seed: 1, purpose: .dropout).block(0),
            RandomStream(seed: 2, purpose: .dropout).block(0),
            RandomStream(seed: 1 << 32 | 1, purpose: .dropout).block(0),
            RandomStream(seed: 1, purpose: .shuffle).block(0),
            RandomStream(seed: 1, purpose: .dropout, substream: 1).block(0),
            RandomStream(seed: 1, purpose: .dropout).block(0, iteration: 1),
            RandomStream(seed: 1, purpose: .dropout).block(1),
            RandomStream(seed: 1, purpose: .dropout).block(1 << 32),
        ]
        #expect(Set(words).count == words.count)
    }

    @Test func `Units lie in [0, 1) and reach both ends`() {
        #expect(RandomStream.unit(0) == 0)
        #expect(RandomStream.unit(.max) == 1 - 0x1p-24)
        #expect(RandomStream.unit(1 << 31) == 0.5)
    }
}
