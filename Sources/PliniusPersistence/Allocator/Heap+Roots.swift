extension Heap {
    /// What a name stands for; `nil` if there is no such root.
    ///
    /// Complexity: O(roots), as everything that is done with a name.
    package func root(_ name: String) -> Root? {
        find(name).node.map { root(of: $0) }
    }

    /// All roots, sorted by the UTF-8 bytes of their names.
    package var roots: [(name: String, root: Root)] {
        rootNodes.map { (String(decoding: name(of: $0), as: UTF8.self), root(of: $0)) }
    }

    /// Gives something a name, or gives the name to something else.
    ///
    /// Traps if there is no such object or extent, or if it is smaller than is said.
    ///
    /// - Throws: `.invalidName`, or `.noSpace` for a new name; the heap is then unchanged.
    package func setRoot(_ name: String, _ root: Root) throws(PersistenceError) {
        guard Root.isValid(name: name) else {
            throw PersistenceError(
                .invalidName,
                "A root's name is 1 to \(Root.longestName) bytes of UTF-8 without control characters; this one of "
                    + "\(name.utf8.count) bytes is not. Choose another name.")
        }
        precondition(holds(root), "the heap does not hold what the root \(name) is to stand for: \(root)")
        let (linkAt, found) = find(name)
        let node = if let found { found } else { try addRoot(name, linkAt: linkAt) }
        let (start, byteCount, elementBytes): (UInt64, UInt64, UInt64) =
            switch root {
            case .object(let offset, let byteCount, let elementBytes): (offset, byteCount, elementBytes)
            case .extent(let start, let byteCount): (start, byteCount, 0)
            }
        store(start, at: node.startAt)
        store(byteCount, at: node.byteCountAt)
        store(elementBytes, at: node.elementBytesAt)
    }

    /// Takes a name away, but not what it stood for; `false` if there was no such root.
    package func removeRoot(_ name: String) -> Bool {
        let (linkAt, node) = find(name)
        if let node { removeNode(node, linkAt: linkAt) }
        return node != nil
    }

    /// What a node says.
    func root(of node: ListNode) -> Root {
        let elementBytes = load(UInt64.self, at: node.elementBytesAt)
        let (start, byteCount) = (load(UInt64.self, at: node.startAt), load(UInt64.self, at: node.byteCountAt))
        return elementBytes == 0
            ? .extent(start: start, byteCount: byteCount)
            : .object(offset: start, byteCount: byteCount, elementBytes: elementBytes)
    }

    /// The bytes of the name in a node that lies inside the heap.
    func name(of node: ListNode) -> some Collection<UInt8> {
        (0..<Int(load(UInt8.self, at: node.nameCountAt))).lazy.map { self.load(at: node.nameAt + $0) }
    }

    /// Traps while a root stands for what begins there.
    func checkNoRoot(standsFor start: Int, isExtent: Bool) {
        for node in rootNodes {
            precondition(
                load(at: node.startAt) != start || (load(Int.self, at: node.elementBytesAt) == 0) != isExtent,
                "the root \(String(decoding: name(of: node), as: UTF8.self)) stands for it: remove the root before")
        }
    }

    private func holds(_ root: Root) -> Bool {
        switch root {
        case .object(let offset, let byteCount, let elementBytes):
            elementBytes > 0 && byteCount <= allocation(at: Int(truncatingIfNeeded: offset))?.byteCount ?? -1
        case .extent(let start, let byteCount):
            findExtent(Int(truncatingIfNeeded: start)).node.map { load(at: $0.byteCountAt) } == byteCount
        }
    }

    /// The node of that name, and the word that leads there or would.
    private func find(_ name: String) -> (linkAt: Int, node: ListNode?) {
        let (linkAt, node) = rootNodes.find { !self.name(of: $0).lexicographicallyPrecedes(name.utf8) }
        return (linkAt, node.flatMap { self.name(of: $0).elementsEqual(name.utf8) ? $0 : nil })
    }

    private func addRoot(_ name: String, linkAt: Int) throws(PersistenceError) -> ListNode {
        let node = try insertNode(byteCount: ListNode.rootBytes + name.utf8.count, linkAt: linkAt)
        store(UInt8(name.utf8.count), at: node.nameCountAt)
        for (index, byte) in name.utf8.enumerated() { store(byte, at: node.nameAt + index) }
        return node
    }
}
