import Glibc
import PliniusPersistence
import Testing
import _PliniusTestSupport

@Suite struct RegionTests {
    @Test(arguments: ["/dev/shm", "/var/tmp"])
    func `What was stored and persisted is in the file for the next process`(place: String) throws {
        let file = try ScratchFile(in: place)
        do {
            let pool = try Region.create(descriptor: file.descriptor, byteCount: 8192)
            let bytes = (0..<100).map { UInt8($0) }
            bytes.withUnsafeBytes { pool.copy($0, to: 4000) }
            pool.store(0x0123_4567_89AB_CDEF, at: 8184)
            [UInt8]([7, 8, 9]).withUnsafeBytes { pool.copy($0, to: 0) }
            try pool.persist()
        }
        var content = [UInt8](repeating: 0, count: 9000)
        #expect(pread(file.descriptor, &content, 9000, 0) == 8192)
        #expect(content[0..<4] == [7, 8, 9, 0])
        #expect(content[4000..<4100] == ArraySlice((0..<100).map { UInt8($0) }))
        #expect(content[8184..<8192] == [0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01])

        let again = try Region.open(descriptor: file.descriptor, access: .readOnly)
        #expect(again.byteCount == 8192)
        #expect(again.read(4090..<4092) == [90, 91])
        #expect(again.load(at: 8184) == 0x0123_4567_89AB_CDEF)
    }

    @Test func `Persisting leaves no page for the kernel to write later`() throws {
        let file = try ScratchFile(in: "/var/tmp")
        let pool = try Region.create(descriptor: file.descriptor, byteCount: 1 << 16)
        guard pool.tier == .t3 else { return }
        /// The pages that this process has changed since the kernel wrote them last, in KiB.
        func dirty() throws -> Int {
            let lines = try kernelText("/proc/self/smaps").split(separator: "\n")
            let mine = try #require(lines.firstIndex { $0.hasSuffix(file.path) })
            return lines[mine...].prefix(24).filter { $0.hasPrefix("Private_Dirty:") }
                .compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }.reduce(0, +)
        }
        let page = [UInt8](repeating: 1, count: 4096)
        for index in 0..<16 { page.withUnsafeBytes { pool.copy($0, to: 4096 * index) } }
        #expect(try dirty() == 64)
        try pool.persist()
        #expect(try dirty() == 0)
    }

    @Test func `A new pool has a block under every byte`() throws {
        for place in ["/dev/shm", "/var/tmp"] {
            let file = try ScratchFile(in: place)
            _ = try Region.create(descriptor: file.descriptor, byteCount: 1 << 20)
            #expect(file.status.st_size == 1 << 20)
            #expect(Int(file.status.st_blocks) * 512 >= 1 << 20)
        }
    }

    @Test func `Opening a sparse copy fills its holes and keeps its bytes`() throws {
        // Not in memory: there, mapping the file fills the holes by itself.
        let file = try ScratchFile(in: "/var/tmp")
        #expect(ftruncate(file.descriptor, 1 << 20) == 0)
        #expect(pwrite(file.descriptor, [5], 1, 70_000) == 1)
        #expect(Int(file.status.st_blocks) * 512 < 1 << 20)
        let pool = try Region.open(descriptor: file.descriptor)
        #expect(Int(file.status.st_blocks) * 512 >= 1 << 20)
        #expect(pool.read(69_999..<70_002) == [0, 5, 0])
    }

    @Test func `A lock on the caller's descriptor holds as long as the pool lives`() throws {
        let file = try ScratchFile()
        let other = file.reopen(O_RDWR)
        defer { close(other) }
        #expect(flock(file.descriptor, LOCK_EX | LOCK_NB) == 0)
        var pool: Region? = try Region.create(descriptor: file.descriptor, byteCount: 4096)
        file.closeNow()
        #expect(flock(other, LOCK_EX | LOCK_NB) == -1)
        #expect(pool?.byteCount == 4096)
        pool = nil
        #expect(flock(other, LOCK_EX | LOCK_NB) == 0)
    }

    // MARK: Refusals

    @Test func `A file that holds something is never made into a pool`() throws {
        let file = try ScratchFile()
        #expect(write(file.descriptor, "precious", 8) == 8)
        let error = #expect(throws: PersistenceError.self) {
            try Region.create(descriptor: file.descriptor, byteCount: 4096)
        }
        #expect(error?.code == .notEmpty)
        #expect(file.status.st_size == 8)
    }

    @Test func `A descriptor that cannot write is refused, unless reading is all that is asked`() throws {
        let file = try ScratchFile()
        let reader = file.reopen(O_RDONLY)
        let writer = file.reopen(O_WRONLY)
        defer {
            close(reader)
            close(writer)
        }
        for descriptor in [reader, writer] {
            let error = #expect(throws: PersistenceError.self) {
                try Region.create(descriptor: descriptor, byteCount: 4096)
            }
            #expect(error?.code == .readOnly)
        }
        #expect(file.status.st_size == 0)
        _ = try Region.create(descriptor: file.descriptor, byteCount: 4096)
        #expect(throws: PersistenceError.self) { try Region.open(descriptor: reader) }
        #expect(throws: PersistenceError.self) { try Region.open(descriptor: writer, access: .readOnly) }
        #expect(try Region.open(descriptor: reader, access: .readOnly).isWritable == false)
    }

    @Test(arguments: [0, 1, 4095])
    func `A file shorter than a page is too small`(byteCount: Int) throws {
        let file = try ScratchFile()
        #expect(ftruncate(file.descriptor, off_t(byteCount)) == 0)
        let error = #expect(throws: PersistenceError.self) { try Region.open(descriptor: file.descriptor) }
        #expect(error?.code == .tooSmall)
        #expect(error?.message.contains("\(byteCount) bytes") == true)
    }

    @Test func `Folders, pipes and closed descriptors are refused`() throws {
        var pipe: [CInt] = [0, 0]
        #expect(Glibc.pipe(&pipe) == 0)
        let folder = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { (pipe + [folder]).forEach { close($0) } }
        for descriptor in [pipe[0], folder] {
            let error = #expect(throws: PersistenceError.self) { try Region.open(descriptor: descriptor) }
            #expect(error?.code == .notARegularFile)
        }
        #expect(throws: PersistenceError.self) { try Region.open(descriptor: 1_000_000) }
    }

    @Test func `A full file system is named, and the file is empty again`() throws {
        let folder = try TemporaryDirectory()
        // Only root may mount; elsewhere the limit on file sizes stands in (see below).
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=256k") == 0 else { return }
        defer { umount2(folder.path, CInt(MNT_DETACH)) }
        let descriptor = open(folder("pool"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let error = #expect(throws: PersistenceError.self) {
            try Region.create(descriptor: descriptor, byteCount: 1 << 20)
        }
        #expect(error?.code == .noSpace)
        var status = stat()
        #expect(fstat(descriptor, &status) == 0)
        #expect(status.st_size == 0)
        #expect(status.st_blocks == 0)
        #expect(try Region.create(descriptor: descriptor, byteCount: 64 << 10).byteCount == 64 << 10)
    }

    @Test func `A limit on file sizes is named`() async {
        await #expect(processExitsWith: .success) {
            let descriptor = ScratchFile.unnamed()
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 65_536, rlim_max: 65_536)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            do {
                _ = try Region.create(descriptor: descriptor, byteCount: 1 << 20)
                exit(EXIT_FAILURE)
            } catch let error as PersistenceError {
                exit(error.code == .tooLarge && lseek(descriptor, 0, SEEK_END) == 0 ? EXIT_SUCCESS : EXIT_FAILURE)
            }
        }
    }

    @Test func `A file that cannot be mapped is empty again`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let descriptor = ScratchFile.unnamed()
            let pages = try kernelText("/proc/self/statm").split(separator: " ").first.flatMap { UInt($0) } ?? 0
            // Room for 16 MiB more, and a pool of 64.
            let bytes = pages * 4096 + (16 << 20)
            var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
            do {
                _ = try Region.create(descriptor: descriptor, byteCount: 64 << 20)
                exit(1)
            } catch let error as PersistenceError {
                exit(error.code == .mappingFailed && lseek(descriptor, 0, SEEK_END) == 0 ? 42 : 2)
            }
        }
    }

    // MARK: Misuse

    @Test func `Reading beyond the end traps`() async {
        await #expect(processExitsWith: .failure) {
            let pool = try Region.create(descriptor: ScratchFile.unnamed(), byteCount: 4096)
            _ = pool.read(4090..<4097)
        }
    }

    @Test func `Storing to a pool that is open for reading traps`() async {
        await #expect(processExitsWith: .failure) {
            let descriptor = ScratchFile.unnamed()
            _ = try Region.create(descriptor: descriptor, byteCount: 4096)
            try Region.open(descriptor: descriptor, access: .readOnly).store(1, at: 0)
        }
    }

    @Test func `A word across the border of two words traps`() async {
        await #expect(processExitsWith: .failure) {
            let pool = try Region.create(descriptor: ScratchFile.unnamed(), byteCount: 4096)
            pool.store(1, at: 4)
        }
    }
}
