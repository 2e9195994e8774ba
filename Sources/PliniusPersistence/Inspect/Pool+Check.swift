extension Pool {
    /// Examines the heap of the open pool as it is now, beside other readers: every byte owned exactly once, or a finding.
    ///
    /// Complexity: O(heap pages + roots + extents). Writers wait meanwhile.
    public func check() -> HeapReport { engine.shared { $0.heap.examine() } }
}
