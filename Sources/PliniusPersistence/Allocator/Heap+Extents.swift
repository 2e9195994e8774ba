/// Extents are kept in a list that is sorted by place. What lies between two of them is free: there is nothing to split, to join, or to
/// keep in step.
extension Heap {
    /// Takes the lowest whole pages that are free in a row, outside the heap; their bytes are anything.
    ///
    /// What was freed since the last durable commit is not given out: a crash may bring its owner back.
    ///
    /// Complexity: O(extents).
    ///
    /// - Returns: Bytes of the pool.
    /// - Throws: `.noSpace`; the heap is then unchanged.
    package func allocateExtent(byteCount: Int) throws(PersistenceError) -> Range<Int> {
        precondition(byteCount > 0, "an extent has at least one byte: \(byteCount) are none")
        var gapStart = extentArea.lowerBound
        var found: Range<Int>?
        let (linkAt, _) = extentNodes.find { node in
            found = place(byteCount, in: gapStart..<load(at: node.startAt))
            gapStart = load(at: node.startAt) + load(at: node.byteCountAt)
            return found != nil
        }
        if let found = found ?? place(byteCount, in: gapStart..<extentArea.upperBound) {
            let node = try insertNode(byteCount: ListNode.extentBytes, linkAt: linkAt)
            store(found.lowerBound, at: node.startAt)
            store(found.count, at: node.byteCountAt)
            return found
        }
        let report = examine()
        throw PersistenceError(
            .noSpace,
            "The pool has no room for an extent of \(byteCount) bytes: \(report.freeExtentBytes) are free for extents, at "
                + "most \(report.largestFreeExtent) of them in a row, \(freedExtents.reduce(0) { $0 + $1.count }) of them "
                + "only after the next commit. Free extents, or grow the pool.")
    }

    /// Gives an extent's pages back; they may be given out again after the next durable commit.
    ///
    /// Traps unless ``allocateExtent(byteCount:)`` returned just these bytes and they were not freed since, and while a root stands for
    /// them.
    ///
    /// Complexity: O(extents + roots).
    package func freeExtent(_ range: Range<Int>) {
        let (linkAt, node) = findExtent(range.lowerBound)
        guard let node, load(at: node.byteCountAt) == range.count else {
            preconditionFailure("bytes \(range) of the pool are no extent: they were freed already, or never allocated")
        }
        checkNoRoot(standsFor: range.lowerBound, isExtent: true)
        removeNode(node, linkAt: linkAt)
        freedExtents.append(range)
    }

    /// Takes note that the pool has grown: the new pages are free.
    package func extentsGrew(to area: Range<Int>) {
        precondition(
            area.lowerBound == extentArea.lowerBound && area.upperBound >= extentArea.upperBound,
            "the pool grows at its end: from \(extentArea) to \(area) it does not")
        extentArea = area
    }

    /// The node of the extent that begins at a byte of the pool, and the word that leads there.
    func findExtent(_ start: Int) -> (linkAt: Int, node: ListNode?) {
        extentNodes.find { load(at: $0.startAt) == start }
    }

    /// The lowest whole pages of a gap that nobody has freed since the last commit.
    private func place(_ byteCount: Int, in gap: Range<Int>) -> Range<Int>? {
        let pages = byteCount.dividedUp(by: Self.pageBytes)
        var start = gap.lowerBound
        while pages <= (gap.upperBound - start) / Self.pageBytes {
            let candidate = start..<start + pages * Self.pageBytes
            guard let freed = freedExtents.first(where: { $0.overlaps(candidate) }) else { return candidate }
            start = freed.upperBound
        }
        return nil
    }
}
