import Glibc
import PliniusMirror
import PliniusPersistence
import Synchronization
import Testing
import _PliniusSupport
import _PliniusTestSupport

/// A mirror whose wait for the device goes on while the caller does.
@Suite struct DeviceWaitTests {
    /// A device that answers at once, and after ``slowDown()`` keeps whoever waits for it until it is let go on.
    private final class SlowMedia: PersistentMedia, @unchecked Sendable {
        let inner: PlainMedia
        private let isSlow = Atomic(false)
        private let failsNow = Atomic(false)
        private let stored = Atomic(0)
        private let given = Atomic(0)
        private let waited = Atomic(0)
        private let asked = Semaphore()
        private let answered = Semaphore()

        let persistsByFence: Bool

        init(byteCount: Int, persistsByFence: Bool = false) {
            inner = PlainMedia(byteCount: byteCount)
            self.persistsByFence = persistsByFence
        }

        var tier: Tier { .t3 }
        var isWritable: Bool { true }
        var bootID: BootID { inner.bootID }
        var bytes: UnsafeMutableRawBufferPointer { inner.bytes }
        var answers: Int { given.load(ordering: .sequentiallyConsistent) }
        var waits: Int { waited.load(ordering: .sequentiallyConsistent) }
        /// Stores so far.
        var stores: Int { stored.load(ordering: .sequentiallyConsistent) }

        func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
            stored.add(1, ordering: .sequentiallyConsistent)
            inner.copy(source, to: offset)
        }
        func store(_ word: UInt64, at offset: Int) {
            stored.add(1, ordering: .sequentiallyConsistent)
            inner.store(word, at: offset)
        }
        func writeBack(_ range: Range<Int>) { stored.add(1, ordering: .sequentiallyConsistent) }
        func persist() throws(PersistenceError) {
            waited.add(1, ordering: .sequentiallyConsistent)
            guard isSlow.load(ordering: .sequentiallyConsistent) else { return }
            asked.signal()
            answered.wait()
            if failsNow.load(ordering: .sequentiallyConsistent) { throw PersistenceError("fdatasync", errno: EIO) }
        }

        func slowDown() { isSlow.store(true, ordering: .sequentiallyConsistent) }
        func waitUntilAsked() { asked.wait() }
        func answer(fails: Bool = false) {
            given.add(1, ordering: .sequentiallyConsistent)
            failsNow.store(fails, ordering: .sequentiallyConsistent)
            answered.signal()
        }
        var copy: PlainMedia {
            let copy = PlainMedia(byteCount: bytes.count)
            copy.reset(to: Array(bytes))
            return copy
        }
    }

    private let fixture = MirrorFixture(arenaBytes: 2000, chunkBytes: 64, workers: 2)

    private func begun() throws -> (media: SlowMedia, mirror: Mirror, arena: PrivateMemory) {
        let media = SlowMedia(byteCount: fixture.extentBytes)
        let mirror = try fixture.create(on: Region(on: media).whole)
        media.slowDown()
        let arena = fixture.arena(1)
        try mirror.beginMirrorOut(arena, progress: fixture.progress(1))
        return (media, mirror, arena)
    }

    @Test(.timeLimit(.minutes(1))) func `The arena may change meanwhile, and a killed process has lost nothing`() throws
    {
        let (media, mirror, arena) = try begun()
        #expect(mirror.isAwaited)
        media.waitUntilAsked()
        arena.bytes.copyBytes(from: fixture.golden(2))
        #expect(try fixture.recover(Region(on: media.copy).whole).recovery.progress.iteration == 1)
        #expect(mirror.mark?.sequence == 0, "what is not durable yet is told to nobody")
        media.answer()
        try mirror.endMirrorOut()
        #expect(!mirror.isAwaited && mirror.mark?.sequence == 1)
        try mirror.endMirrorOut()
        media.answer()
        try mirror.mirrorOut(arena, progress: fixture.progress(2))
        #expect(try fixture.recover(Region(on: media.copy).whole).recovery.progress.iteration == 2)
    }

    @Test(.timeLimit(.minutes(1))) func `Nothing is stored before the device has answered`() throws {
        let (media, mirror, arena) = try begun()
        media.waitUntilAsked()
        let stores = media.stores
        let ended = Semaphore()
        let next = Box { [fixture] in try mirror.beginMirrorOut(arena, progress: fixture.progress(2)) }
        startThread {
            next.run()
            ended.signal()
        }
        // Long enough for a mirror of 32 chunks a hundred times over.
        for _ in 0..<50 {
            usleep(2000)
            #expect(media.stores == stores)
        }
        media.answer()
        ended.wait()
        #expect(next.error == nil && media.stores > stores && mirror.isAwaited)
        media.answer()
        try mirror.endMirrorOut()
    }

    @Test(.timeLimit(.minutes(1))) func `A device that refuses is heard at the end, and nothing more is stored`() throws
    {
        for endsItself in [true, false] {
            let (media, mirror, arena) = try begun()
            media.answer(fails: true)
            for attempt in 0..<3 {
                let image = Array(media.bytes)
                let error = #expect(throws: MirrorError.self) {
                    if endsItself && attempt == 0 {
                        try mirror.endMirrorOut()
                    } else {
                        try mirror.beginMirrorOut(arena, progress: fixture.progress(2))
                    }
                }
                #expect(error?.code == .media && error?.cause?.code == .notDurable)
                #expect(attempt == 0 && endsItself || Array(media.bytes) == image)
            }
            #expect(mirror.mark?.sequence == 0)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `A mirror that is let go waits for whoever waits`() throws {
        let media = SlowMedia(byteCount: fixture.extentBytes)
        try letGo(mirrorOn: media)
        #expect(media.answers == 1)
        #expect(try fixture.recover(Region(on: media.copy).whole).recovery.progress.iteration == 1)
    }

    /// Of its own, so that the mirror is gone when it returns.
    @inline(never) private func letGo(mirrorOn media: SlowMedia) throws {
        let mirror = try fixture.create(on: Region(on: media).whole)
        media.slowDown()
        startThread {
            media.waitUntilAsked()
            usleep(50_000)
            media.answer()
        }
        try mirror.beginMirrorOut(fixture.arena(1), progress: fixture.progress(1))
    }

    @Test func `Alone, or where a fence is all, a mirror ends where it begins`() throws {
        for (workers, byFence) in [(1, false), (2, true)] {
            let fixture = MirrorFixture(arenaBytes: 2000, chunkBytes: 64, workers: workers)
            let media = SlowMedia(byteCount: fixture.extentBytes, persistsByFence: byFence)
            let mirror = try fixture.create(on: Region(on: media).whole)
            let waits = media.waits
            try mirror.beginMirrorOut(fixture.arena(1), progress: fixture.progress(1))
            #expect(!mirror.isAwaited && mirror.mark?.sequence == 1)
            if !byFence { #expect(media.waits == waits + 1) }
        }
    }

    /// Work for another thread, and what it threw.
    private final class Box: @unchecked Sendable {
        private let work: () throws -> Void
        private(set) var error: (any Error)?
        init(_ work: @escaping () throws -> Void) { self.work = work }
        func run() { do { try work() } catch { self.error = error } }
    }
}
