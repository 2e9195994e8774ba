import _PliniusSupport

extension Pool {
    /// The heap of a pool that is made without another wish: room for the catalogue of many extents.
    public static let defaultHeapBytes = 256 << 10

    /// How a pool is opened.
    public typealias Access = Region.Access

    /// The size of a pool that has room for a heap and so many bytes of extents.
    public static func byteCount(
        heapBytes: Int = defaultHeapBytes, extentBytes: Int, commit kind: CommitKind = .redoLog
    ) -> Int {
        PoolHeader.fixedBytes(kind: kind, heapBytes: wholePages(heapBytes)) + wholePages(extentBytes)
    }

    /// Makes a pool of `byteCount` bytes in an empty regular file.
    ///
    /// It is durable when this returns. A pool whose creation was cut off does not begin as a pool does: give the file its name only now.
    ///
    /// - Parameters:
    ///   - byteCount: The size of the file, rounded up to whole pages.
    ///   - heapBytes: The size of the transactional heap, rounded up to whole pages; it cannot grow later. With `.redoLog` it is held in
    ///     private memory as well.
    ///   - writeBack: Anything but `automatic` is for measurements.
    /// - Throws: `.tooSmall`, and what reserving and mapping the file throws; the file is then empty again.
    public static func create(
        descriptor: CInt, byteCount: Int, heapBytes: Int = defaultHeapBytes, commit kind: CommitKind = .redoLog,
        writeBack: WriteBack = .automatic
    ) throws(PersistenceError) -> Pool {
        let header = try PoolHeader(kind: kind, byteCount: wholePages(byteCount), heapBytes: wholePages(heapBytes))
        let region = try Region.create(
            descriptor: descriptor, byteCount: header.byteCount, writeBack: writeBack)
        return try create(on: region, header)
    }

    /// Makes a pool on a medium of zeros of another kind, for tests; it takes the whole medium.
    public static func create(
        on media: any PersistentMedia, heapBytes: Int = defaultHeapBytes, commit kind: CommitKind = .redoLog
    ) throws(PersistenceError) -> Pool {
        let region = Region(on: media)
        return try create(
            on: region, PoolHeader(kind: kind, byteCount: region.byteCount, heapBytes: wholePages(heapBytes)))
    }

    private static func create(on region: Region, _ header: PoolHeader) throws(PersistenceError) -> Pool {
        let store = PoolStore(region: region, header: header)
        let heap = try store.makeHeap()
        let commits: any CommitProtocol
        switch header.kind {
        case .redoLog: commits = RedoLog(store, heap, after: nil)
        case .flip: commits = Flip(store, heap, state: 0)
        case .twinCopies: commits = try TwinCopies(store, heap, found: .idle)
        }
        try commits.begin()
        heap.format()
        try commits.record(committed: true)
        heap.keep()
        try commits.commit()
        try store.writeHeader()
        return Pool(engine: PoolEngine(store, heap, commits))
    }

    /// Opens the pool in a regular file, as the last durable commit left it.
    ///
    /// What a crash left unfinished is taken back or finished; opened for reading only, nothing is stored. The heap is examined as a whole, so
    /// that a file from an untrusted place is refused here and not met later. With `.redoLog` and when opened for reading only, the heap
    /// is then private memory; the other protocols work in the file, and trust whoever may write to it meanwhile.
    ///
    /// Read beside a writer, a pool is what the writer had stored at some moment meanwhile; only with `.twinCopies`, writers must be kept away.
    ///
    /// - Parameters:
    ///   - writeBack: Anything but `automatic` is for measurements.
    /// - Throws: `.notAPool`, `.unsupportedVersion`, `.truncated`, `.damaged`, `.inUse` if a writer is too busy to read beside it, and what
    ///   mapping the file throws.
    /// - Complexity: O(heap), and one fence or fdatasync unless for reading only.
    public static func open(
        descriptor: CInt, access: Access = .readWrite, writeBack: WriteBack = .automatic
    ) throws(PersistenceError) -> Pool {
        try open(Region.open(descriptor: descriptor, access: access, writeBack: writeBack))
    }

    /// Opens the pool on a medium of another kind, for tests.
    public static func open(on media: any PersistentMedia) throws(PersistenceError) -> Pool {
        try open(Region(on: media))
    }

    private static func open(_ region: Region) throws(PersistenceError) -> Pool {
        guard region.isWritable else {
            let (store, heap) = try region.ofOneMoment { () throws(PersistenceError) in
                let store = PoolStore(region: region, header: try PoolHeader.read(from: region))
                let heap = try store.loadConsistentImage()
                try requireSound(heap)
                return (store, heap)
            }
            return Pool(engine: PoolEngine(store, heap, nil))
        }
        let store = PoolStore(region: region, header: try PoolHeader.read(from: region))
        // What a killed process stored is seen, and yet a loss of power may take it away: it is made as certain as it looks, before
        // anybody believes it, or overwrites what it stands for.
        region.writeBack(0..<store.header.extents.lowerBound)
        try region.persist()
        // A header that only the log told of takes its place again, before the next one is written over the other copy.
        if PoolHeader.newest(of: PoolHeader.copies(in: region)) != store.header { try store.writeHeader() }
        let heap = try store.makeHeap()
        let commits: any CommitProtocol
        switch store.header.kind {
        case .redoLog: commits = RedoLog(store, heap, after: RedoLog.load(from: store, into: heap))
        case .flip: commits = Flip(store, heap, state: region.load(at: PoolHeader.stateOffset))
        case .twinCopies: commits = try TwinCopies(store, heap, found: TwinCopies.state(of: region))
        }
        try requireSound(heap)
        return Pool(engine: PoolEngine(store, heap, commits))
    }

    private static func requireSound(_ heap: Heap) throws(PersistenceError) {
        let report = heap.examine()
        guard report.isSound else {
            throw PersistenceError(
                .damaged,
                "The pool's heap contradicts itself: \(report.findings.prefix(3).joined(separator: "; ")). "
                    + "'plinius pool check' lists everything; restore the file from a copy.")
        }
    }
}

extension PoolHeader {
    /// What lies where the two copies belong; the region is long enough.
    package static func copies(in region: Region) -> [Finding] {
        [0, Heap.pageBytes].map { examine(region.read($0..<$0 + copyBytes)) }
    }

    /// The copy that counts.
    package static func newest(of copies: [Finding]) -> PoolHeader? {
        var newest: PoolHeader?
        for case .sound(let header) in copies where header.epoch >= newest?.epoch ?? 0 { newest = header }
        return newest
    }

    /// The newest copy, or the one that was damaged after it; see ``RedoLog/lostHeader(after:in:)``.
    package static func latest(_ newest: PoolHeader, of copies: [Finding], in region: Region) -> PoolHeader {
        let isAlone = copies.contains { if case .sound = $0 { false } else { true } }
        return isAlone ? RedoLog.lostHeader(after: newest, in: region) ?? newest : newest
    }

    /// The header that counts.
    /// - Throws: `.notAPool`, `.unsupportedVersion`, `.truncated`, `.damaged`.
    static func read(from region: Region) throws(PersistenceError) -> PoolHeader {
        guard region.byteCount >= areaBytes else {
            throw PersistenceError(
                .truncated, "The file holds \(region.byteCount) bytes, and a pool has at least \(areaBytes).")
        }
        let found = copies(in: region)
        guard let newest = newest(of: found) else {
            for case .unsupportedVersion(let version) in found {
                throw PersistenceError(
                    .unsupportedVersion,
                    "The pool has format version \(version), and this program knows \(Self.version). Use the program that made it."
                )
            }
            for case .damaged(let why) in found {
                throw PersistenceError(
                    .damaged, "Neither copy of the pool's header can be used: \(why). Restore the file from a copy.")
            }
            throw PersistenceError(
                .notAPool, "The file does not begin as a pool does: it is another file, or its creation was cut off.")
        }
        guard region.byteCount >= newest.byteCount else {
            throw PersistenceError(
                .truncated,
                "The file holds \(region.byteCount) bytes, and its pool has \(newest.byteCount): it was cut off. "
                    + "'plinius pool check' names what is lost; restore the file from a copy.")
        }
        return latest(newest, of: found, in: region)
    }
}

extension PoolStore {
    /// The working copy of the heap, as the protocol wants it.
    func makeHeap() throws(PersistenceError) -> Heap {
        if header.kind == .redoLog { return Heap(byteCount: header.heapBytes, extentArea: header.extents) }
        let memory = unsafe UnsafeMutableRawBufferPointer(
            start: region.start + header.image(0).lowerBound, count: header.heapBytes)
        return unsafe Heap(in: memory, extentArea: header.extents)
    }

    /// The image that a recovery would end with, in private memory; stores nothing to the pool.
    package func loadConsistentImage() throws(PersistenceError) -> Heap {
        let heap = Heap(byteCount: header.heapBytes, extentArea: header.extents)
        let image: Int
        switch header.kind {
        case .redoLog:
            _ = RedoLog.load(from: self, into: heap)
            return heap
        case .flip: image = Int(region.load(at: PoolHeader.stateOffset) & 1)
        case .twinCopies: image = try TwinCopies.state(of: region) == .mutating ? 1 : 0
        }
        unsafe region.read(
            header.image(image), into: UnsafeMutableRawBufferPointer(start: heap.base, count: heap.byteCount))
        return heap
    }
}

extension TwinCopies {
    /// The state that a pool is in.
    /// - Throws: `.damaged`.
    package static func state(of region: Region) throws(PersistenceError) -> State {
        let word = region.load(at: PoolHeader.stateOffset)
        guard let state = State(rawValue: word) else {
            throw PersistenceError(
                .damaged,
                "0x\(String(word, radix: 16)) is no state of a pool with twin copies. Restore the file from a copy.")
        }
        return state
    }
}
