import Glibc
import PliniusPersistence
import Synchronization
import Testing
import _PliniusTestSupport

/// The order that a redo log must keep, watched at the medium: no image before the records that repair it.
@Suite struct CrashOrderTests {
    /// Passes everything on, and notes whether an image was stored to while a record was not durable yet.
    private final class WatchedMedia: PersistentMedia, @unchecked Sendable {
        let plain: PlainMedia
        private let log: Range<Int>
        private let image: Range<Int>
        private var isRecordPending = false
        private(set) var violations = 0

        init(heapBytes: Int) {
            plain = PlainMedia(byteCount: Pool.byteCount(heapBytes: heapBytes, extentBytes: 4096))
            // The header takes 16 KiB, the extents one page at the end, and the heap's image stands before them.
            let end = plain.bytes.count - 4096
            image = end - heapBytes..<end
            log = 16384..<image.lowerBound
        }

        var tier: Tier { plain.tier }
        var isWritable: Bool { plain.isWritable }
        var bootID: BootID { plain.bootID }
        var bytes: UnsafeMutableRawBufferPointer { plain.bytes }

        func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
            if log.contains(offset) { isRecordPending = true }
            if image.contains(offset), isRecordPending { violations += 1 }
            plain.copy(source, to: offset)
        }
        func store(_ word: UInt64, at offset: Int) { plain.store(word, at: offset) }
        func writeBack(_ range: Range<Int>) { plain.writeBack(range) }
        func persist() {
            isRecordPending = false
            plain.persist()
        }
    }

    private final class Shared: Sendable {
        let pool: Pool
        init(_ pool: consuming Pool) { self.pool = pool }
    }

    @Test func `A checkpoint inside a commit waits for the records before it`() throws {
        let media = WatchedMedia(heapBytes: 6 * 4096)
        let shared = Shared(try Pool.create(on: media, heapBytes: 6 * 4096))
        let words = try shared.pool.transaction { tx throws(PersistenceError) in
            try tx.allocateArray(of: Int.self, count: 1800)
        }
        // Each record takes more than half of the log, so that one of two that share a commit needs a checkpoint.
        for round in 1...20 {
            let crew = Crew()
            for writer in 0..<4 {
                crew.start {
                    try? shared.pool.transaction { tx in
                        for index in stride(from: 0, to: 1800, by: 2) { tx[words, index] = round * 8 + writer }
                        // Time for the others to queue up behind this one.
                        usleep(2000)
                    }
                }
            }
            #expect(crew.ends())
        }
        let statistics = shared.pool.statistics
        #expect(statistics.checkpoints > 20 && statistics.commits < statistics.transactions, "\(statistics)")
        #expect(media.violations == 0)
    }
}
