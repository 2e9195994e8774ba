import Crypto
import PliniusPolicy
import Testing

/// The trees of RFC 9162 as its definitions say them, over all leaves, each time anew.
enum NaiveTree {
    static func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        if leaves.isEmpty { return Array(SHA256.hash(data: [UInt8]())) }
        if leaves.count == 1 { return Array(SHA256.hash(data: [0] + leaves[leaves.startIndex])) }
        let (left, right) = halves(leaves)
        return Array(SHA256.hash(data: [1] + root(left) + root(right)))
    }

    static func path(_ index: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        if leaves.count == 1 { return [] }
        let (left, right) = halves(leaves)
        return index < left.count
            ? path(index, left) + [root(right)] : path(index - left.count, right) + [root(left)]
    }

    static func proof(_ older: Int, _ leaves: ArraySlice<[UInt8]>, _ isWhole: Bool) -> [[UInt8]] {
        if older == leaves.count { return isWhole ? [] : [root(leaves)] }
        let (left, right) = halves(leaves)
        return older <= left.count
            ? proof(older, left, isWhole) + [root(right)] : proof(older - left.count, right, false) + [root(left)]
    }

    private static func halves(_ leaves: ArraySlice<[UInt8]>) -> (ArraySlice<[UInt8]>, ArraySlice<[UInt8]>) {
        var half = 1
        while half * 2 < leaves.count { half *= 2 }
        return (leaves.prefix(half), leaves.dropFirst(half))
    }
}

/// What a store keeps: complete subtrees by their place.
struct KeptNodes {
    struct Missing: Error {}
    private(set) var hashes: [MerkleTree.Place: [UInt8]] = [:]
    private(set) var size = 0

    init(_ leaves: [[UInt8]] = []) throws {
        for leaf in leaves { try append(leaf) }
    }

    mutating func append(_ leaf: [UInt8]) throws {
        for node in try MerkleTree.completed(by: MerkleTree.leaf(leaf), at: size, find) {
            hashes[node.place] = node.hash
        }
        size += 1
    }

    func find(_ place: MerkleTree.Place) throws -> [UInt8] {
        guard let hash = hashes[place] else { throw Missing() }
        return hash
    }
}

private func bytes(_ text: String) -> [UInt8] {
    let digits = Array(text)
    return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
}

@Suite("The Merkle tree of RFC 9162")
struct MerkleTests {
    static let leaves = (0..<70).map { (index: Int) in
        [UInt8](repeating: UInt8(index), count: index % 5) + [UInt8(index)]
    }

    // The leaves and roots of the Certificate Transparency project's reference tree.
    static let published: [(leaf: String, root: String)] = [
        ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ]

    @Test("The reference tree has the published roots") func publishedRoots() throws {
        var (frontier, kept) = (MerkleFrontier(), try KeptNodes())
        #expect(frontier.root == bytes("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
        for (leaf, root) in Self.published {
            frontier.append(MerkleTree.leaf(bytes(leaf)))
            try kept.append(bytes(leaf))
            #expect(frontier.root == bytes(root))
            #expect(try MerkleTree.root(of: kept.size, kept.find) == bytes(root))
        }
    }

    @Test("The reference tree has the published proofs") func publishedProofs() throws {
        let kept = try KeptNodes(Self.published.map { bytes($0.leaf) })
        let inclusion: [(Int, Int, [String])] = [
            (
                0, 8,
                [
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ]
            ),
            (
                5, 8,
                [
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ]
            ),
            (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        ]
        for (index, size, path) in inclusion {
            #expect(try MerkleTree.inclusionProof(of: index, in: size, kept.find).path == path.map(bytes))
        }
        let consistency: [(Int, Int, [String])] = [
            (
                6, 8,
                [
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ]
            ),
            (
                2, 5,
                [
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ]
            ),
        ]
        for (older, size, path) in consistency {
            #expect(try MerkleTree.consistencyProof(from: older, to: size, kept.find).path == path.map(bytes))
        }
    }

    @Test("Roots and proofs of all sizes are those of the definition, and prove what they should") func definition()
        throws
    {
        let kept = try KeptNodes(Self.leaves)
        let roots = (0...Self.leaves.count).map { NaiveTree.root(Self.leaves[..<$0]) }
        for size in 0...Self.leaves.count {
            #expect(try MerkleTree.root(of: size, kept.find) == roots[size])
            for index in 0..<size {
                let proof = try MerkleTree.inclusionProof(of: index, in: size, kept.find)
                #expect(proof.path == NaiveTree.path(index, Self.leaves[..<size]))
                #expect(proof.proves(MerkleTree.leaf(Self.leaves[index]), in: roots[size]))
                #expect(!proof.proves(MerkleTree.leaf(Self.leaves[index] + [0]), in: roots[size]))
            }
            for older in 0...size {
                let proof = try MerkleTree.consistencyProof(from: older, to: size, kept.find)
                if older > 0, older < size {
                    #expect(proof.path == NaiveTree.proof(older, Self.leaves[..<size], true))
                }
                #expect(proof.proves(roots[older], to: roots[size]), "\(older) to \(size)")
            }
        }
    }

    @Test("A proof that is changed in any way proves nothing") func altered() throws {
        let kept = try KeptNodes(Self.leaves)
        for size in [1, 2, 7, 8, 13, 33] {
            let root = NaiveTree.root(Self.leaves[..<size])
            for index in 0..<size {
                let leaf = MerkleTree.leaf(Self.leaves[index])
                let proof = try MerkleTree.inclusionProof(of: index, in: size, kept.find)
                for altered in Self.alterations(of: proof.path) {
                    #expect(!InclusionProof(index: index, size: size, path: altered).proves(leaf, in: root))
                }
                for other in [-1, index + 1, size, .max] where other != index {
                    #expect(!InclusionProof(index: other, size: size, path: proof.path).proves(leaf, in: root))
                }
                // In a tree of twice the size every way is longer.
                for other in [-1, 0, 2 * size, .max] {
                    #expect(!InclusionProof(index: index, size: other, path: proof.path).proves(leaf, in: root))
                }
            }
            for older in 1..<max(2, size) where older < size {
                let olderRoot = NaiveTree.root(Self.leaves[..<older])
                let proof = try MerkleTree.consistencyProof(from: older, to: size, kept.find)
                for altered in Self.alterations(of: proof.path) {
                    #expect(!ConsistencyProof(older: older, size: size, path: altered).proves(olderRoot, to: root))
                }
                // A log with another beginning.
                let forked = NaiveTree.root(([[9]] + Self.leaves[1..<older])[...])
                #expect(!proof.proves(forked, to: root))
                #expect(!proof.proves(root, to: olderRoot))
                #expect(!ConsistencyProof(older: older, size: older, path: []).proves(olderRoot, to: root))
            }
        }
        // A proof that ends too soon leads to the root of a smaller log.
        let two = NaiveTree.root(Self.leaves[..<2])
        let three = NaiveTree.root(Self.leaves[..<3])
        let path = try MerkleTree.consistencyProof(from: 2, to: 3, kept.find).path
        #expect(ConsistencyProof(older: 2, size: 3, path: path).proves(two, to: three))
        #expect(!ConsistencyProof(older: 2, size: 5, path: path).proves(two, to: three))
        // To continue nothing, nothing is proven.
        #expect(!ConsistencyProof(older: 0, size: 3, path: path).proves(MerkleTree.emptyRoot, to: three))
        #expect(!ConsistencyProof(older: 0, size: 3, path: []).proves([1], to: [2]))
        #expect(!ConsistencyProof(older: -1, size: 3, path: []).proves(MerkleTree.emptyRoot, to: [2]))
    }

    private static func alterations(of path: [[UInt8]]) -> [[[UInt8]]] {
        var all = [path + [[UInt8](repeating: 0, count: 32)], path + [[]]]
        for place in path.indices {
            var altered = path
            altered[place][31] ^= 1
            all.append(altered)
            altered = path
            altered.remove(at: place)
            all.append(altered)
            altered = path
            altered[place].append(0)
            all.append(altered)
        }
        return all
    }
}
