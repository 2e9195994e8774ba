import Glibc
import PliniusMirror
import PliniusPersistence
import PliniusSealing
import Synchronization
import Testing
import _PliniusSupport
import _PliniusTestSupport

@Suite struct MirrorTests {
    private func media(_ fixture: MirrorFixture, tier: Tier = .t0) -> RecordingMedia {
        RecordingMedia(image: [UInt8](repeating: 0, count: fixture.extentBytes), tier: tier)
    }

    // MARK: What a mirror brings back

    @Test(arguments: Cipher.allCases, [1, 63, 64, 65, 128, 160, 5000])
    func `The arena comes back bit for bit, whatever its length`(cipher: Cipher, arenaBytes: Int) throws {
        let fixture = MirrorFixture(arenaBytes: arenaBytes, cipher: cipher)
        let media = media(fixture)
        let mirror = try fixture.create(on: Region(on: media).whole)
        #expect(mirror.arenaBytes == arenaBytes)
        for iteration in UInt64(1)...3 {
            try fixture.commit(iteration * 10, to: mirror)
            let (_, recovery) = try fixture.recover(Region(on: media).whole)
            #expect(recovery.progress == fixture.progress(iteration * 10))
            #expect(recovery.verdict == .resumed && recovery.sequence == iteration && recovery.generation == 2)
            #expect(recovery.slot == (iteration % 2 == 0 ? .a : .b))
        }
    }

    @Test(arguments: [0, 1, 4096, 4097, 100_000])
    func `The network's description comes back with the arena`(byteCount: Int) throws {
        var fixture = MirrorFixture()
        fixture.description = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0) }
        let media = media(fixture)
        try fixture.commit(1, to: try fixture.create(on: Region(on: media).whole))
        let (mirror, recovery) = try fixture.recover(Region(on: media).whole)
        #expect(mirror.description == fixture.description && recovery.progress.iteration == 1)
    }

    @Test func `Every process that resumes and mirrors raises the generation`() throws {
        let fixture = MirrorFixture()
        let media = media(fixture)
        try fixture.commit(1, to: try fixture.create(on: Region(on: media).whole))
        for generation in UInt64(2)...5 {
            let (mirror, recovery) = try fixture.recover(Region(on: media).whole)
            #expect(recovery.generation == generation)
            try fixture.commit(generation, to: mirror)
        }
    }

    @Test func `A pool that is open for reading is read and not stored to`() throws {
        let fixture = MirrorFixture()
        let folder = try TemporaryDirectory()
        let path = try folder.write(try fixture.image(commits: 2), to: "pool")
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        let (mirror, recovery) = try fixture.recover(try Region.open(descriptor: descriptor, access: .readOnly).whole)
        #expect(recovery.progress.iteration == 2)
        #expect(mirror.bytesWritten == 0)
    }

    @Test func `The ciphertext in the slot is not the arena`() throws {
        let fixture = MirrorFixture(arenaBytes: 4096)
        let image = try fixture.image(commits: 1)
        let golden = fixture.golden(1)
        for start in stride(from: 0, to: 4096, by: 16) {
            #expect(!image.contains(golden[start..<start + 16]))
        }
    }

    // MARK: What a commit costs

    @Test(arguments: [Tier.t0, .t1, .t3])
    func `A commit stores the arena once, and waits once`(tier: Tier) throws {
        let fixture = MirrorFixture(arenaBytes: 10_000, chunkBytes: 1024)
        let media = media(fixture, tier: tier)
        let mirror = try fixture.create(on: Region(on: media).whole)
        for iteration in UInt64(1)...3 {
            let (before, fences, image) = (mirror.bytesWritten, media.fences, media.imageAfterKill)
            try fixture.commit(iteration, to: mirror)
            // 10 chunks and their tags; the header's 512 bytes; the marker in front.
            #expect(mirror.bytesWritten - before == 10_000 + 10 * 16 + 512 + 8)
            #expect(media.fences - fences == 1)
            // And nothing outside the slot changed.
            let slot = iteration % 2 == 0 ? Slot.a : .b
            let now = media.imageAfterKill
            let start = fixture.start(of: slot)
            #expect(
                now[..<start] == image[..<start]
                    && now[(start + fixture.slotBytes)...] == image[(start + fixture.slotBytes)...])
        }
    }

    @Test func `A commit writes back what it stores, and not much more`() throws {
        let fixture = MirrorFixture(arenaBytes: 64 * 100, chunkBytes: 1024)
        let media = media(fixture)
        let mirror = try fixture.create(on: Region(on: media).whole)
        let before = media.writtenBackBytes
        try fixture.commit(1, to: mirror)
        #expect((6400...6400 + 1024).contains(media.writtenBackBytes - before))
    }

    // MARK: What a tag binds

    @Test func `A chunk's tag binds run, slot, iteration, place, count and layout`() {
        let identity = MirrorFixture().identity
        func bytes(_ identity: RunIdentity, _ slot: Slot, _ iteration: UInt64, _ chunk: Int, of count: Int) -> [UInt8] {
            let context = ChunkContext(identity, chunkCount: count)
            context.begin(slot, iteration: iteration)
            context.move(to: chunk)
            return context.bytes
        }
        let context = bytes(identity, .b, 0x0102_0304_0506_0708, 0x0A0B, of: 0x0C0D)
        let expected =
            Array("plinius chunk".utf8) + identity.runID + [
                1, 8, 7, 6, 5, 4, 3, 2, 1, 0x0B, 0x0A, 0, 0, 0x0D, 0x0C, 0, 0,
            ]
            + identity.layoutDigest
        #expect(context == expected)
        var (otherRun, otherLayout) = (identity, identity)
        otherRun.runID[15] ^= 1
        otherLayout.layoutDigest[31] ^= 1
        let others = [
            bytes(otherRun, .b, 1, 2, of: 3), bytes(otherLayout, .b, 1, 2, of: 3), bytes(identity, .a, 1, 2, of: 3),
            bytes(identity, .b, 2, 2, of: 3), bytes(identity, .b, 1, 1, of: 3), bytes(identity, .b, 1, 2, of: 4),
            bytes(identity, .b, 1, 2, of: 3),
        ]
        #expect(Set(others).count == others.count)
    }

    // MARK: Nonces

    @Test func `No key seals two chunks with one nonce, over restarts and crashes`() throws {
        struct Use: Hashable {
            var salt: [UInt8]
            var stream: [UInt8]
            var counter: UInt64
        }
        let fixture = MirrorFixture()
        var media = media(fixture)
        var uses = Set<Use>()
        var sealed = 0
        /// Reads which nonces the chunks in a slot were sealed with, at the offsets that the format gives.
        func collect(_ slot: Slot) {
            let header = media.imageAfterKill[fixture.start(of: slot)...].prefix(512).map { $0 }
            let base = header[168..<176].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            for chunk in 0..<UInt64(fixture.chunkCount) {
                uses.insert(Use(salt: Array(header[32..<64]), stream: Array(header[160..<164]), counter: base + chunk))
                sealed += 1
            }
        }
        var mirror = try fixture.create(on: Region(on: media).whole)
        collect(.a)
        var slot = Slot.b
        for round in 0..<300 {
            try fixture.commit(UInt64(round + 1), to: mirror)
            collect(slot)
            slot = slot.other
            guard round % 3 == 2 else { continue }
            // A restart from an older copy of the whole pool is how a stored counter would be made to repeat.
            if round % 2 == 0 {
                let snapshot = media.imageAfterKill
                let next = try fixture.recover(Region(on: media).whole).mirror
                try fixture.commit(UInt64(round + 2), to: next)
                collect(slot)
                media = RecordingMedia(image: snapshot, tier: .t0)
            }
            mirror = try fixture.recover(Region(on: media).whole).mirror
        }
        #expect(sealed == (1 + 300 + 50) * fixture.chunkCount)
        #expect(uses.count == sealed)
        #expect(Set(uses.map(\.salt)).count == 150)
    }

    // MARK: Crash points

    @Test func `A commit passes its crash points in order, and tells at each what would be found`() throws {
        let fixture = MirrorFixture()
        let media = media(fixture)
        let mirror = try fixture.create(on: Region(on: media).whole)
        try fixture.commit(1, to: mirror)
        var points: [CrashPoint] = []
        mirror.onCrashPoint = { point in
            points.append(point)
            do {
                let image = [UInt8](media.bytes)
                let recovery = try fixture.recover(Region(on: RecordingMedia(image: image, tier: .t0)).whole).recovery
                let isNew = point == .beforeFence || point == .afterFence
                #expect(recovery.progress.iteration == (isNew ? 2 : 1), "\(point)")
                #expect(recovery.verdict == (isNew ? .resumed : .resumedAfterTornCommit), "\(point)")
            } catch {
                Issue.record(error, "\(point)")
            }
        }
        try fixture.commit(2, to: mirror)
        #expect(points == CrashPoint.allCases)
    }

    @Test(arguments: CrashPoint.allCases, ["/dev/shm", "/var/tmp"])
    func `A process killed at a crash point leaves a file that resumes`(point: CrashPoint, place: String) async throws {
        let path = try TemporaryDirectory(in: place)("pool")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, name = point.rawValue as String] in
            let fixture = MirrorFixture(arenaBytes: 300_000, chunkBytes: 65_536)
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
            let mirror = try fixture.create(
                on: try Region.create(descriptor: descriptor, byteCount: fixture.extentBytes).whole)
            try fixture.commit(1, to: mirror)
            mirror.onCrashPoint = { if $0.rawValue == name { raise(SIGKILL) } }
            try fixture.commit(2, to: mirror)
        }
        let fixture = MirrorFixture(arenaBytes: 300_000, chunkBytes: 65_536)
        let descriptor = open(path, O_RDWR)
        defer { close(descriptor) }
        let (mirror, recovery) = try fixture.recover(try Region.open(descriptor: descriptor).whole)
        let isNew = point == .beforeFence || point == .afterFence
        #expect(recovery.progress.iteration == (isNew ? 2 : 1))
        try fixture.commit(3, to: mirror)
        #expect(try fixture.recover(try Region.open(descriptor: descriptor).whole).recovery.progress.iteration == 3)
    }

    // MARK: A medium that fails

    /// Refuses every wait after the first few.
    private final class FailingMedia: PersistentMedia, @unchecked Sendable {
        let inner: RecordingMedia
        var waits: Int
        init(_ inner: RecordingMedia, waits: Int) { (self.inner, self.waits) = (inner, waits) }
        var tier: Tier { inner.tier }
        var isWritable: Bool { true }
        var bootID: BootID { inner.bootID }
        var bytes: UnsafeMutableRawBufferPointer { inner.bytes }
        func copy(_ source: UnsafeRawBufferPointer, to offset: Int) { inner.copy(source, to: offset) }
        func store(_ word: UInt64, at offset: Int) { inner.store(word, at: offset) }
        func writeBack(_ range: Range<Int>) { inner.writeBack(range) }
        func persist() throws(PersistenceError) {
            waits -= 1
            if waits < 0 { throw PersistenceError("fdatasync", errno: EIO) }
            inner.persist()
        }
    }

    @Test func `After a failed wait nothing more is stored, and a new process goes on from what is there`() throws {
        let fixture = MirrorFixture()
        let inner = media(fixture, tier: .t3)
        let failing = FailingMedia(inner, waits: 3)
        let mirror = try fixture.create(on: Region(on: failing).whole)
        try fixture.commit(1, to: mirror)
        for _ in 0..<2 {
            let error = #expect(throws: MirrorError.self) { try fixture.commit(2, to: mirror) }
            #expect(error?.code == .media && error?.cause?.code == .notDurable)
        }
        failing.waits = 100
        let image = inner.imageAfterKill
        #expect(throws: MirrorError.self) { try fixture.commit(3, to: mirror) }
        #expect(inner.imageAfterKill == image && Array(inner.bytes) == image)
        #expect((1...2).contains(try fixture.recover(Region(on: inner).whole).recovery.progress.iteration))
    }

    @Test func `A mirror that cannot be made durable is not resumed from`() throws {
        let fixture = MirrorFixture()
        let inner = RecordingMedia(image: try fixture.image(commits: 2), tier: .t3)
        let mirror = try Mirror.open(on: Region(on: FailingMedia(inner, waits: 0)).whole, keys: fixture.keys)
        let arena = fixture.arena(7)
        let error = #expect(throws: MirrorError.self) { try mirror.mirrorIn(to: arena) }
        #expect(error?.code == .media)
        #expect(arena.bytes.allSatisfy { $0 == 0 })
    }

    @Test func `An arena that nothing was found for is wiped`() throws {
        let fixture = MirrorFixture()
        var image = try fixture.image(commits: 2)
        // The last byte of the last chunk: everything before it opens.
        image[fixture.chunks(of: .a).upperBound - 1] ^= 1
        let mirror = try Mirror.open(on: Region(on: RecordingMedia(image: image, tier: .t3)).whole, keys: fixture.keys)
        let arena = fixture.arena(7)
        #expect(throws: MirrorError.self) { try mirror.mirrorIn(to: arena) }
        #expect(arena.bytes.allSatisfy { $0 == 0 })
    }

    // MARK: A neighbour that stores to the mapping

    @Test func `What somebody stores to the slot during a commit does not get a tag`() throws {
        // The slot is shared memory. If the cipher read its own output back to authenticate it, a byte changed in between would be
        // authenticated as changed. So the tag must be that of the true ciphertext, whatever the memory holds by then.
        let count = 1 << 20
        let key = SealingKey(SecretBytes([UInt8](repeating: 1, count: 32)), cipher: .aes256GCM)
        let (plaintext, shared, alone) = (
            PrivateMemory(byteCount: count), PrivateMemory(byteCount: count), PrivateMemory(byteCount: count)
        )
        func seal(_ output: PrivateMemory) -> PliniusSealing.Tag {
            key.seal(
                UnsafeRawBufferPointer(plaintext.bytes), into: output.bytes, nonce: Nonce(stream: 0, counter: 1),
                authenticating: [1, 2, 3])
        }
        let expected = seal(alone)
        final class Neighbour: Sendable {
            let isWanted = Atomic(true)
            let hasLeft = Semaphore()
        }
        let neighbour = Neighbour()
        startThread {
            while neighbour.isWanted.load(ordering: .relaxed) {
                explicit_bzero(shared.bytes.baseAddress!, count)
            }
            neighbour.hasLeft.signal()
        }
        var disturbed = 0
        for _ in 0..<300 {
            #expect(seal(shared) == expected)
            if memcmp(shared.bytes.baseAddress!, alone.bytes.baseAddress!, count) != 0 { disturbed += 1 }
        }
        neighbour.isWanted.store(false, ordering: .relaxed)
        neighbour.hasLeft.wait()
        #expect(disturbed > 0, "the neighbour never met the cipher at work")
    }

    // MARK: Misuse

    @Test func `Mirroring out before mirroring in traps`() async {
        await #expect(processExitsWith: .failure) {
            let fixture = MirrorFixture()
            let pool = Region(on: RecordingMedia(image: try fixture.image(commits: 1), tier: .t0)).whole
            try fixture.commit(2, to: try Mirror.open(on: pool, keys: fixture.keys))
        }
    }

    @Test func `An arena of another length traps`() async {
        await #expect(processExitsWith: .failure) {
            let fixture = MirrorFixture()
            let pool = Region(on: RecordingMedia(image: try fixture.image(commits: 1), tier: .t0)).whole
            _ = try Mirror.open(on: pool, keys: fixture.keys).mirrorIn(to: PrivateMemory(byteCount: 161))
        }
    }
}
