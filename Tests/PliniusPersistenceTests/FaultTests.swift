import Glibc
import PliniusPersistence
import PliniusPoolTools
import Testing
import _PliniusTestSupport

/// What a machine can do to a pool besides crashing.
///
/// The library stores through its mapping and never by write(2), so no write of it can be short; what it asks of the kernel is reserving,
/// mapping and synchronising.
@Suite(.serialized) struct FaultTests {
    private static let heapBytes = 64 << 10
    private static let storm = Program(name: "pool-storm")

    private static func count(_ pool: borrowing Pool) throws -> Int? {
        try pool.read { (view: borrowing Snapshot) throws in try view.root("counter", as: Int.self).map { view[$0] } }
    }

    private static func increment(_ pool: borrowing Pool) throws {
        try pool.transaction { (tx: inout Transaction) throws in
            if let counter = try tx.root("counter", as: Int.self) {
                tx[counter] += 1
            } else {
                try tx.setRoot("counter", try tx.allocate(1))
            }
            // More than one line, so that a half-done commit shows.
            let value = tx[try #require(try tx.root("counter", as: Int.self))]
            let row = try tx.arrayRoot("row", of: Int.self)
            let words = if let row { row } else { try tx.allocateArray(of: Int.self, count: 100) }
            if row == nil { try tx.setRoot("row", words) }
            for index in stride(from: 0, to: 100, by: 9) { tx[words, index] = value }
        }
    }

    // MARK: A device that fails

    @Test(arguments: CommitKind.allCases, [Tier.t0, .t3])
    func `After a wait that failed nothing is done any more, and what was acknowledged is there`(
        kind: CommitKind, tier: Tier
    ) throws {
        for failing in 1...24 {
            let size = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 0, commit: kind)
            let inner = RecordingMedia(
                image: [UInt8](repeating: 0, count: size), tier: tier, lineBytes: tier == .t0 ? 64 : 4096)
            do { _ = try Pool.create(on: inner, heapBytes: Self.heapBytes, commit: kind) }
            let media = FailingMedia(inner)
            let pool = try Pool.open(on: media)
            media.waitsLeft = failing
            var acknowledged = 0
            for attempt in 0..<30 {
                do {
                    try Self.increment(pool)
                    #expect(media.waitsLeft >= 0, "a transaction was acknowledged after the device had failed")
                    acknowledged += 1
                } catch let error as TransactionError<any Error> {
                    guard case .failed(let why) = error else { throw error }
                    #expect(why.code == .notDurable && media.waitsLeft < 0, "\(attempt)")
                }
            }
            #expect(media.waitsLeft == -1, "the device was asked again after it had failed")
            let refusal = #expect(throws: TransactionError<any Error>.self) { try Self.count(pool) }
            if case .failed(let why)? = refusal {
                #expect(why.code == .notDurable)
            } else {
                Issue.record("readers are not refused")
            }

            // The failed transaction may have become durable: the kernel does not tell.
            func examine(_ image: [UInt8]) {
                let plain = RecordingMedia(image: image, tier: tier)
                do {
                    let found = try Pool.open(on: plain)
                    let count = try Self.count(found) ?? 0
                    #expect(count == acknowledged || count == acknowledged + 1, "\(kind), wait \(failing)")
                    try found.read { (view: borrowing Snapshot) throws in
                        guard let row = try view.arrayRoot("row", of: Int.self) else { return }
                        for index in stride(from: 0, to: 100, by: 9) { #expect(view[row, index] == count) }
                    }
                    try Self.increment(found)
                } catch {
                    Issue.record("\(kind), wait \(failing): \(error)")
                }
            }
            examine(inner.imageAfterKill)
            inner.forEachImageAfterPowerLoss(limit: 24, seed: UInt64(failing)) { examine($0) }
        }
    }

    /// A library that makes the C library's calls fail; `nil` where there is no C compiler.
    private static let faultLibrary: String? = {
        let source = """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/stat.h>
            #include <sys/syscall.h>
            #include <sys/uio.h>
            #include <unistd.h>
            static int calls, reservations, shortened, writesToFiles;
            static int setting(const char *name) { const char *text = getenv(name); return text ? atoi(text) : 0; }
            int fdatasync(int descriptor) {
                int call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
                int failing = setting("FAULT_EIO_FROM");
                if (failing && call >= failing) { errno = EIO; return -1; }
                if (setting("FAULT_EINTR") && call % 3) { errno = EINTR; return -1; }
                return syscall(SYS_fdatasync, descriptor);
            }
            int posix_fallocate(int descriptor, off_t start, off_t count) {
                if (setting("FAULT_EINTR") && ++reservations % 3) return EINTR;
                int (*real)(int, off_t, off_t) = dlsym(RTLD_NEXT, "posix_fallocate");
                return real(descriptor, start, count);
            }
            static size_t shorter(int descriptor, size_t count) {
                struct stat status;
                if (descriptor > 2 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
                    __atomic_add_fetch(&writesToFiles, 1, __ATOMIC_SEQ_CST);
                if (!setting("FAULT_SHORT_WRITES") || count < 2) return count;
                __atomic_add_fetch(&shortened, 1, __ATOMIC_SEQ_CST);
                return count / 2;
            }
            ssize_t write(int descriptor, const void *bytes, size_t count) {
                return syscall(SYS_write, descriptor, bytes, shorter(descriptor, count));
            }
            ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t start) {
                return syscall(SYS_pwrite64, descriptor, bytes, shorter(descriptor, count), start);
            }
            ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t start) {
                return pwrite(descriptor, bytes, count, start);
            }
            ssize_t writev(int descriptor, const struct iovec *parts, int count) {
                return syscall(SYS_writev, descriptor, parts, shorter(descriptor, count));
            }
            ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t start) {
                return syscall(SYS_pwritev, descriptor, parts, shorter(descriptor, count), start, 0);
            }
            __attribute__((destructor)) static void tell(void) {
                if (!setting("FAULT_SHORT_WRITES")) return;
                char text[80];
                int size = snprintf(text, sizeof text, "%d shortened, %d to files\\n", shortened, writesToFiles);
                syscall(SYS_write, 2, text, size);
            }
            """
        guard let folder = try? TemporaryDirectory(), let path = try? folder.write(source, to: "fault.c") else {
            return nil
        }
        let command = "cc -shared -fPIC -o \(folder("fault.so")) \(path) -ldl 2>/dev/null"
        return system(command) == 0 ? folder("fault.so") : nil
    }()

    @Test(arguments: CommitKind.allCases, [1, 2, 3, 10, 50])
    func `A disk that fails ends the program, and loses nothing that was acknowledged`(kind: CommitKind, call: Int)
        throws
    {
        guard let library = Self.faultLibrary else { return }
        let folder = try TemporaryDirectory(in: "/var/tmp")
        defer { folder.remove() }
        let pool = folder("pool")
        try #require(try Self.storm.run(["create", pool, "--commit", "\(kind)"]).succeeded)
        guard try PoolReport(path: pool).tier == .t3 else { return }
        let ended = try Self.storm.run(
            ["run", pool, "--threads", "3"], environment: ["LD_PRELOAD": library, "FAULT_EIO_FROM": "\(call)"])
        #expect(ended.status == .exited(1))
        #expect(ended.errors.contains("fdatasync"), "\(ended.errors)")
        try folder.write(ended.output, to: "said")
        let verified = try Self.storm.run(["verify", pool, "--acknowledged", folder("said")])
        #expect(verified.succeeded, "\(verified.errors)")
    }

    @Test(arguments: CommitKind.allCases)
    func `Interrupted calls are made again`(kind: CommitKind) throws {
        guard let library = Self.faultLibrary else { return }
        let folder = try TemporaryDirectory(in: "/var/tmp")
        defer { folder.remove() }
        let (pool, faults) = (folder("pool"), ["LD_PRELOAD": library, "FAULT_EINTR": "1"])
        #expect(try Self.storm.run(["create", pool, "--commit", "\(kind)"], environment: faults).succeeded)
        let ended = try Self.storm.run(["run", pool, "--threads", "2", "--transactions", "10"], environment: faults)
        #expect(ended.succeeded, "\(ended.errors)")
        try folder.write(ended.output, to: "said")
        #expect(try Self.storm.run(["verify", pool, "--acknowledged", folder("said")]).succeeded)
    }

    @Test(arguments: CommitKind.allCases)
    func `Writes that come up short harm no pool, because none is written by them`(kind: CommitKind) throws {
        guard let library = Self.faultLibrary else { return }
        let folder = try TemporaryDirectory(in: "/var/tmp")
        defer { folder.remove() }
        let (pool, faults) = (folder("pool"), ["LD_PRELOAD": library, "FAULT_SHORT_WRITES": "1"])
        let created = try Self.storm.run(["create", pool, "--commit", "\(kind)"], environment: faults)
        #expect(created.succeeded && created.errors.hasSuffix(", 0 to files\n"), "\(created.errors)")
        let ended = try Self.storm.run(["run", pool, "--threads", "2", "--transactions", "200"], environment: faults)
        #expect(ended.succeeded && ended.errors.hasSuffix(" shortened, 0 to files\n"), "\(ended.errors)")
        // What the program says goes through write(2), in halves: the fault is there.
        let shortened = try #require(ended.errors.split(separator: " ").first.flatMap { Int($0) })
        #expect(shortened > 0 && ended.output.hasSuffix("\n"), "\(ended.errors)")
        try folder.write(ended.output, to: "said")
        #expect(try Self.storm.run(["verify", pool, "--acknowledged", folder("said")]).succeeded)
    }

    // MARK: A file that others change

    @Test(arguments: CommitKind.allCases)
    func `A file that is cut off under a program ends it, and no start afterwards takes the rest for the whole`(
        kind: CommitKind
    ) throws {
        for cut in [8192, 20_480, 100_000, 300_000] {
            let folder = try TemporaryDirectory(in: "/dev/shm")
            defer { folder.remove() }
            let pool = folder("pool")
            try #require(try Self.storm.run(["create", pool, "--commit", "\(kind)"]).succeeded)
            let size = try folder.read("pool").count
            let running = try Self.storm.start(["run", pool, "--threads", "3"])
            while running.outputSoFar.count < 1000 { usleep(1000) }
            try #require(truncate(pool, off_t(cut)) == 0)
            let ended = try running.wait()
            #expect(ended.status == .signalled(SIGBUS), "\(cut): \(ended.errors)")
            let report = try PoolReport(path: pool)
            #expect(
                report.findings.contains { $0.contains("cut off") || $0.contains("the headers") }, "\(report.findings)")
            #expect(throws: PersistenceError.self) { _ = try Pool.open(path: pool) }
            #expect(throws: PersistenceError.self) { try PoolRepair.repair(path: pool, isDryRun: false) }

            // The length comes back, the bytes do not: they are zeros without blocks.
            try #require(truncate(pool, off_t(size)) == 0)
            let restored = try PoolReport(path: pool)
            #expect(!restored.isSound || !restored.notes.isEmpty, "\(cut)")
            if cut < 100_000 { #expect(!restored.isSound, "\(cut)") }
        }
    }

    @Test func `A sparse copy on a full file system is refused, and opens when there is room`() throws {
        let folder = try TemporaryDirectory()
        // Only root may mount.
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=1200k") == 0 else { return }
        defer { umount2(folder.path, CInt(MNT_DETACH)) }
        let size = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 400 << 10)
        do { try Self.increment(Pool.create(path: folder("pool"), byteCount: size, heapBytes: Self.heapBytes)) }
        let used = Pool.byteCount(heapBytes: Self.heapBytes, extentBytes: 0)
        try folder.write(try folder.read("pool")[..<used], to: "copy")
        try #require(truncate(folder("copy"), off_t(size)) == 0)
        try folder.write([UInt8](repeating: 1, count: 300 << 10), to: "other")
        let error = #expect(throws: PersistenceError.self) { _ = try Pool.open(path: folder("copy")) }
        #expect(error?.code == .noSpace)
        unlink(folder("other"))
        unlink(folder("pool"))
        let pool = try Pool.open(path: folder("copy"))
        #expect(try Self.count(pool) == 1)
        try Self.increment(pool)
    }

    @Test func `A file system that becomes read-only refuses writers, and serves readers`() throws {
        let folder = try TemporaryDirectory(in: "/var/tmp")
        let path = folder("pool")
        do { try Self.increment(Pool.create(path: path, byteCount: 1 << 20, heapBytes: Self.heapBytes)) }
        let flags = UInt(MS_BIND | MS_REMOUNT | MS_RDONLY)
        guard mount(folder.path, folder.path, "", UInt(MS_BIND), nil) == 0, mount("", folder.path, "", flags, nil) == 0
        else {
            // Who may not mount may not write to a file without the permission either.
            chmod(path, 0o400)
            let error = #expect(throws: PersistenceError.self) { _ = try Pool.open(path: path) }
            #expect(error?.code == .readOnly)
            return
        }
        do {
            defer { umount2(folder.path, CInt(MNT_DETACH)) }
            let error = #expect(throws: PersistenceError.self) { _ = try Pool.open(path: path) }
            #expect(error?.code == .readOnly)
            let other = #expect(throws: PersistenceError.self) {
                _ = try Pool.create(path: folder("new"), byteCount: 1 << 20)
            }
            #expect(other?.code == .readOnly)
            #expect(try Self.count(Pool.open(path: path, access: .readOnly)) == 1)
            #expect(try PoolReport(path: path).isSound)
        }
        let pool = try Pool.open(path: path)
        try Self.increment(pool)
        #expect(try Self.count(pool) == 2)
    }

    @Test func `A limit on file sizes stops a growth, and nothing else`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let descriptor = ScratchFile.unnamed()
            var pool = try Pool.create(descriptor: descriptor, byteCount: 1 << 20, heapBytes: 64 << 10)
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 2 << 20, rlim_max: 2 << 20)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            do {
                try pool.grow(toByteCount: 4 << 20)
                exit(1)
            } catch let error as PersistenceError {
                guard error.code == .tooLarge, pool.byteCount == 1 << 20, lseek(descriptor, 0, SEEK_END) == 1 << 20
                else { exit(2) }
            }
            try pool.transaction { (tx: inout Transaction) throws in try tx.setRoot("after", try tx.allocate(1)) }
            try pool.grow(toByteCount: 2 << 20)
            exit(pool.byteCount == 2 << 20 ? 42 : 3)
        }
    }
}

/// A recording medium whose waits fail from some call on.
private final class FailingMedia: PersistentMedia, @unchecked Sendable {
    private let inner: RecordingMedia
    /// Below zero once one has failed.
    var waitsLeft = Int.max

    init(_ inner: RecordingMedia) { self.inner = inner }

    var tier: Tier { inner.tier }
    var isWritable: Bool { true }
    var bootID: BootID { inner.bootID }
    var bytes: UnsafeMutableRawBufferPointer { inner.bytes }
    func copy(_ source: UnsafeRawBufferPointer, to offset: Int) { inner.copy(source, to: offset) }
    func store(_ word: UInt64, at offset: Int) { inner.store(word, at: offset) }
    func writeBack(_ range: Range<Int>) { inner.writeBack(range) }
    func persist() throws(PersistenceError) {
        waitsLeft -= 1
        if waitsLeft < 0 { throw PersistenceError("The pool's data cannot be made durable (fdatasync)", errno: EIO) }
        inner.persist()
    }
}
