extension Pool {
    /// Examines the heap of the open pool as it is now, beside other readers: every byte owned exactly once, or a finding.
    ///
    /// Complexity: O(heap pages + roots + extents). Writers wait meanwhile.
    public func check() -> HeapReport { engine.shared { $0.heap.examine() } }

    /// Finishes what recovery may put off: the log is empty afterwards, both images are equal, and all of it is durable.
    package func settle() throws(PersistenceError) { try engine.settle() }

    /// Writes both copies of the header anew.
    package func renewHeaders() throws(PersistenceError) {
        for _ in 0..<2 { try engine.grow(toByteCount: byteCount) }
    }
}
