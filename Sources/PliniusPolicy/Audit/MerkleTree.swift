internal import Crypto

/// The Merkle tree over an audit log's entries (RFC 9162, section 2.1): one hash for all of them, short proofs for each.
///
/// Hashes of complete subtrees never change; whoever keeps them computes every root and every proof, of today's tree and of all before it,
/// from a number of them that grows with the logarithm of the size.
public enum MerkleTree {
    /// The length of every hash.
    public static let hashByteCount = 32

    /// A complete subtree: of the leaves `index << level ..< (index + 1) << level`.
    public struct Place: Hashable, Sendable {
        /// The height; a leaf has 0.
        public let level: Int
        public let index: Int

        public init(level: Int, index: Int) {
            self.level = level
            self.index = index
        }
    }

    /// A complete subtree's hash, where it belongs.
    public struct Node: Hashable, Sendable {
        public let place: Place
        public let hash: [UInt8]

        public init(place: Place, hash: [UInt8]) {
            self.place = place
            self.hash = hash
        }
    }

    /// The root of no entries.
    public static var emptyRoot: [UInt8] { Array(SHA256().finalize()) }

    /// The hash of an entry: SHA-256 of `0x00 ‖ entry`.
    public static func leaf(_ entry: [UInt8]) -> [UInt8] { hash(0, entry, []) }

    /// The hash of two subtrees: SHA-256 of `0x01 ‖ left ‖ right`.
    public static func parent(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { hash(1, left, right) }

    private static func hash(_ label: UInt8, _ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        var state = SHA256()
        state.update(data: [label])
        state.update(data: left)
        state.update(data: right)
        return Array(state.finalize())
    }

    /// The subtrees that become complete when a leaf is appended to a tree of `size` leaves, the leaf first.
    ///
    /// One or two on average, one more than the logarithm of the size at most.
    /// - Parameter kept: The hash of a complete subtree that an earlier call returned.
    public static func completed<E: Error>(
        by leaf: [UInt8], at size: Int, _ kept: (Place) throws(E) -> [UInt8]
    ) throws(E) -> [Node] {
        var nodes = [Node(place: Place(level: 0, index: size), hash: leaf)]
        var (level, index, hash) = (0, size, leaf)
        while index & 1 == 1 {
            let left = try kept(Place(level: level, index: index - 1))
            hash = parent(left, hash)
            (level, index) = (level + 1, index >> 1)
            nodes.append(Node(place: Place(level: level, index: index), hash: hash))
        }
        return nodes
    }

    /// The root of the first `size` entries.
    public static func root<E: Error>(of size: Int, _ kept: (Place) throws(E) -> [UInt8]) throws(E) -> [UInt8] {
        size == 0 ? emptyRoot : try hash(of: 0..<size, kept)
    }

    /// Proves that an entry is among the first `size`.
    public static func inclusionProof<E: Error>(
        of index: Int, in size: Int, _ kept: (Place) throws(E) -> [UInt8]
    ) throws(E) -> InclusionProof {
        precondition((0..<size).contains(index), "entry \(index) is not among \(size)")
        return InclusionProof(index: index, size: size, path: try path(to: index, in: 0..<size, kept))
    }

    /// Proves that the first `size` entries begin with the first `older`.
    public static func consistencyProof<E: Error>(
        from older: Int, to size: Int, _ kept: (Place) throws(E) -> [UInt8]
    ) throws(E) -> ConsistencyProof {
        precondition((0...size).contains(older), "\(older) entries are more than \(size)")
        let path = older == 0 || older == size ? [] : try subproof(of: older, in: 0..<size, isWhole: true, kept)
        return ConsistencyProof(older: older, size: size, path: path)
    }

    /// A range begins where a complete subtree of at least its size may begin: so it is one, or its left part is.
    private static func hash<E: Error>(
        of leaves: Range<Int>, _ kept: (Place) throws(E) -> [UInt8]
    ) throws(E) -> [UInt8] {
        let count = leaves.count
        if count.nonzeroBitCount == 1 {
            let level = count.trailingZeroBitCount
            return try kept(Place(level: level, index: leaves.lowerBound >> level))
        }
        let middle = middle(of: leaves)
        let left = try hash(of: leaves.lowerBound..<middle, kept)
        return parent(left, try hash(of: middle..<leaves.upperBound, kept))
    }

    private static func path<E: Error>(
        to index: Int, in leaves: Range<Int>, _ kept: (Place) throws(E) -> [UInt8]
    ) throws(E) -> [[UInt8]] {
        if leaves.count == 1 { return [] }
        let middle = middle(of: leaves)
        let (left, right) = (leaves.lowerBound..<middle, middle..<leaves.upperBound)
        let (inner, outer) = index < middle ? (left, right) : (right, left)
        let below = try path(to: index, in: inner, kept)
        return below + [try hash(of: outer, kept)]
    }

    /// SUBPROOF of RFC 9162, section 2.1.4.1; `older` counts from the beginning of the log here.
    private static func subproof<E: Error>(
        of older: Int, in leaves: Range<Int>, isWhole: Bool, _ kept: (Place) throws(E) -> [UInt8]
    ) throws(E) -> [[UInt8]] {
        if older == leaves.upperBound { return isWhole ? [] : [try hash(of: leaves, kept)] }
        let middle = middle(of: leaves)
        let (left, right) = (leaves.lowerBound..<middle, middle..<leaves.upperBound)
        if older <= middle {
            let below = try subproof(of: older, in: left, isWhole: isWhole, kept)
            return below + [try hash(of: right, kept)]
        }
        let below = try subproof(of: older, in: right, isWhole: false, kept)
        return below + [try hash(of: left, kept)]
    }

    /// Where two or more leaves are split: the left part has the greatest power of two that is less than all.
    private static func middle(of leaves: Range<Int>) -> Int {
        let bits = Int.bitWidth - (leaves.count - 1).leadingZeroBitCount
        return leaves.lowerBound + 1 << (bits - 1)
    }
}
