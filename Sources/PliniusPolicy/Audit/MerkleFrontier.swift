/// A Merkle tree that is only appended to: the hashes of its largest complete subtrees, which are all that its root needs.
public struct MerkleFrontier: Hashable, Sendable {
    /// The number of entries so far.
    public private(set) var size = 0
    /// From the largest subtree, which is the oldest, to the smallest.
    private var subtrees: [[UInt8]] = []

    /// The tree of no entries.
    public init() {}

    /// Appends an entry by its leaf hash.
    public mutating func append(_ leaf: [UInt8]) {
        var hash = leaf
        // Each bit that is carried when the size is counted up is a pair of subtrees that become one.
        for _ in 0..<(~size).trailingZeroBitCount {
            hash = MerkleTree.parent(subtrees.removeLast(), hash)
        }
        subtrees.append(hash)
        size += 1
    }

    /// The root of all entries so far.
    public var root: [UInt8] {
        guard let last = subtrees.last else { return MerkleTree.emptyRoot }
        return subtrees.dropLast().reversed().reduce(last) { MerkleTree.parent($1, $0) }
    }
}
