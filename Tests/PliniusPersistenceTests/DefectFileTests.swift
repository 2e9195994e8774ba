import Glibc
import PliniusPersistence
import Testing
import _PliniusTestSupport

/// The defects of the published pool file: holes, addresses, pointers.
@Suite struct DefectFileTests {
    struct Node: PersistentValue {
        var value: Int
        var next: PersistentRef<Node>
    }

    private func makeList(_ pool: borrowing Pool) throws {
        for value in 1...20 {
            try pool.transaction { tx throws(PersistenceError) in
                let next = try tx.root("list", as: Node.self) ?? .null
                try tx.setRoot("list", try tx.allocate(Node(value: value, next: next)))
            }
        }
    }

    private func list(_ pool: borrowing Pool) throws -> [Int] {
        try pool.read { view in
            var place = try view.root("list", as: Node.self) ?? .null
            var values: [Int] = []
            while !place.isNull, values.count < 100 {
                values.append(view[place].value)
                place = view[place].next
            }
            return values
        }
    }

    @Test(arguments: ["/dev/shm", "/var/tmp"])
    func `A pool's file has a block under every byte, and a sparse copy gets them when it is opened`(place: String)
        throws
    {
        let byteCount = Pool.byteCount(extentBytes: 1 << 20)
        let file = try ScratchFile(in: place)
        do {
            let pool = try Pool.create(descriptor: file.descriptor, byteCount: byteCount)
            try makeList(pool)
        }
        #expect(Int(file.status.st_blocks) * 512 >= byteCount)

        let copy = try ScratchFile(in: place)
        #expect(ftruncate(copy.descriptor, file.status.st_size) == 0)
        var page = [UInt8](repeating: 0, count: 4096)
        for offset in stride(from: 0, to: byteCount, by: 4096) {
            #expect(pread(file.descriptor, &page, 4096, off_t(offset)) == 4096)
            if page.contains(where: { $0 != 0 }) { #expect(pwrite(copy.descriptor, page, 4096, off_t(offset)) == 4096) }
        }
        #expect(Int(copy.status.st_blocks) * 512 < byteCount)
        let pool = try Pool.open(descriptor: copy.descriptor)
        #expect(Int(copy.status.st_blocks) * 512 >= byteCount)
        #expect(try list(pool) == (1...20).reversed())
    }

    @Test(arguments: CommitKind.allCases)
    func `A pool opens at any address`(kind: CommitKind) throws {
        let byteCount = Pool.byteCount(heapBytes: 32768, extentBytes: 4096, commit: kind)
        let first = PlainMedia(byteCount: byteCount)
        let image: [UInt8]
        do {
            let pool = try Pool.create(on: first, heapBytes: 32768, commit: kind)
            try makeList(pool)
            image = Array(first.bytes)
        }
        // Both live, so the addresses differ; and no byte of the image is an address of the first.
        let second = PlainMedia(byteCount: byteCount)
        second.reset(to: image)
        #expect(first.bytes.baseAddress != second.bytes.baseAddress)
        let pool = try Pool.open(on: second)
        #expect(try list(pool) == (1...20).reversed())
        let base = UInt(bitPattern: first.bytes.baseAddress)
        image.withUnsafeBytes { image in
            for offset in stride(from: 0, to: byteCount, by: 8) {
                let word = image.load(fromByteOffset: offset, as: UInt.self)
                #expect(!(base..<base + UInt(byteCount)).contains(word), "an address is stored at \(offset)")
            }
        }
    }

    /// Follows an offset that was stored in a pool.
    private static func follow(_ offset: Int) throws {
        let media = PlainMedia(byteCount: Pool.byteCount(heapBytes: 32768, extentBytes: 4096))
        let pool = try Pool.create(on: media, heapBytes: 32768)
        let node = try pool.transaction { tx throws(PersistenceError) in
            try tx.allocate(Node(value: 1, next: PersistentRef(offset: offset)))
        }
        _ = try pool.read { view in view[view[node].next].value }
    }

    @Test func `An offset that leads outside the heap ends the process and reads nothing`() async {
        await #expect(processExitsWith: .success) { try Self.follow(32768 - 16) }
        for offset in [Int.min, -8, 32768, 32768 - 4, Int.max] {
            await #expect(processExitsWith: .failure) { [offset = offset as Int] in try Self.follow(offset) }
        }
    }

    @Test(arguments: [CommitKind.flip, .twinCopies])
    func `Hostile offsets in the allocator's own words are refused, or lead nowhere else`(kind: CommitKind) throws {
        let heapBytes = 6 * 4096
        let byteCount = Pool.byteCount(heapBytes: heapBytes, extentBytes: 4096, commit: kind)
        let media = PlainMedia(byteCount: byteCount)
        // Which image counts is the protocol's affair: both are damaged alike.
        let heapAt = 16384
        do {
            let pool = try Pool.create(on: media, heapBytes: heapBytes, commit: kind)
            try pool.transaction { tx throws(PersistenceError) in
                try tx.setRoot("list", try tx.allocate(Node(value: 1, next: .null)))
                try tx.setRoot("bulk", try tx.allocateExtent(byteCount: 4096))
            }
        }
        let image = Array(media.bytes)
        let damaged = PlainMedia(byteCount: byteCount)
        var refused = 0
        for offset in stride(from: 0, to: heapBytes, by: 8) {
            for word in [UInt64.max, 1 << 63, UInt64(heapBytes) - 4, 64, UInt64(byteCount)] {
                damaged.reset(to: image)
                for copy in 0..<2 {
                    damaged.bytes.storeBytes(
                        of: word, toByteOffset: heapAt + copy * heapBytes + offset, as: UInt64.self)
                }
                do {
                    let pool = try Pool.open(on: damaged)
                    for (_, root) in try pool.read({ $0.roots }) {
                        switch root {
                        case .object(let start, let count, _):
                            #expect(start <= UInt64(heapBytes) && count <= UInt64(heapBytes) - start)
                        case .extent(let start, let count):
                            #expect(start <= UInt64(byteCount) && count <= UInt64(byteCount) - start)
                        }
                    }
                } catch let error as PersistenceError {
                    #expect(error.code == .damaged)
                    refused += 1
                }
            }
        }
        #expect(refused > 50)
    }
}
