/// An object of the heap that the allocator keeps in a sorted list: what it knows of a root, or of an extent.
///
/// | offset | what |
/// |---|---|
/// | 0 | offset of the next node |
/// | 8, 16 | start and size, in bytes, of the extent or of what the root stands for |
/// | 24 | of a root: the size of an element; 0 if it stands for an extent |
/// | 32 | of a root: the number of bytes of its name, in one byte |
/// | 33 | of a root: its name |
struct ListNode: Hashable {
    static let extentBytes = 24
    static let rootBytes = 33

    let offset: Int

    var startAt: Int { offset + 8 }
    var byteCountAt: Int { offset + 16 }
    var elementBytesAt: Int { offset + 24 }
    var nameCountAt: Int { offset + 32 }
    var nameAt: Int { offset + Self.rootBytes }
}

/// The nodes of a list whose links are sound; the first word of each leads to the next, as the head leads to the first.
struct NodeList: Sequence, IteratorProtocol {
    let heap: Heap
    var linkAt: Int

    mutating func next() -> ListNode? {
        linkAt = heap.load(at: linkAt)
        return linkAt == 0 ? nil : ListNode(offset: linkAt)
    }

    /// The first node that meets a condition, and the word that leads there; if none does, the word that ends the list.
    func find(_ condition: (ListNode) -> Bool) -> (linkAt: Int, node: ListNode?) {
        var linkAt = linkAt
        for node in self {
            if condition(node) { return (linkAt, node) }
            linkAt = node.offset
        }
        return (linkAt, nil)
    }
}

extension Heap {
    var rootNodes: NodeList { NodeList(heap: self, linkAt: HeapLayout.rootsAt) }
    var extentNodes: NodeList { NodeList(heap: self, linkAt: HeapLayout.extentsAt) }

    /// Puts a new node where the word at `linkAt` leads, before what it led to.
    ///
    /// - Throws: `.noSpace`; the heap is then unchanged.
    func insertNode(byteCount: Int, linkAt: Int) throws(PersistenceError) -> ListNode {
        let node = ListNode(offset: try allocate(byteCount: byteCount))
        store(load(Int.self, at: linkAt), at: node.offset)
        store(node.offset, at: linkAt)
        return node
    }

    /// Takes the node out that the word at `linkAt` leads to.
    func removeNode(_ node: ListNode, linkAt: Int) {
        store(load(Int.self, at: node.offset), at: linkAt)
        release(allocated(at: node.offset))
    }
}
