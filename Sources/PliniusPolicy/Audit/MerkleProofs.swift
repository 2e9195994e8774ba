/// Proves that one entry is in a log of a given size and root (RFC 9162, section 2.1.3).
public struct InclusionProof: Hashable, Sendable {
    /// The entry's number, from 0.
    public var index: Int
    /// The number of entries of the log that it is proven for.
    public var size: Int
    /// The hashes beside the way from the entry to the root.
    public var path: [[UInt8]]

    public init(index: Int, size: Int, path: [[UInt8]]) {
        self.index = index
        self.size = size
        self.path = path
    }

    /// Whether an entry with this leaf hash is where the proof says, in the log with this root.
    ///
    /// Total: no proof, whoever made it, does more than fail.
    public func proves(_ leaf: [UInt8], in root: [UInt8]) -> Bool {
        guard index >= 0, index < size, path.allSatisfy({ $0.count == MerkleTree.hashByteCount }) else { return false }
        var (place, last, hash) = (index, size - 1, leaf)
        for beside in path {
            if last == 0 { return false }
            if place & 1 == 1 || place == last {
                hash = MerkleTree.parent(beside, hash)
                // A subtree without a right neighbour goes up unchanged.
                while place & 1 == 0, place != 0 { (place, last) = (place >> 1, last >> 1) }
            } else {
                hash = MerkleTree.parent(hash, beside)
            }
            (place, last) = (place >> 1, last >> 1)
        }
        return last == 0 && hash == root
    }
}

/// Proves that a log is an older one with entries appended, and nothing else changed (RFC 9162, section 2.1.4).
public struct ConsistencyProof: Hashable, Sendable {
    /// The number of entries that the older log had.
    public var older: Int
    public var size: Int
    public var path: [[UInt8]]

    public init(older: Int, size: Int, path: [[UInt8]]) {
        self.older = older
        self.size = size
        self.path = path
    }

    /// Whether the log with root `root` continues the one with root `olderRoot`.
    ///
    /// Total: no proof, whoever made it, does more than fail.
    public func proves(_ olderRoot: [UInt8], to root: [UInt8]) -> Bool {
        guard older >= 0, older <= size, path.allSatisfy({ $0.count == MerkleTree.hashByteCount }) else { return false }
        if older == size { return path.isEmpty && olderRoot == root }
        if older == 0 { return path.isEmpty && olderRoot == MerkleTree.emptyRoot }
        // An older log that is one complete subtree is its own first hash.
        var hashes = (older.nonzeroBitCount == 1 ? [olderRoot] : []) + path
        if hashes.isEmpty { return false }
        let first = hashes.removeFirst()
        var (place, last) = (older - 1, size - 1)
        while place & 1 == 1 { (place, last) = (place >> 1, last >> 1) }
        var (olderHash, hash) = (first, first)
        for beside in hashes {
            if last == 0 { return false }
            if place & 1 == 1 || place == last {
                olderHash = MerkleTree.parent(beside, olderHash)
                hash = MerkleTree.parent(beside, hash)
                while place & 1 == 0, place != 0 { (place, last) = (place >> 1, last >> 1) }
            } else {
                hash = MerkleTree.parent(hash, beside)
            }
            (place, last) = (place >> 1, last >> 1)
        }
        return last == 0 && olderHash == olderRoot && hash == root
    }
}
