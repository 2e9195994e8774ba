/// A hierarchy of classes: each has a parent or none, and of the children of a parent one each is right.
///
/// Darknet reads it from a file of lines "name parent". Inside an enclave no file can be opened, so the configuration itself holds
/// the second column: `tree=-1,-1,0,0,1,1` gives each class's parent by its index, −1 where there is none.
public struct ClassTree: Hashable, Sendable {
    /// Each class's parent, which stands before it; −1 where there is none.
    public let parents: [Int]
    /// The children of each parent, which stand side by side, in ascending order.
    public let groups: [Range<Int>]

    /// Groups the classes by their parents.
    /// - Throws: `Fault` for the first class that is out of order.
    init(parents: [Int]) throws(Fault) {
        var groups: [Range<Int>] = []
        var seen: Set<Int> = []
        for (index, parent) in parents.enumerated() {
            guard parent >= -1, parent < index else { throw .orphan(index, parent) }
            if let last = groups.last, parents[last.lowerBound] == parent {
                groups[groups.count - 1] = last.lowerBound..<index + 1
            } else {
                guard seen.insert(parent).inserted else { throw .torn(index, parent) }
                groups.append(index..<index + 1)
            }
        }
        self.parents = parents
        self.groups = groups
    }

    /// The class that is reached from the top by the likeliest child each time, as long as it has more than half of all; of equals
    /// the first.
    /// - Parameter probabilities: of each class given its parent.
    func chosen(_ probabilities: [Float]) -> Int {
        var (chosen, share) = (-1, Float(1))
        while let group = groups.first(where: { parents[$0.lowerBound] == chosen }),
            let best = group.max(by: { (probabilities[$0], $1) < (probabilities[$1], $0) })
        {
            guard share * probabilities[best] > 0.5 || chosen < 0 else { break }
            share *= probabilities[best]
            chosen = best
        }
        return chosen
    }

    /// Why parents make no tree.
    enum Fault: Error {
        case orphan(_ index: Int, _ parent: Int)
        case torn(_ index: Int, _ parent: Int)

        var message: String {
            switch self {
            case .orphan(let index, let parent):
                "class \(index) has the parent \(parent): expected a class before it, or -1 if it has none"
            case .torn(let index, let parent):
                "class \(index) has the parent \(parent), whose other children stand further up: put them side by side"
            }
        }
    }
}

extension SectionReader {
    /// Reads a `tree` of classes; nil if there is none.
    /// - Throws: `ConfigError` if the values are no tree.
    mutating func tree() throws(ConfigError) -> ClassTree? {
        guard has("tree") else { return nil }
        let parents: [Int]
        do throws(ConfigError) {
            parents = try integers("tree", in: -1...1 << 24)
        } catch {
            throw self.error(
                "tree", "expected the parent of each class, -1 where there is none, divided by commas: \(error.message)"
            )
        }
        do throws(ClassTree.Fault) {
            return try ClassTree(parents: parents)
        } catch {
            throw self.error("tree", error.message)
        }
    }
}
