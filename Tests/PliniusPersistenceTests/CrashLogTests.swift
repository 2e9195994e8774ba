import PliniusPersistence
import Testing
import _PliniusTestSupport

/// What recovery takes for a record of the log, and what not.
@Suite struct CrashLogTests {
    private static let heapBytes = 6 * 4096
    private static let logAt = 16384

    /// A pool whose last three records are of one size and set a word to 1, 2 and 3; where they lie.
    private func make() throws -> (image: [UInt8], records: [Range<Int>], word: PersistentArray<Int>) {
        let media = PlainMedia(byteCount: Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096))
        let pool = try Pool.create(on: media, heapBytes: Self.heapBytes)
        let word = try pool.transaction { tx throws(PersistenceError) in try tx.allocateArray(of: Int.self, count: 100)
        }
        for value in 1...3 {
            try pool.transaction { tx in
                for index in 0..<20 { tx[word, 3 * index] = value }
            }
        }
        var records: [Range<Int>] = []
        var place = Self.logAt
        while true {
            let size = media.bytes.load(fromByteOffset: place + 16, as: Int.self)
            if size == 0 { break }
            records.append(place..<place + size)
            place += size
        }
        return (Array(media.bytes), records.suffix(3), word)
    }

    private func value(of image: [UInt8], _ word: PersistentArray<Int>) throws -> Int {
        let media = PlainMedia(byteCount: image.count)
        media.reset(to: image)
        let pool = try Pool.open(on: media)
        return try pool.read { view in
            for index in 1..<20 where view[word, 3 * index] != view[word, 0] { throw BrokenInvariant("torn") }
            return view[word, 0]
        }
    }

    @Test func `A record with one bit changed ends the log`() throws {
        let (image, records, word) = try make()
        #expect(try value(of: image, word) == 3)
        for (number, record) in records.enumerated() {
            for offset in record {
                var damaged = image
                damaged[offset] ^= 1 << (offset % 8)
                #expect(
                    try value(of: damaged, word) == number, "byte \(offset - record.lowerBound) of record \(number)")
            }
        }
    }

    @Test func `A record in another's place is not applied`() throws {
        let (image, records, word) = try make()
        // The last in the place of the one before; the first once more in the place of the last.
        for (from, to, expected) in [(2, 1, 1), (0, 2, 2)] {
            var moved = image
            moved.replaceSubrange(records[to], with: image[records[from]])
            #expect(try value(of: moved, word) == expected)
        }
    }

    /// The transaction that fills the log has stored to the heap, and has no record yet, while the image is brought up to date.
    @Test func `A checkpoint takes nothing of the transaction that needs it`() throws {
        let byteCount = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096)
        var last = 0
        for isExplored in [false, true] {
            let media = RecordingMedia(image: [UInt8](repeating: 0, count: byteCount), tier: .t0)
            let pool = try Pool.create(on: media, heapBytes: Self.heapBytes)
            let words = try pool.transaction { tx throws(PersistenceError) in
                try tx.allocateArray(of: Int.self, count: 100)
            }
            // Of the last ten words no record of the second log tells before the last transaction: nothing repairs them in the image.
            func set(_ value: Int, _ range: Range<Int>) throws {
                try pool.transaction { tx in for index in range { tx[words, 3 * index] = value } }
            }
            if !isExplored {
                // Which transaction is it?
                while pool.statistics.checkpoints < 2 {
                    last += 1
                    try set(last, 0..<20)
                }
                continue
            }
            for value in 1..<last { try set(value, 0..<20) }
            var found: Set<[Int]> = []
            var failure: (any Error)?
            media.onStep = {
                do {
                    for image in media.imagesAfterPowerLoss(limit: 12, seed: 5) + [media.imageAfterKill] {
                        let copy = PlainMedia(byteCount: image.count)
                        copy.reset(to: image)
                        let values = try Pool.open(on: copy).read { view in (0..<30).map { view[words, 3 * $0] } }
                        found.insert(values)
                    }
                } catch { failure = error }
            }
            try set(last, 0..<30)
            media.onStep = nil
            if let failure { throw failure }
            let before = [Int](repeating: last - 1, count: 20) + [Int](repeating: 0, count: 10)
            #expect(found == [before, [Int](repeating: last, count: 30)])
            #expect(pool.statistics.checkpoints == 2)
        }
    }

    @Test func `A header with one bit changed is not believed`() throws {
        let media = PlainMedia(byteCount: Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096))
        do {
            _ = try Pool.create(on: media, heapBytes: Self.heapBytes)
            let pool = try Pool.open(on: media)
            // Makes the second header.
            try pool.transaction { tx throws(PersistenceError) in try tx.setRoot("word", try tx.allocate(7)) }
        }
        let image = Array(media.bytes)
        for bit in 0..<512 * 8 {
            var damaged = image
            for copy in [0, 4096] { damaged[copy + bit / 8] ^= 1 << (bit % 8) }
            media.reset(to: damaged)
            do {
                _ = try Pool.open(on: media)
                Issue.record("bit \(bit) of both headers is not looked at")
            } catch { #expect([.notAPool, .unsupportedVersion, .damaged].contains(error.code)) }
            // One sound copy is enough, and the log tells which records are still missing from the image.
            damaged[4096 + bit / 8] ^= 1 << (bit % 8)
            media.reset(to: damaged)
            let pool = try Pool.open(on: media)
            #expect(try pool.read { view in try view.root("word", as: Int.self).map { view[$0] } } == 7)
        }
    }

    @Test func `After any number of transactions and checkpoints, what is opened is what was stored`() throws {
        let media = PlainMedia(byteCount: Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096))
        let pool = try Pool.create(on: media, heapBytes: Self.heapBytes)
        let words = try pool.transaction { tx throws(PersistenceError) in
            try tx.allocateArray(of: UInt64.self, count: 1024)
        }
        let copy = PlainMedia(byteCount: media.bytes.count)
        var model = [UInt64](repeating: 0, count: words.count)
        var random = SeededRandom(seed: 3)
        for number in UInt64(1)...200 {
            // Many words of the first half, which fill the log, and one line of the second: no later transaction repairs soon what a
            // checkpoint forgets of it.
            for index in 0..<170 { model[3 * index] = number }
            model[512 + Int(number) % 64 * 8 + Int.random(in: 0..<8, using: &random)] = number
            try pool.transaction { tx in
                for index in model.indices where model[index] == number { tx[words, index] = number }
            }
            copy.reset(to: Array(media.bytes))
            let again = try Pool.open(on: copy)
            try again.read { view in
                for index in model.indices where view[words, index] != model[index] {
                    throw BrokenInvariant("after transaction \(number), word \(index) is \(view[words, index])")
                }
            }
        }
        #expect(pool.statistics.checkpoints >= 10)
    }
}
