import Glibc
import PliniusPersistence
import PliniusPoolTools
import Testing
import _PliniusTestSupport

@Suite struct GrowthTests {
    private static let heapBytes = 64 << 10
    private static let oldBytes = 4 * 4096
    private static let newBytes = 12 * 4096

    private static func byteCount(_ kind: CommitKind, extents: Int) -> Int {
        Pool.byteCount(heapBytes: heapBytes, extentBytes: extents, commit: kind)
    }

    /// Puts a marked extent and a counter into a pool.
    private static func fill(_ pool: borrowing Pool) throws {
        try pool.transaction { (tx: inout Transaction) throws in
            let extent = try tx.allocateExtent(byteCount: oldBytes)
            extent.store(77, at: oldBytes - 8)
            try extent.persist()
            try tx.setRoot("extent", extent)
            try tx.setRoot("counter", try tx.allocate(5))
        }
    }

    /// What a pool that was filled holds, whatever became of it since.
    private static func check(_ pool: borrowing Pool) throws {
        #expect(pool.check().findings == [])
        try pool.read { (view: borrowing Snapshot) throws in
            #expect(try view.root("counter", as: Int.self).map { view[$0] } == 5)
            let extent = try #require(try view.extentRoot("extent"))
            #expect(extent.byteCount == oldBytes && extent.load(at: oldBytes - 8) == 77)
        }
    }

    @Test(arguments: CommitKind.allCases, ["/dev/shm", "/var/tmp"])
    func `A pool grows under extents in use, and has room for larger ones`(kind: CommitKind, place: String) throws {
        let file = try ScratchFile(in: place)
        do {
            var pool = try Pool.create(
                descriptor: file.descriptor, byteCount: Self.byteCount(kind, extents: Self.oldBytes),
                heapBytes: Self.heapBytes, commit: kind)
            try Self.fill(pool)
            let held = try #require(try pool.read { view throws(PersistenceError) in try view.extentRoot("extent") })
            let size = Self.byteCount(kind, extents: Self.newBytes)
            try pool.grow(toByteCount: size - 100)
            let grown = pool.byteCount
            #expect(grown == size)
            #expect(Int(file.status.st_size) == size)
            // The extent that was lent before names the same bytes.
            #expect(held.load(at: Self.oldBytes - 8) == 77)
            held.store(78, at: 0)
            try pool.transaction { (tx: inout Transaction) throws in
                let extent = try tx.allocateExtent(byteCount: Self.newBytes - Self.oldBytes)
                extent.store(99, at: extent.byteCount - 8)
                try extent.persist()
                try tx.setRoot("new", extent)
            }
            try Self.check(pool)
            let error = #expect(throws: PersistenceError.self) { try pool.grow(toByteCount: size) }
            #expect(error?.code == .cannotGrow)
        }
        let pool = try Pool.open(descriptor: file.descriptor)
        try Self.check(pool)
        try pool.read { (view: borrowing Snapshot) throws in
            #expect(try view.extentRoot("extent")?.load(at: 0) == 78)
            let extent = try #require(try view.extentRoot("new"))
            #expect(extent.byteCount == Self.newBytes - Self.oldBytes && extent.load(at: extent.byteCount - 8) == 99)
        }
    }

    @Test(arguments: CommitKind.allCases)
    func `A crash in a growth leaves the old size or the new one, and everything in the pool`(kind: CommitKind) throws {
        let (oldSize, newSize) = (
            Self.byteCount(kind, extents: Self.oldBytes), Self.byteCount(kind, extents: Self.newBytes)
        )
        let inner = RecordingMedia(image: [UInt8](repeating: 0, count: newSize), tier: .t0)
        let media = GrowingMedia(inner, byteCount: oldSize)
        var pool = try Pool.create(on: media, heapBytes: Self.heapBytes, commit: kind)
        try Self.fill(pool)
        var sizes: [Int: Int] = [:]
        var problem: (any Error)?
        func examine(_ image: [UInt8]) {
            do {
                var found = try Pool.open(on: RecordingMedia(image: image, tier: .t0))
                sizes[found.byteCount, default: 0] += 1
                try Self.check(found)
                // What was cut off can be done again, and then there is room.
                if found.byteCount == oldSize { try found.grow(toByteCount: newSize) }
                try found.transaction { (tx: inout Transaction) throws in
                    _ = try tx.allocateExtent(byteCount: Self.newBytes - Self.oldBytes)
                }
            } catch { problem = problem ?? error }
        }
        // Before the medium has grown, nothing may say that it has.
        media.beforeGrowth = {
            inner.forEachImageAfterPowerLoss(limit: 256, seed: 1) { examine($0) }
            #expect(Set(sizes.keys) == [oldSize])
        }
        inner.onStep = {
            inner.forEachImageAfterPowerLoss(limit: 24, seed: 2, changing: inner.lastLine, tears: true) { examine($0) }
        }
        inner.onWait = { inner.forEachImageAfterPowerLoss(limit: 256, seed: 3, tears: true) { examine($0) } }
        try pool.grow(toByteCount: newSize)
        (inner.onStep, inner.onWait) = (nil, nil)
        if let problem { throw problem }
        #expect(sizes[oldSize, default: 0] > 10 && sizes[newSize, default: 0] >= 1, "\(sizes)")
        // Once it has returned, no crash brings the old size back.
        sizes = [:]
        inner.forEachImageAfterPowerLoss(limit: 256, seed: 4) { examine($0) }
        #expect(Set(sizes.keys) == [newSize])
        if let problem { throw problem }
    }

    @Test(arguments: CommitKind.allCases)
    func `What a growth left behind the end is cut off by a repair, or used by the next growth`(kind: CommitKind) throws
    {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = folder("pool")
        let (oldSize, newSize) = (
            Self.byteCount(kind, extents: Self.oldBytes), Self.byteCount(kind, extents: Self.newBytes)
        )
        do { try Self.fill(Pool.create(path: path, byteCount: oldSize, heapBytes: Self.heapBytes, commit: kind)) }
        #expect(truncate(path, off_t(newSize)) == 0)
        do {
            let pool = try Pool.open(path: path)
            let grown = pool.byteCount
            #expect(grown == oldSize)
            try Self.check(pool)
        }
        let report = try PoolReport(path: path)
        #expect(report.isSound)
        #expect(report.repairs.contains(.cutFile(from: newSize, to: oldSize)))
        #expect(try PoolRepair.repair(path: path, isDryRun: true).done.contains(.cutFile(from: newSize, to: oldSize)))
        #expect(try PoolReport(path: path).fileBytes == newSize)
        #expect(try PoolRepair.repair(path: path, isDryRun: false).report.fileBytes == oldSize)
        #expect(try PoolReport(path: path).repairs == [])

        #expect(truncate(path, off_t(newSize)) == 0)
        do {
            var pool = try Pool.open(path: path)
            try pool.grow(toByteCount: newSize)
            try Self.check(pool)
        }
        #expect(try PoolReport(path: path).geometry?.byteCount == newSize)
        #expect(try PoolReport(path: path).repairs == [])
    }

    @Test func `A pool grows no further than there are addresses, and says so`() async throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        do {
            var pool = try Pool.create(path: folder("pool"), byteCount: 1 << 20, heapBytes: Self.heapBytes)
            let error = #expect(throws: PersistenceError.self) { try pool.grow(toByteCount: 65 << 30) }
            #expect(error?.code == .cannotGrow && error?.message.contains("Open it again") == true)
        }
        #expect(try PoolReport(path: folder("pool")).fileBytes == 1 << 20)
        await #expect(processExitsWith: .exitCode(42)) {
            // Where addresses are scarce a pool opens all the same.
            let descriptor = ScratchFile.unnamed()
            var limit = rlimit(rlim_cur: 32 << 30, rlim_max: 32 << 30)
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
            var pool = try Pool.create(descriptor: descriptor, byteCount: 1 << 20, heapBytes: 64 << 10)
            try pool.transaction { (tx: inout Transaction) throws in try tx.setRoot("one", try tx.allocate(1)) }
            do {
                try pool.grow(toByteCount: 2 << 20)
            } catch let error as PersistenceError {
                exit(error.code == .cannotGrow ? 42 : 1)
            }
            exit(2)
        }
    }

    @Test(arguments: CommitKind.allCases)
    func `A growth that finds no room leaves the pool as it was, and usable`(kind: CommitKind) throws {
        let folder = try TemporaryDirectory()
        // Only root may mount.
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=2m") == 0 else { return }
        defer { umount2(folder.path, CInt(MNT_DETACH)) }
        let size = Self.byteCount(kind, extents: Self.oldBytes)
        var pool = try Pool.create(path: folder("pool"), byteCount: size, heapBytes: Self.heapBytes, commit: kind)
        try Self.fill(pool)
        let error = #expect(throws: PersistenceError.self) { try pool.grow(toByteCount: 64 << 20) }
        #expect(error?.code == .noSpace)
        let grown = pool.byteCount
        #expect(grown == size)
        try Self.check(pool)
        try pool.transaction { (tx: inout Transaction) throws in try tx.setRoot("after", try tx.allocate(1)) }
        var status = stat()
        #expect(stat(folder("pool"), &status) == 0)
        #expect(Int(status.st_size) == size)
    }
}

/// Shows a part of a recording medium, and more of it when it grows.
private final class GrowingMedia: GrowableMedia, @unchecked Sendable {
    private let inner: RecordingMedia
    private var byteCount: Int
    var beforeGrowth: (() -> Void)?

    init(_ inner: RecordingMedia, byteCount: Int) {
        self.inner = inner
        self.byteCount = byteCount
    }

    var tier: Tier { inner.tier }
    var isWritable: Bool { true }
    var bootID: BootID { inner.bootID }
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: inner.bytes[..<byteCount]) }
    func copy(_ source: UnsafeRawBufferPointer, to offset: Int) { inner.copy(source, to: offset) }
    func store(_ word: UInt64, at offset: Int) { inner.store(word, at: offset) }
    func writeBack(_ range: Range<Int>) { inner.writeBack(range) }
    func persist() { inner.persist() }
    func grow(toByteCount byteCount: Int) {
        beforeGrowth?()
        self.byteCount = max(self.byteCount, byteCount)
    }
}
