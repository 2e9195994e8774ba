/// What a page of the heap is for: one word of the page map.
enum PageUse: Hashable {
    /// Nobody has it.
    case free
    /// The header, or the page map.
    case metadata
    /// Slots of one size.
    case slab(SizeClass)
    /// The first page of an object that has so many.
    case run(pages: Int)
    /// Another page of such an object.
    case continuation

    /// Takes a word of the page map; `nil` if it means nothing.
    init?(word: UInt64) {
        let argument = Int(word >> 8)
        switch (word & 0xFF, argument) {
        case (0, 0): self = .free
        case (1, 0): self = .metadata
        case (2, _):
            guard let sizeClass = SizeClass(exactly: argument) else { return nil }
            self = .slab(sizeClass)
        case (3, 1...): self = .run(pages: argument)
        case (4, 0): self = .continuation
        default: return nil
        }
    }

    /// The word of the page map: the kind in the low byte, the class or the number of pages above it.
    var word: UInt64 {
        switch self {
        case .free: 0
        case .metadata: 1
        case .slab(let sizeClass): 2 | UInt64(sizeClass.index) << 8
        case .run(let pages): 3 | UInt64(pages) << 8
        case .continuation: 4
        }
    }
}

extension Heap {
    /// The number of pages, those of the header and of the page map among them.
    var pageCount: Int { byteCount / Self.pageBytes }
    /// The first page that may hold objects.
    var firstPage: Int { HeapLayout.metadataPages(of: pageCount) }

    /// What a page is for; `nil` if the page map makes no sense there.
    func use(of page: Int) -> PageUse? { PageUse(word: load(at: HeapLayout.useAt(page))) }

    func setUse(of pages: Range<Int>, to use: PageUse) {
        for page in pages { store(use.word, at: HeapLayout.useAt(page)) }
    }

    /// Finds the lowest free pages in a row; they are whoever's marks them.
    ///
    /// Complexity: O(pages of the heap) at worst; one step for single pages while none were given back.
    func findPages(_ count: Int, for byteCount: Int) throws(PersistenceError) -> Range<Int> {
        var (lowest, run) = (pageCount, 0)
        for page in load(at: HeapLayout.freeHintAt)..<pageCount {
            run = use(of: page) == .free ? run + 1 : 0
            if run > 0 { lowest = min(lowest, page) }
            if run == count {
                let found = page + 1 - count..<page + 1
                store(lowest == found.lowerBound ? found.upperBound : lowest, at: HeapLayout.freeHintAt)
                return found
            }
        }
        throw noSpace(for: byteCount)
    }

    /// Gives pages back.
    func freePages(_ pages: Range<Int>) {
        setUse(of: pages, to: .free)
        if pages.lowerBound < load(at: HeapLayout.freeHintAt) {
            store(pages.lowerBound, at: HeapLayout.freeHintAt)
        }
    }

    private func noSpace(for byteCount: Int) -> PersistenceError {
        let report = examine()
        return PersistenceError(
            .noSpace,
            "The heap has no room for an object of \(byteCount) bytes: of its \(report.byteCount) bytes \(report.freeBytes) "
                + "are free, at most \(report.largestFreeRun) in whole pages in a row. Free objects, or create a pool with a "
                + "larger heap.")
    }
}
