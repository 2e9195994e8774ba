import Glibc
public import PliniusPersistence

/// What the file of a pool holds, looked at without storing to it, whatever state it is in.
public struct PoolReport: Sendable {
    /// Where everything lies.
    public struct Geometry: Sendable {
        public let commit: CommitKind
        /// The size of the pool, in bytes.
        public let byteCount: Int
        public let heapBytes: Int
        public let logBytes: Int
        public let extentAreaBytes: Int
        /// The number of headers that were written.
        public let epoch: UInt64
    }

    /// A named root.
    public struct NamedRoot: Sendable {
        public let name: String
        public let root: Root
        /// Whether the file ends before what it stands for does.
        public let isLost: Bool

        /// The size of what it stands for, in bytes.
        public var byteCount: UInt64 {
            switch root {
            case .object(_, let byteCount, _), .extent(_, let byteCount): byteCount
            }
        }
    }

    /// The size of the file, in bytes.
    public let fileBytes: Int
    /// What the medium promises.
    public let tier: Tier
    /// What was found where the two copies of the header belong.
    public private(set) var headers: [String] = []
    /// `nil` if no copy of the header can be used.
    public private(set) var geometry: Geometry?
    /// How the last commit ended, in a sentence.
    public private(set) var state: String?
    /// Transactions that opening applies from the log.
    public private(set) var recordsToReplay: UInt64 = 0
    /// `nil` if there is no heap to look at.
    public private(set) var heap: HeapReport?
    /// The named roots, sorted.
    public private(set) var roots: [NamedRoot] = []
    /// What was looked at and found to be so.
    public private(set) var verified: [String] = []
    /// What is odd, and may be as it should.
    public private(set) var notes: [String] = []
    /// What is wrong, and not to be put right without guessing.
    public private(set) var findings: [String] = []
    /// What an interruption left, which opening copes with and a repair puts right.
    public private(set) var repairs: [PoolRepair] = []

    /// Whether a program can open the pool and finds everything that was durable.
    public var isSound: Bool { findings.isEmpty }

    /// Looks at a pool that no other process has open for writing.
    /// - Throws: `.inUse`, and what opening and mapping the file throws.
    public init(path: String) throws(PersistenceError) {
        let descriptor = try Pool.openFile(path, for: .readOnly, lock: true)
        defer { close(descriptor) }
        try self.init(descriptor: descriptor)
    }

    init(descriptor: CInt) throws(PersistenceError) {
        var status = stat()
        _ = unsafe fstat(descriptor, &status)
        try self.init(of: Region.open(descriptor: descriptor, access: .readOnly))
        let reserved = Int(status.st_blocks) * 512
        if reserved < fileBytes {
            notes.append(
                "\(fileBytes - reserved) bytes of the file have no blocks and read as zeros, and a pool is made without holes: "
                    + "this is a sparse copy, or a file that was cut off and made longer again")
        }
    }

    /// Looks at the pool of a region beside whom it may belong to.
    /// - Throws: `.inUse`.
    package init(of region: Region) throws(PersistenceError) {
        self = try region.ofOneMoment { () throws(PersistenceError) in PoolReport(lookingAt: region) }
    }

    private init(lookingAt region: Region) {
        fileBytes = region.byteCount
        tier = region.tier
        guard fileBytes >= PoolHeader.areaBytes else {
            find("the file holds \(fileBytes) bytes, and the headers of a pool alone take \(PoolHeader.areaBytes)")
            return
        }
        if let header = examineHeaders(region) { examine(PoolStore(region: region, header: header)) }
    }

    // MARK: Headers

    private mutating func examineHeaders(_ region: Region) -> PoolHeader? {
        let copies = PoolHeader.copies(in: region)
        headers = copies.map { copy in
            switch copy {
            case .sound(let header): "sound, epoch \(header.epoch)"
            case .absent: "none"
            case .unsupportedVersion(let version): "of format version \(version), which this program does not know"
            case .damaged(let why): "damaged: \(why)"
            }
        }
        guard let newest = PoolHeader.newest(of: copies) else {
            find("no copy of the header can be used: A is \(headers[0]), B is \(headers[1])")
            return nil
        }
        let header = PoolHeader.latest(newest, of: copies, in: region)
        if case (.sound(let a), .sound(let b)) = (copies[0], copies[1]), a.kind != b.kind || a.heapBytes != b.heapBytes
        {
            find(
                "the two copies of the header tell of different pools: \(a.kind) and \(b.kind), heaps of \(a.heapBytes) and \(b.heapBytes) bytes"
            )
        }
        // A new pool has one copy.
        for (index, copy) in copies.enumerated() where header.epoch > 1 {
            if case .sound = copy { continue }
            repairs.append(.rewriteHeader(copy: index))
        }
        geometry = Geometry(
            commit: header.kind, byteCount: header.byteCount, heapBytes: header.heapBytes, logBytes: header.log.count,
            extentAreaBytes: header.extents.count, epoch: header.epoch)
        verified.append(
            header.epoch == newest.epoch
                ? "the header that counts, epoch \(header.epoch)"
                : "a log of epoch \(header.epoch), whose header is damaged, after the header of epoch \(newest.epoch)")
        return header
    }

    // MARK: Contents

    private mutating func examine(_ store: PoolStore) {
        let header = store.header
        if fileBytes < header.byteCount {
            find("the file was cut off: it holds \(fileBytes) bytes, and its pool has \(header.byteCount)")
        } else if fileBytes > header.byteCount {
            repairs.append(.cutFile(from: fileBytes, to: header.byteCount))
        }
        guard fileBytes >= header.extents.lowerBound else {
            return find("the heap, which ends at byte \(header.extents.lowerBound), was cut off with every root in it")
        }
        guard let image = examineState(store) else { return }
        let report = image.examine()
        heap = report
        findings += report.findings
        guard report.isSound else { return }
        verified += [
            "the heap: each of its \(report.byteCount) bytes is owned once, by \(report.objects) objects, the allocator, or nobody",
            "\(report.extents) extents, none of which overlap, and \(report.roots) roots, all of which stand for something",
        ]
        roots = image.roots.map { name, root in
            guard case .extent(let start, let byteCount) = root, start + byteCount > UInt64(fileBytes) else {
                return NamedRoot(name: name, root: root, isLost: false)
            }
            find("the root \"\(name)\" is lost: its extent of \(byteCount) bytes ends behind the end of the file")
            return NamedRoot(name: name, root: root, isLost: true)
        }
    }

    /// The heap as recovery would find it; `nil` if it cannot.
    private mutating func examineState(_ store: PoolStore) -> Heap? {
        let header = store.header
        do throws(PersistenceError) {
            switch header.kind {
            case .redoLog:
                let heap = Heap(byteCount: header.heapBytes, extentArea: header.extents)
                let tail = RedoLog.load(from: store, into: heap)
                recordsToReplay = tail.sequence - header.sequence
                state =
                    "\(recordsToReplay) transactions in the log, in \(tail.position) of its \(header.log.count) bytes"
                verified.append("\(recordsToReplay) records of the log, which opening applies to the heap")
                if recordsToReplay > 0 {
                    repairs.append(.finishCommit("apply \(recordsToReplay) records of the log to the heap"))
                }
                return heap
            case .flip:
                let word = store.region.load(at: PoolHeader.stateOffset)
                state = "commit \(word), whose heap is image \(word & 1)"
            case .twinCopies:
                let found = try TwinCopies.state(of: store.region)
                state = "\(found)"
                switch found {
                case .idle: compareImages(store)
                case .mutating: repairs.append(.finishCommit("take back a commit that was cut off: copy back to main"))
                case .copying: repairs.append(.finishCommit("finish a commit that was cut off: copy main to back"))
                }
            }
            verified.append("the state word: \(state ?? "")")
            return try store.loadConsistentImage()
        } catch {
            find(error.message)
            return nil
        }
    }

    private mutating func compareImages(_ store: PoolStore) {
        let (main, back) = (store.header.image(0), store.header.image(1))
        let differing = stride(from: 0, to: main.count, by: 4096).filter {
            store.region.read(main.lowerBound + $0..<main.lowerBound + $0 + 4096)
                != store.region.read(back.lowerBound + $0..<back.lowerBound + $0 + 4096)
        }
        if let first = differing.first {
            find(
                "main and back differ in \(differing.count) pages, page \(first / 4096) first, although no commit is under way"
            )
        } else {
            verified.append("main and back, which are equal")
        }
    }

    private mutating func find(_ what: String) { findings.append(what) }
}
