import Glibc
import PliniusPersistence
import PliniusPoolTools
import Synchronization
import Testing
import _PliniusTestSupport

/// A pool that is opened for reading, or checked, while another process stores to it.
@Suite struct BesideWriterTests {
    private static let heapBytes = 6 * 4096
    private static let kinds: [CommitKind] = [.redoLog, .flip]

    /// Sets many words to one value, and replaces an object and the name that it has: a mixture of two states contradicts itself.
    private static func change(_ pool: borrowing Pool, to value: Int) throws {
        try pool.transaction { tx throws(PersistenceError) in
            let words = try tx.arrayRoot("words", of: Int.self)
            let row = if let words { words } else { try tx.allocateArray(of: Int.self, count: 1024) }
            if words == nil { try tx.setRoot("words", row) }
            for index in stride(from: 0, to: 1024, by: 8) { tx[row, index] = value }
            let old = try tx.arrayRoot("object", of: UInt8.self)
            try tx.setRoot("object", try tx.allocateArray(of: UInt8.self, count: value % 2 == 0 ? 900 : 40))
            if let old { tx.free(old) }
        }
    }

    private static func value(of pool: borrowing Pool) throws -> Int {
        try pool.read { (view: borrowing Snapshot) throws in
            guard let row = try view.arrayRoot("words", of: Int.self),
                let object = try view.arrayRoot("object", of: UInt8.self)
            else { throw BrokenInvariant("a root is missing") }
            let values = Set(stride(from: 0, to: 1024, by: 8).map { view[row, $0] })
            guard values.count == 1, let value = values.first, object.count == (value % 2 == 0 ? 900 : 40) else {
                throw BrokenInvariant("\(values) were found, and an object of \(object.count) bytes")
            }
            return value
        }
    }

    private static func zeros(_ kind: CommitKind) -> RecordingMedia {
        let byteCount = Pool.byteCount(heapBytes: heapBytes, extentBytes: 4096, commit: kind)
        return RecordingMedia(image: [UInt8](repeating: 0, count: byteCount), tier: .t0)
    }

    /// What the pool holds after each store of three transactions, the second of which needs a checkpoint, and the value that is found there.
    private static func film(_ kind: CommitKind) throws -> (images: [[UInt8]], values: [Int]) {
        var second = 4
        if kind == .redoLog {
            let pool = try Pool.create(on: zeros(kind), heapBytes: heapBytes, commit: kind)
            second = 0
            while pool.statistics.checkpoints == 0 {
                second += 1
                try change(pool, to: second)
            }
        }
        let media = zeros(kind)
        let pool = try Pool.create(on: media, heapBytes: heapBytes, commit: kind)
        for value in 1..<second - 1 { try change(pool, to: value) }
        var images = [media.imageAfterKill]
        media.onStep = { if media.lastStep == .store { images.append(media.imageAfterKill) } }
        for value in second - 1...second + 1 { try change(pool, to: value) }
        media.onStep = nil
        let plain = PlainMedia(byteCount: media.bytes.count)
        let values = try images.map { image in
            plain.reset(to: image)
            return try value(of: Pool.open(on: plain))
        }
        #expect(Set(values) == Set(second - 2...second + 1))
        return (images, values)
    }

    @Test(arguments: kinds)
    func `What is opened or checked beside a writer is one state of the pool`(kind: CommitKind) throws {
        let (images, values) = try Self.film(kind)
        var random = SeededRandom(seed: 1)
        var (longest, changes) = (1, 0)
        for _ in 0..<2000 {
            let first = Int.random(in: 0..<images.count, using: &random)
            let last = Int.random(in: first..<images.count, using: &random)
            let media = ChangingMedia(
                images[first], images[last], at: .random(in: 1...longest, using: &random),
                cut: .random(in: 0..<images[0].count, using: &random))
            let place = "store \(first), then \(last), at look \(media.turn) and byte \(media.cut)"
            do {
                let found = try Self.value(of: Pool.open(on: media))
                #expect((values[first]...values[last]).contains(found), "\(place)")
            } catch { Issue.record("\(place): \(error)") }
            longest = max(longest, media.looks)
            if media.looks > media.turn { changes += 1 }
            media.begin()
            #expect(try PoolReport(of: Region(on: media)).findings == [], "\(place)")
        }
        #expect(changes > 500)
    }

    @Test(arguments: kinds)
    func `A reader whom a writer never leaves the time says so, and only that`(kind: CommitKind) throws {
        let media = PlainMedia(
            byteCount: Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096, commit: kind))
        let pool = try Pool.create(on: media, heapBytes: Self.heapBytes, commit: kind)
        for value in 1...10 { try Self.change(pool, to: value) }
        let busy = BusyMedia(media) {
            // So much that each transaction needs a checkpoint.
            try? pool.transaction { tx throws(PersistenceError) in
                guard let words = try tx.arrayRoot("words", of: Int.self) else { return }
                for index in 0..<1024 { tx[words, index] += 1 }
            }
        }
        for isReport in [false, true] {
            let error = #expect(throws: PersistenceError.self) {
                if isReport { _ = try PoolReport(of: Region(on: busy)) } else { _ = try Pool.open(on: busy) }
            }
            #expect(error?.code == .inUse && error?.message.contains("at work on the pool") == true)
        }
        busy.isResting = true
        #expect(try PoolReport(of: Region(on: busy)).isSound)
        _ = try Pool.open(on: busy)
    }

    @Test(arguments: kinds)
    func `A pool that a thread stores to all the time is opened beside it`(kind: CommitKind) throws {
        let file = try ScratchFile(in: "/dev/shm")
        let byteCount = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 4096, commit: kind)
        do {
            let pool = try Pool.create(
                descriptor: file.descriptor, byteCount: byteCount, heapBytes: Self.heapBytes, commit: kind)
            try Self.change(pool, to: 1)
        }
        let (crew, mayEnd, descriptor) = (Crew(), Flag(), file.descriptor)
        crew.start {
            guard let pool = try? Pool.open(descriptor: descriptor) else { return }
            var value = 1
            while !mayEnd.isSet.load(ordering: .relaxed) {
                value += 1
                try? Self.change(pool, to: value)
                // As a program that also does something else.
                if value % 16 == 0 { usleep(500) }
            }
        }
        var (opened, last) = (0, 1)
        while opened < 100 {
            do {
                let value = try Self.value(of: Pool.open(descriptor: descriptor, access: .readOnly))
                #expect(value >= last)
                last = value
                opened += 1
            } catch let error as PersistenceError where error.code == .inUse {}
        }
        mayEnd.isSet.store(true, ordering: .relaxed)
        #expect(crew.ends())
        #expect(try Self.value(of: Pool.open(descriptor: descriptor, access: .readOnly)) >= last)
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }
}

/// A medium of another process, of which one image is seen up to some look, another one afterwards, and at that look the front of the former
/// and the rest of the latter.
private final class ChangingMedia: PersistentMedia, @unchecked Sendable {
    let tier = Tier.t0
    let isWritable = false
    let bootID = BootID([UInt8](repeating: 1, count: 16))
    let (turn, cut): (Int, Int)
    private(set) var looks = 0
    private let (first, last): ([UInt8], [UInt8])
    private let seen: UnsafeMutableRawBufferPointer

    init(_ first: [UInt8], _ last: [UInt8], at turn: Int, cut: Int) {
        (self.first, self.last, self.turn, self.cut) = (first, last, turn, cut)
        seen = .allocate(byteCount: first.count, alignment: 4096)
        begin()
    }

    deinit { seen.deallocate() }

    func begin() {
        looks = 0
        seen.copyBytes(from: first)
    }

    var bytes: UnsafeMutableRawBufferPointer {
        looks += 1
        if looks == turn { seen.copyBytes(from: first[..<cut] + last[cut...]) }
        if looks == turn + 1 { seen.copyBytes(from: last) }
        return seen
    }

    func copy(_ source: UnsafeRawBufferPointer, to offset: Int) { fatalError("a reader stores") }
    func store(_ word: UInt64, at offset: Int) { fatalError("a reader stores") }
    func writeBack(_ range: Range<Int>) {}
    func persist() {}
}

/// A medium of another process, which stores to it at every look.
private final class BusyMedia: PersistentMedia, @unchecked Sendable {
    let tier = Tier.t0
    let isWritable = false
    let bootID = BootID([UInt8](repeating: 1, count: 16))
    var isResting = false
    private let media: PlainMedia
    private let work: () -> Void

    init(_ media: PlainMedia, _ work: @escaping () -> Void) { (self.media, self.work) = (media, work) }

    var bytes: UnsafeMutableRawBufferPointer {
        if !isResting { work() }
        return media.bytes
    }

    func copy(_ source: UnsafeRawBufferPointer, to offset: Int) { fatalError("a reader stores") }
    func store(_ word: UInt64, at offset: Int) { fatalError("a reader stores") }
    func writeBack(_ range: Range<Int>) {}
    func persist() {}
}
