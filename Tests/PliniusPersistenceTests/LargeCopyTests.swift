import Glibc
import PliniusPersistence
import Testing
import _PliniusSupport
import _PliniusTestSupport

/// Copies so large that a file below the page cache takes them by a call instead of through its mapping.
@Suite struct LargeCopyTests {
    private static let byteCount = 1 << 20
    // O_DIRECT: the importer drops macros that are built from others.
    #if arch(arm64)
        private static let direct: CInt = 0o200_000
    #else
        private static let direct: CInt = 0o40_000
    #endif
    private let noise = PrivateMemory(byteCount: byteCount)

    init() {
        noise.bytes.copyBytes(from: (0..<Self.byteCount).map { UInt8(truncatingIfNeeded: $0 &* 0x9E37_79B1 >> 13) })
    }

    private func copy(to offset: Int, of pool: Region) {
        pool.copy(UnsafeRawBufferPointer(noise.bytes), to: offset)
    }

    @Test(arguments: ["/dev/shm", "/var/tmp"], [0, O_APPEND, Self.direct])
    func `They land where they belong, whatever the descriptor's flags`(place: String, flags: CInt) throws {
        // Whole pages in memory, from and to: what a call past the cache takes; and what it refuses.
        for start in [4096, 4099] {
            let file = try ScratchFile(in: place)
            let pool = try Region.create(descriptor: file.descriptor, byteCount: 2 * Self.byteCount)
            // The pool's descriptor is a duplicate, and shares the flags. Memory has no cache to go past.
            guard fcntl(file.descriptor, F_SETFL, flags) == 0 else { return }
            copy(to: start, of: pool)
            try pool.persist()
            #expect(pool.read(start..<start + Self.byteCount).elementsEqual(noise.bytes))
            #expect(pool.read(0..<start).allSatisfy { $0 == 0 })
            #expect(pool.read(start + Self.byteCount..<pool.byteCount).allSatisfy { $0 == 0 })
            #expect(Int(file.status.st_size) == 2 * Self.byteCount)
            let again = try Region.open(descriptor: file.descriptor)
            #expect(again.read(start..<start + Self.byteCount).elementsEqual(noise.bytes))
        }
    }

    @Test func `They cost no fault a page`() throws {
        let file = try ScratchFile(in: "/var/tmp")
        let pool = try Region.create(descriptor: file.descriptor, byteCount: Self.byteCount)
        guard pool.tier == .t3 else { return }
        /// Those of this thread that met a page in memory: the tenth number, of which the first two are a number and a name.
        func faults() throws -> Int {
            let text = try kernelText("/proc/thread-self/stat")
            let numbers = text[(try #require(text.lastIndex(of: ")")))...].split(separator: " ")
            return try #require(Int(numbers[8]))
        }
        // What has been written to the device is protected again.
        copy(to: 0, of: pool)
        try pool.persist()
        let before = try faults()
        copy(to: 0, of: pool)
        #expect(try faults() - before < Self.byteCount / 4096 / 4)
    }

    @Test func `What a call refuses is stored through the mapping`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let descriptor = ScratchFile.unnamed()
            let pool = try Region.create(descriptor: descriptor, byteCount: 1 << 20)
            // A call is cut off at this limit, and refused beyond it.
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let ones = [UInt8](repeating: 1, count: 200_000)
            ones.withUnsafeBytes { pool.copy($0, to: 0) }
            ones.withUnsafeBytes { pool.copy($0, to: 300_000) }
            try pool.persist()
            let isThere = pool.read(0..<200_000) == ones && pool.read(300_000..<500_000) == ones
            exit(isThere && pool.read(200_000..<300_000).allSatisfy { $0 == 0 } ? 42 : 1)
        }
    }
}
