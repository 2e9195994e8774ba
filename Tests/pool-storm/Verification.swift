import PliniusPersistence

/// What a pool holds, looked at without the code that wrote it there.
struct Verification {
    private(set) var counters: [UInt64] = []
    private(set) var findings: [String] = []
    private var objects = 0
    private var extents = 0

    init(_ pool: borrowing Pool) {
        do {
            let findings = try pool.read { (view: borrowing Snapshot) throws in
                var result = self
                try result.examine(view)
                return result
            }
            self = findings
        } catch {
            find("\(error)")
        }
        let report = pool.check()
        findings += report.findings
        // What was allocated and is reached from no root leaked; an object less than there should be was freed twice.
        if report.objects != objects {
            find("the heap has \(report.objects) objects, and the roots lead to \(objects)")
        }
        if report.extents != extents { find("the pool has \(report.extents) extents, and the roots name \(extents)") }
    }

    private mutating func examine(_ view: borrowing Snapshot) throws {
        guard let counters = try view.arrayRoot(Ledger.countersRoot, of: UInt64.self),
            let accounts = try view.arrayRoot(Ledger.accountsRoot, of: Int.self),
            let list = try view.root(Ledger.listRoot, as: List.self),
            let slots = try view.arrayRoot(Ledger.slotsRoot, of: PersistentBuffer.self)
        else { return find("a root is missing") }
        objects = 4
        self.counters = (0..<counters.count).map { view[counters, $0] }

        let sum = (0..<accounts.count).reduce(0) { $0 + view[accounts, $1] }
        if sum != Ledger.accounts * Ledger.deposit {
            find("the accounts hold \(sum), and \(Ledger.accounts * Ledger.deposit) were paid in")
        }

        let head = view[list]
        var (count, total, next) = (0, UInt64(0), head.first)
        while !next.isNull, count <= head.count {
            let node = view[next]
            if !node.isWhole { find("a node of the list is torn") }
            (count, total, next) = (count + 1, total &+ node.value, node.next)
        }
        if count != head.count || total != head.sum || !next.isNull {
            find("the list has \(count) nodes with the sum \(total), and says \(head.count) with \(head.sum)")
        }
        objects += count

        for index in 0..<slots.count {
            let buffer = view[slots, index]
            if buffer.byteCount == 0 { continue }
            objects += 1
            var bytes = [UInt8](repeating: 0, count: buffer.byteCount)
            bytes.withUnsafeMutableBytes { view.read(buffer, into: $0) }
            if bytes != pattern(place: buffer.offset, byteCount: buffer.byteCount) {
                find("the buffer in slot \(index) is torn")
            }
        }

        for thread in 0..<Ledger.threads {
            if let node = try view.root(Ledger.nodeRoot(thread), as: Node.self) {
                objects += 1
                if !view[node].isWhole { find("the named node of thread \(thread) is torn") }
            }
            if let extent = try view.extentRoot(Ledger.extentRoot(thread)) {
                extents += 1
                let bytes = extent.read(extent.byteCount - 512..<extent.byteCount)
                if bytes != pattern(place: extent.range.lowerBound, byteCount: 512) {
                    find("the extent of thread \(thread) is torn")
                }
            }
        }
    }

    /// Compares with what the threads said was durable.
    ///
    /// - Parameter isComplete: Whether nothing that they said is missing: then at most the transaction that each was at is more.
    mutating func compare(with acknowledged: Acknowledgements, isComplete: Bool) {
        for (thread, count) in counters.enumerated() {
            let said = acknowledged.counters[thread]
            if count < said {
                find("thread \(thread) was told that \(said) transactions are durable, and the pool holds \(count)")
            }
            if isComplete, count > said + 1 {
                find("the pool holds \(count) transactions of thread \(thread), which did no more than \(said + 1)")
            }
        }
    }

    mutating func find(_ what: String) { findings.append(what) }
}

/// The highest number that each thread wrote, from lines `thread number`.
struct Acknowledgements {
    private(set) var counters = [UInt64](repeating: 0, count: Ledger.threads)

    /// Skips what is no such line: comments, and a last line that was cut off.
    init(_ bytes: [UInt8]) {
        var (fields, field, isLine) = (0, UInt64(0), true)
        var thread = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39 where isLine:
                (field, isLine) = (field &* 10 &+ UInt64(byte - 0x30), true)
            case 0x20 where isLine && fields == 0:
                (thread, field, fields) = (Int(truncatingIfNeeded: field), 0, 1)
            case 0x0D: break
            case 0x0A:
                if isLine, fields == 1, counters.indices.contains(thread) {
                    counters[thread] = max(counters[thread], field)
                }
                (fields, field, isLine) = (0, 0, true)
            default: isLine = false
            }
        }
    }
}
