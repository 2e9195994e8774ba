extension Heap {
    /// Proves that every byte of the heap and of the extents is owned exactly once, or says where that is not so.
    ///
    /// Total: it neither traps nor loops nor reads outside the heap, whatever the bytes are. After a sound report nothing that
    /// the allocator does can go wrong on them.
    ///
    /// Complexity: O(pages + roots + extents).
    package func examine() -> HeapReport {
        var examination = Examination(of: self)
        examination.run()
        return examination.report
    }
}

/// One examination of a heap, which may be hostile.
private struct Examination {
    private let heap: Heap
    private(set) var report: HeapReport
    /// For every page, whether it is a slab with room that was met in no list yet.
    private var unlisted: [Bool]
    /// The objects that are nodes of lists.
    private var nodes: Set<ListNode> = []
    /// The extents' sizes by their starts.
    private var extents: [Int: Int] = [:]

    init(of heap: Heap) {
        self.heap = heap
        report = HeapReport(byteCount: heap.byteCount)
        unlisted = Array(repeating: false, count: heap.pageCount)
    }

    mutating func run() {
        guard heap.firstPage < heap.pageCount, word(HeapLayout.magicAt) == HeapLayout.magic,
            word(HeapLayout.byteCountAt) == heap.byteCount
        else { return find("the header is none of a heap of \(heap.byteCount) bytes") }
        checkPages()
        for sizeClass in SizeClass.all { checkList(of: sizeClass) }
        for page in unlisted.indices where unlisted[page] { find("page \(page) has free slots and is in no list") }
        checkExtents()
        checkRoots()
    }

    // MARK: Pages

    private mutating func checkPages() {
        let hint = word(HeapLayout.freeHintAt)
        if !(heap.firstPage...heap.pageCount).contains(hint) { find("the free hint, \(hint), is no page for objects") }
        var freeRun = 0
        var page = 0
        while page < heap.pageCount {
            let use = heap.use(of: page)
            var length = 1
            freeRun = use == .free ? freeRun + HeapLayout.pageBytes : 0
            switch use {
            case .metadata where page < heap.firstPage:
                report.metadataBytes += HeapLayout.pageBytes
            case .free where page >= heap.firstPage:
                if page < hint { find("page \(page) is free and lies before the free hint, \(hint)") }
                report.freeBytes += HeapLayout.pageBytes
                report.largestFreeRun = max(report.largestFreeRun, freeRun)
            case .slab(let sizeClass) where page >= heap.firstPage:
                check(Slab(offset: page * HeapLayout.pageBytes, sizeClass: sizeClass), page)
            case .run(let pages) where page >= heap.firstPage && pages <= heap.pageCount - page:
                length = pages
                report.objects += 1
                report.usedBytes += pages * HeapLayout.pageBytes
                for other in page + 1..<page + pages where heap.use(of: other) != .continuation {
                    find("page \(other) lies inside the object at page \(page) and has a use of its own")
                }
            default:
                find("page \(page) is said to be \(use.map { "\($0)" } ?? "of an unknown kind"), which it cannot be")
            }
            page += length
        }
    }

    private mutating func check(_ slab: Slab, _ page: Int) {
        let (capacity, index) = (slab.sizeClass.capacity, slab.sizeClass.index)
        if heap.load(UInt64.self, at: slab.wordAt(capacity - 1)) >> ((capacity - 1) % 64 + 1) != 0 {
            find("page \(page) has objects behind its last slot")
        }
        let used = heap.objectCount(in: slab)
        let free = capacity - used
        if used == 0 { find("page \(page) is a slab without objects") }
        unlisted[page] = free > 0
        report.slots[index].pages += 1
        report.slots[index].used += used
        report.slots[index].free += free
        report.objects += used
        report.usedBytes += used * slab.sizeClass.slotBytes
        report.freeBytes += free * slab.sizeClass.slotBytes
        report.metadataBytes += HeapLayout.pageBytes - capacity * slab.sizeClass.slotBytes
    }

    private mutating func checkList(of sizeClass: SizeClass) {
        var linkAt = HeapLayout.slabsAt(sizeClass)
        while case let offset = word(linkAt), offset != 0 {
            let (page, rest) = offset.quotientAndRemainder(dividingBy: HeapLayout.pageBytes)
            guard rest == 0, unlisted.indices.contains(page), unlisted[page],
                heap.use(of: page) == .slab(sizeClass), word(offset + Slab.backLink) == linkAt
            else {
                return find("the list of slabs of \(sizeClass.slotBytes) bytes leads to byte \(offset) wrongly")
            }
            unlisted[page] = false
            linkAt = offset
        }
    }

    // MARK: Lists of nodes

    /// Takes an object for a node of a list; `false` if it is none of that size, or is a node already.
    private mutating func claim(_ node: ListNode, byteCount: Int) -> Bool {
        guard let size = heap.allocation(at: node.offset)?.byteCount, size >= byteCount, nodes.insert(node).inserted
        else { return false }
        report.objects -= 1
        report.usedBytes -= size
        report.metadataBytes += size
        return true
    }

    private mutating func checkExtents() {
        let area = heap.extentArea
        var end = area.lowerBound
        for node in heap.extentNodes {
            guard claim(node, byteCount: ListNode.extentBytes) else {
                return find("the list of extents leads to byte \(node.offset), where no node of it is")
            }
            let (start, byteCount) = (word(node.startAt), word(node.byteCountAt))
            guard start >= end, start <= area.upperBound, byteCount > 0, byteCount <= area.upperBound - start,
                start % HeapLayout.pageBytes == 0, byteCount % HeapLayout.pageBytes == 0
            else {
                return find("the extent of \(byteCount) bytes at \(start) does not lie in \(end)..<\(area.upperBound)")
            }
            addFreeExtent(start - end)
            extents[start] = byteCount
            report.extentBytes += byteCount
            end = start + byteCount
        }
        addFreeExtent(area.upperBound - end)
        report.extents = extents.count
    }

    private mutating func addFreeExtent(_ byteCount: Int) {
        report.freeExtentBytes += byteCount
        report.largestFreeExtent = max(report.largestFreeExtent, byteCount)
    }

    private mutating func checkRoots() {
        var found: [(name: String, root: Root)] = []
        for node in heap.rootNodes {
            guard claim(node, byteCount: ListNode.rootBytes) else {
                return find("the list of roots leads to byte \(node.offset), where no node of it is")
            }
            guard Int(heap.load(UInt8.self, at: node.nameCountAt)) <= heap.size(of: node.offset) - ListNode.rootBytes,
                let name = String(validating: heap.name(of: node), as: UTF8.self), Root.isValid(name: name)
            else { return find("the root at byte \(node.offset) has no valid name") }
            if let last = found.last?.name, !last.utf8.lexicographicallyPrecedes(name.utf8) {
                return find("the roots \(last) and \(name) are out of order")
            }
            found.append((name, heap.root(of: node)))
        }
        report.roots = found.count
        for (name, root) in found where !holds(root) { find("the root \(name) stands for \(root), which there is not") }
    }

    private func holds(_ root: Root) -> Bool {
        switch root {
        case .object(let offset, let byteCount, _):
            byteCount <= heap.allocation(at: Int(truncatingIfNeeded: offset))?.byteCount ?? -1
                && !nodes.contains(ListNode(offset: Int(truncatingIfNeeded: offset)))
        case .extent(let start, let byteCount):
            extents[Int(truncatingIfNeeded: start)].map { UInt64($0) } == byteCount
        }
    }

    // MARK: Helpers

    private func word(_ offset: Int) -> Int { heap.load(at: offset) }

    private mutating func find(_ what: String) {
        if report.findings.count < 100 { report.findings.append(what) }
    }
}
