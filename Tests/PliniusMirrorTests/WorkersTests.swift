import Glibc
import PliniusMirror
import PliniusPersistence
import PliniusSealing
import Synchronization
import Testing
import _PliniusSupport
import _PliniusTestSupport

/// Several threads that seal and open at once: the same pool, the same findings, the same promises.
@Suite struct WorkersTests {
    /// Has many chunks for each worker, the last one shorter.
    private func fixture(_ workers: Int, cipher: Cipher = .aes256GCM) -> MirrorFixture {
        MirrorFixture(arenaBytes: 20_010, chunkBytes: 64, cipher: cipher, workers: workers)
    }

    // MARK: The same pool

    @Test(arguments: Cipher.allCases, [1, 2, 3, 8])
    func `What lies in the pool is each chunk sealed for itself, whoever did it`(cipher: Cipher, workers: Int) throws {
        let fixture = fixture(workers, cipher: cipher)
        let media = PlainMedia(byteCount: fixture.extentBytes)
        let mirror = try fixture.create(on: Region(on: media).whole)
        #expect(mirror.workers == workers)
        for iteration in UInt64(1)...4 {
            try fixture.commit(iteration, to: mirror)
            let slot: Slot = iteration % 2 == 0 ? .a : .b
            let image = Array(media.bytes)
            let header = image[fixture.start(of: slot)...].prefix(512).map { $0 }
            let base = header[168..<176].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            #expect(base == iteration * UInt64(fixture.chunkCount))
            let key = fixture.keys.runKeys(runID: fixture.identity.runID).slotKeys(
                processSalt: Array(header[32..<64]), cipher: cipher
            ).chunks
            let context = ChunkContext(fixture.identity, chunkCount: fixture.chunkCount)
            context.begin(slot, iteration: iteration)
            var (chunks, tags) = (fixture.golden(iteration), [UInt8]())
            chunks.withUnsafeMutableBytes { bytes in
                for chunk in 0..<fixture.chunkCount {
                    context.move(to: chunk)
                    let place = chunk * 64..<min((chunk + 1) * 64, bytes.count)
                    let message = UnsafeMutableRawBufferPointer(rebasing: bytes[place])
                    tags +=
                        key.seal(
                            UnsafeRawBufferPointer(message), into: message,
                            nonce: Nonce(stream: 0, counter: base + UInt64(chunk)), authenticating: context.bytes
                        ).bytes
                }
            }
            #expect(Array(image[fixture.chunks(of: slot)]) == chunks)
            #expect(Array(image[fixture.tags(of: slot)]) == tags)
        }
    }

    @Test(arguments: [(1, 4), (4, 1), (2, 3), (3, 2), (7, 7)])
    func `A pool that some workers wrote is opened by others`(writers: Int, readers: Int) throws {
        let media = PlainMedia(byteCount: fixture(writers).extentBytes)
        let mirror = try fixture(writers).create(on: Region(on: media).whole)
        for iteration in UInt64(1)...6 {
            try fixture(writers).commit(iteration, to: mirror)
            let (next, recovery) = try fixture(readers).recover(Region(on: media).whole)
            #expect(recovery.progress.iteration == iteration && recovery.verdict == .resumed)
            #expect(next.workers == readers)
        }
    }

    @Test func `There are no more workers than chunks, and at least the caller`() throws {
        for (workers, expected) in [(-1, 1), (0, 1), (1, 1), (2, 2), (3, 3), (4, 3), (.max, 3)] {
            let fixture = MirrorFixture(workers: workers)
            let media = PlainMedia(byteCount: fixture.extentBytes)
            #expect(try fixture.create(on: Region(on: media).whole).workers == expected)
            #expect(try fixture.recover(Region(on: media).whole).mirror.workers == expected)
        }
        // As many as the run was begun to compute with.
        let fixture = fixture(5)
        let media = PlainMedia(byteCount: fixture.extentBytes)
        _ = try fixture.create(on: Region(on: media).whole)
        #expect(try Mirror.open(on: Region(on: media).whole, keys: fixture.keys, workers: nil).workers == 2)
    }

    // MARK: The same findings

    @Test(arguments: [1, 2, 3, 8])
    func `Of several spoilt chunks the first is named, and the arena is wiped`(workers: Int) throws {
        let fixture = fixture(workers)
        let media = PlainMedia(byteCount: fixture.extentBytes)
        _ = try fixture.create(on: Region(on: media).whole)
        let image = Array(media.bytes)
        for spoilt in [[0], [311], [312], [5, 6, 7, 8, 9, 300], [312, 0], [40, 39]] {
            var changed = image
            for chunk in spoilt { changed[fixture.chunks(of: .a).lowerBound + 64 * chunk] ^= 1 }
            media.reset(to: changed)
            let mirror = try Mirror.open(on: Region(on: media).whole, keys: fixture.keys, workers: workers)
            let arena = fixture.arena(7)
            let error = #expect(throws: MirrorError.self) { try mirror.mirrorIn(to: arena) }
            let first = spoilt.min()! + 1
            #expect(error?.code == .tampered)
            #expect(error?.message.contains("slot A, chunk \(first) of 313: its tag does not match") == true)
            #expect(arena.bytes.allSatisfy { $0 == 0 })
            #expect(media.holds(changed))
        }
        // The workers are there for the next one.
        media.reset(to: image)
        #expect(try fixture.recover(Region(on: media).whole).recovery.progress.iteration == 0)
    }

    // MARK: The same promises

    @Test(arguments: [1, 2, 5])
    func `At each crash point the pool holds what the point says`(workers: Int) throws {
        let fixture = fixture(workers)
        let media = PlainMedia(byteCount: fixture.extentBytes)
        let mirror = try fixture.create(on: Region(on: media).whole)
        try fixture.commit(1, to: mirror)
        try fixture.commit(2, to: mirror)
        let before = Array(media.bytes)
        var images: [CrashPoint: [UInt8]] = [:]
        mirror.onCrashPoint = { images[$0] = Array(media.bytes) }
        try fixture.commit(3, to: mirror)
        let after = Array(media.bytes)
        let chunks = fixture.chunks(of: .b)
        /// Which chunks and tags are the new ones; `nil` if some are neither old nor new.
        func progress(_ point: CrashPoint) -> (chunks: Int, tags: Bool)? {
            guard let image = images[point] else { return nil }
            var count = 0
            for start in stride(from: 0, to: chunks.count, by: 64) {
                let place = chunks.lowerBound + start..<chunks.lowerBound + min(start + 64, chunks.count)
                guard image[place] == after[place] else {
                    // All before it are new, and all from here on are old.
                    guard image[place.lowerBound..<chunks.upperBound] == before[place.lowerBound..<chunks.upperBound]
                    else { return nil }
                    break
                }
                count += 1
            }
            return (count, image[fixture.tags(of: .b)] == after[fixture.tags(of: .b)])
        }
        for point in CrashPoint.allCases {
            let expected =
                switch point {
                case .afterMarker: (0, false)
                case .insideChunks: (157, false)
                case .afterChunks: (313, false)
                case .afterTags, .insideHeader, .beforeFence, .afterFence: (313, true)
                }
            let found = progress(point)
            #expect(found?.chunks == expected.0 && found?.tags == expected.1, "\(point): \(String(describing: found))")
            media.reset(to: images[point] ?? [])
            let isNew = point == .beforeFence || point == .afterFence
            let recovery = try fixture.recover(Region(on: media).whole).recovery
            #expect(recovery.progress.iteration == (isNew ? 3 : 2), "\(point)")
        }
    }

    /// Persistent memory as processors have it: a fence waits for the write-backs of its own thread.
    private final class FencedMedia: PersistentMedia, @unchecked Sendable {
        let inner: PlainMedia
        private var waiting: [pthread_t: Int] = [:]
        /// Of whoever looks at what waits: a semaphore, because the thread sanitizer is blind to Mutex.
        private let turn = Semaphore()
        private let others = Atomic(0)
        private let caller = pthread_self()
        /// Whether the caller waits, at its first copy, for another thread's.
        var meets = false
        /// Write-backs that nobody had waited for when a commit was called durable.
        var forgotten = 0

        init(byteCount: Int) {
            inner = PlainMedia(byteCount: byteCount)
            turn.signal()
        }

        var tier: Tier { inner.tier }
        var isWritable: Bool { true }
        var bootID: BootID { inner.bootID }
        var bytes: UnsafeMutableRawBufferPointer { inner.bytes }

        func copy(_ source: UnsafeRawBufferPointer, to offset: Int) {
            inner.copy(source, to: offset)
            note()
            guard pthread_equal(pthread_self(), caller) != 0 else {
                others.add(1, ordering: .relaxed)
                return
            }
            for _ in 0..<10_000 where meets && others.load(ordering: .relaxed) == 0 { usleep(1000) }
        }
        func store(_ word: UInt64, at offset: Int) {
            inner.store(word, at: offset)
            note()
        }
        func writeBack(_ range: Range<Int>) { note() }
        func settle() { inTurn { waiting[pthread_self()] = nil } }
        func persist() {
            settle()
            inTurn { forgotten += waiting.values.reduce(0, +) }
        }

        private func note() { inTurn { waiting[pthread_self(), default: 0] += 1 } }
        private func inTurn(_ work: () -> Void) {
            turn.wait()
            work()
            turn.signal()
        }

        /// Copies of other threads than the caller's since the last time.
        func takeOthers() -> Int { others.exchange(0, ordering: .relaxed) }
    }

    @Test(arguments: [2, 3])
    func `Each worker waits for what it has written back, before the commit is called durable`(workers: Int) throws {
        let fixture = fixture(workers)
        let media = FencedMedia(byteCount: fixture.extentBytes)
        let mirror = try fixture.create(on: Region(on: media).whole)
        media.meets = true
        for iteration in UInt64(1)...20 {
            _ = media.takeOthers()
            try fixture.commit(iteration, to: mirror)
            #expect(media.takeOthers() > 0, "the caller was alone")
        }
        #expect(media.forgotten == 0)
    }

    // MARK: Kills

    @Test(arguments: [1500, 3100, 7700, 12_300, 19_100, 31_300])
    func `A process killed while several threads seal leaves a file that resumes`(microseconds: Int) async throws {
        let path = try TemporaryDirectory(in: "/dev/shm")("pool")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, microseconds = microseconds as Int] in
            let fixture = MirrorFixture(arenaBytes: 1 << 20, chunkBytes: 4096, workers: 3)
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
            let mirror = try fixture.create(
                on: try Region.create(descriptor: descriptor, byteCount: fixture.extentBytes).whole)
            let arena = fixture.arena()
            startThread {
                usleep(UInt32(microseconds))
                kill(getpid(), SIGKILL)
            }
            for iteration in UInt64(1)... {
                memset(arena.bytes.baseAddress!, CInt(iteration % 251), arena.byteCount)
                try mirror.mirrorOut(arena, progress: fixture.progress(iteration))
            }
        }
        let fixture = MirrorFixture(arenaBytes: 1 << 20, chunkBytes: 4096, workers: 2)
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        let mirror = try Mirror.open(on: try Region.open(descriptor: descriptor).whole, keys: fixture.keys, workers: 2)
        let arena = fixture.arena()
        let recovery = try mirror.mirrorIn(to: arena)
        let iteration = recovery.progress.iteration
        if iteration > 0 { #expect(arena.bytes.allSatisfy { $0 == UInt8(iteration % 251) }) }
        #expect(recovery.verdict == .resumed || recovery.verdict == .resumedAfterTornCommit)
        try fixture.commit(iteration + 1, to: mirror)
        #expect(
            try fixture.recover(try Region.open(descriptor: descriptor).whole).recovery.progress.iteration
                == iteration + 1)
    }
}
