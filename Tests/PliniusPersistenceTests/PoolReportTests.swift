import Glibc
import PliniusPersistence
import PliniusPoolTools
import Testing
import _PliniusTestSupport

@Suite struct PoolReportTests {
    private static let heapBytes = 64 << 10
    private static let extentBytes = 8 * 4096

    /// A pool with `count` transactions in it, closed.
    private func pool(
        _ kind: CommitKind, in folder: TemporaryDirectory, transactions count: Int = 3
    ) throws -> String {
        let path = folder("pool")
        let pool = try Pool.create(
            path: path,
            byteCount: Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: Self.extentBytes, commit: kind),
            heapBytes: Self.heapBytes, commit: kind, lock: false)
        try pool.transaction { (tx: inout Transaction) throws in
            try tx.setRoot("counter", try tx.allocate(0))
            try tx.setRoot("first", try tx.allocateExtent(byteCount: 4096))
            try tx.setRoot("last", try tx.allocateExtent(byteCount: Self.extentBytes - 4096))
        }
        for _ in 0..<count {
            try pool.transaction { (tx: inout Transaction) throws in
                let counter = try #require(try tx.root("counter", as: Int.self))
                tx[counter] += 1
            }
        }
        return path
    }

    private func counter(_ path: String) throws -> Int? {
        try Pool.open(path: path, access: .readOnly).read { (view: borrowing Snapshot) throws in
            try view.root("counter", as: Int.self).map { view[$0] }
        }
    }

    /// Changes bytes of a file.
    private func overwrite(_ path: String, at offset: Int, _ bytes: [UInt8]) {
        let descriptor = open(path, O_WRONLY)
        precondition(pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count)
        close(descriptor)
    }

    @Test(arguments: CommitKind.allCases)
    func `A sound pool is called sound, and not a byte of it changes`(kind: CommitKind) throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = try pool(kind, in: folder)
        let before = try folder.read("pool")
        let report = try PoolReport(path: path)
        #expect(report.findings == [])
        #expect(report.geometry?.commit == kind)
        #expect(report.geometry?.heapBytes == Self.heapBytes)
        #expect(report.geometry?.byteCount == before.count)
        #expect(report.roots.map(\.name) == ["counter", "first", "last"])
        #expect(report.roots.map(\.byteCount) == [8, 4096, UInt64(Self.extentBytes - 4096)])
        #expect(report.roots.allSatisfy { !$0.isLost })
        #expect(report.heap?.objects == 1 && report.heap?.extents == 2)
        // One record for each transaction, the allocator's first one too: the log is emptied only when somebody writes again.
        #expect(report.recordsToReplay == (kind == .redoLog ? 5 : 0))
        #expect(try folder.read("pool") == before)
    }

    @Test(arguments: CommitKind.allCases)
    func `A repair finishes what is unfinished, and nothing of the contents changes`(kind: CommitKind) throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = try pool(kind, in: folder)
        if kind == .twinCopies {
            // COPYING: back is behind main.
            overwrite(path, at: 8192, [2])
            #expect(try PoolReport(path: path).state == "copying")
        }
        let before = try folder.read("pool")
        let planned = try PoolRepair.repair(path: path, isDryRun: true).done
        #expect(planned.count == (kind == .flip ? 0 : 1))
        #expect(try folder.read("pool") == before)
        let (done, report) = try PoolRepair.repair(path: path, isDryRun: false)
        #expect(done == planned)
        #expect(report.isSound && report.repairs == [] && report.recordsToReplay == 0)
        #expect(try counter(path) == 3)
        #expect(try PoolRepair.repair(path: path, isDryRun: false).done == [])
    }

    @Test func `A damaged header loses no transaction: its epoch is told from the log`() throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = try pool(.redoLog, in: folder)
        // Two openings and more transactions: two copies of the header, and a log of the second epoch or later.
        for _ in 0..<2 {
            let pool = try Pool.open(path: path)
            try pool.transaction { (tx: inout Transaction) throws in
                let counter = try #require(try tx.root("counter", as: Int.self))
                tx[counter] += 1
            }
        }
        let whole = try folder.read("pool")
        for copy in [0, 4096] {
            for byte in [0, 9, 40, 505] {
                try folder.write(whole, to: "pool")
                overwrite(path, at: copy + byte, [whole[copy + byte] ^ 0x40])
                #expect(try counter(path) == 5, "copy at \(copy), byte \(byte)")
                let (done, report) = try PoolRepair.repair(path: path, isDryRun: false)
                #expect(done.contains(.rewriteHeader(copy: copy / 4096)))
                #expect(
                    report.repairs == [] && report.headers.allSatisfy { $0.hasPrefix("sound") }, "\(report.headers)")
                #expect(try counter(path) == 5)
                // Opened for writing straight away, it is as whole.
                try folder.write(whole, to: "pool")
                overwrite(path, at: copy + byte, [whole[copy + byte] ^ 0x40])
                do { _ = try Pool.open(path: path) }
                #expect(try counter(path) == 5)
            }
        }
    }

    @Test(arguments: CommitKind.allCases)
    func `A file that was cut off is refused, with the names of what is lost`(kind: CommitKind) throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = try pool(kind, in: folder)
        let whole = try folder.read("pool")
        let heapEnd = whole.count - Self.extentBytes
        for (size, lost) in [
            (whole.count - 1, ["last"]), (heapEnd + 4096, ["last"]), (heapEnd + 4095, ["first", "last"]),
            (heapEnd, ["first", "last"]),
        ] {
            try folder.write(whole, to: "pool")
            #expect(truncate(path, off_t(size)) == 0)
            let report = try PoolReport(path: path)
            #expect(report.roots.filter(\.isLost).map(\.name) == lost, "\(size)")
            #expect(report.findings.count == 1 + lost.count, "\(report.findings)")
            let refusal = #expect(throws: PersistenceError.self) { try PoolRepair.repair(path: path, isDryRun: false) }
            for name in lost { #expect(refusal?.message.contains("\"\(name)\" is lost") == true) }
            let error = #expect(throws: PersistenceError.self) { _ = try Pool.open(path: path) }
            #expect(error?.code == .truncated)
            #expect(Int(try folder.read("pool").count) == size)
        }
        for size in [heapEnd - 1, 20_000, 16_383, 8192, 4096] {
            #expect(truncate(path, off_t(size)) == 0)
            #expect(try !PoolReport(path: path).isSound)
        }
    }

    @Test func `Twins that differ at rest are found`() throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = try pool(.twinCopies, in: folder)
        overwrite(path, at: 16384 + Self.heapBytes - 1, [1])
        let report = try PoolReport(path: path)
        #expect(report.findings.count == 1 && report.findings[0].contains("differ"), "\(report.findings)")
    }

    @Test(arguments: CommitKind.allCases)
    func `No damage makes a report trap`(kind: CommitKind) throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = try pool(kind, in: folder)
        let whole = try folder.read("pool")
        var random = SeededRandom(seed: 11)
        var sound = 0
        for _ in 0..<300 {
            try folder.write(whole, to: "pool")
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                // Where structure is: headers, state, log, and the first pages of the images.
                let place =
                    [0..<64, 4096..<4160, 8192..<8200, 16384..<20480, whole.indices].randomElement(using: &random)
                    ?? whole.indices
                overwrite(path, at: Int.random(in: place, using: &random), [UInt8.random(in: 0...255, using: &random)])
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                truncate(path, off_t(Int.random(in: 4096...whole.count, using: &random)))
            }
            let report = try PoolReport(path: path)
            sound += report.isSound ? 1 : 0
            // What is called sound opens, and what opens is called sound, twins that differ apart.
            let opens = (try? Pool.open(path: path, access: .readOnly).isWritable) != nil
            #expect(!report.isSound || opens)
            #expect(
                report.isSound || !opens || report.findings.contains { $0.contains("differ") || $0.contains("tell of") }
            )
        }
        #expect(sound > 0 && sound < 300)
    }

    // MARK: Paths

    @Test func `A new pool has its name only when it is whole, and never takes another's`() throws {
        let folder = try TemporaryDirectory()
        try folder.write("precious", to: "pool")
        let error = #expect(throws: PersistenceError.self) {
            _ = try Pool.create(path: folder("pool"), byteCount: 2 << 20)
        }
        #expect(error?.code == .notEmpty)
        #expect(try folder.read("pool") == Array("precious".utf8))
        #expect(throws: PersistenceError.self) { _ = try Pool.create(path: folder("small"), byteCount: 4096) }
        #expect(try folder.names() == ["pool"])
        do { _ = try Pool.create(path: folder("new"), byteCount: 2 << 20) }
        #expect(try PoolReport(path: folder("new")).isSound)
    }

    @Test func `One process at a time has a pool open for writing`() throws {
        let folder = try TemporaryDirectory()
        do {
            let pool = try Pool.create(path: folder("pool"), byteCount: 2 << 20)
            let error = #expect(throws: PersistenceError.self) {
                _ = try Pool.open(path: folder("pool"), access: .readOnly)
            }
            #expect(error?.code == .inUse)
            #expect(error?.message.contains(folder("pool")) == true)
            let isWritable = pool.isWritable
            #expect(isWritable)
        }
        let reader = try Pool.open(path: folder("pool"), access: .readOnly)
        let other = try Pool.open(path: folder("pool"), access: .readOnly)
        #expect(throws: PersistenceError.self) { _ = try Pool.open(path: folder("pool")) }
        let isUnlocked = try Pool.open(path: folder("pool"), lock: false).isWritable
        #expect(isUnlocked)
        let areReading = !reader.isWritable && !other.isWritable
        #expect(areReading)
    }

    @Test func `A pool opens under another name, and at another address`() throws {
        let folder = try TemporaryDirectory(in: "/dev/shm")
        let path = try pool(.redoLog, in: folder)
        try folder.write(try folder.read("pool"), to: "copy")
        // Both at once: no two mappings have one address.
        let first = try Pool.open(path: path)
        let second = try Pool.open(path: folder("copy"))
        for _ in 0..<2 {
            try second.transaction { (tx: inout Transaction) throws in
                let counter = try #require(try tx.root("counter", as: Int.self))
                tx[counter] += 10
            }
        }
        func value(_ pool: borrowing Pool) throws -> Int? {
            try pool.read { (view: borrowing Snapshot) throws in try view.root("counter", as: Int.self).map { view[$0] }
            }
        }
        #expect(try value(first) == 3)
        #expect(try value(second) == 23)
    }
}
