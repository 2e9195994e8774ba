import PliniusPersistence
import Testing

/// `swapAt` keeps what it exchanges as two loads and two stores would, for words and for smaller elements.
@Suite struct SwapTests {
    private let file = ScratchFile.unnamed()

    private struct Refusal: Error {}

    /// Fills an array, swaps at random with a plain array beside it, more often than the log of changes first has room for.
    private func swap<Element: PersistentValue & Equatable>(_ kind: CommitKind, _ value: (Int) -> Element) throws {
        let pool = try Pool.create(
            descriptor: file, byteCount: Pool.byteCount(heapBytes: 1 << 20, extentBytes: 4096, commit: kind),
            heapBytes: 1 << 20, commit: kind)
        let count = 500
        var plain = (0..<count).map(value)
        let array = try pool.transaction { tx throws(PersistenceError) in
            let array = try tx.allocateArray(of: Element.self, count: count)
            for index in 0..<count { tx[array, index] = plain[index] }
            try tx.setRoot("array", array)
            return array
        }
        var random = SystemRandomNumberGenerator()
        try pool.transaction { tx throws(Never) in
            for _ in 0..<3000 {
                let (a, b) = (Int.random(in: 0..<count, using: &random), Int.random(in: 0..<count, using: &random))
                tx.swapAt(array, a, b)
                plain.swapAt(a, b)
            }
            tx.swapAt(array, 7, 7)
        }
        // An odd number of words is noted before a pair is, so that the pair meets the end of the log in its middle.
        #expect(throws: TransactionError<Refusal>.self) {
            try pool.transaction { tx throws(Refusal) in
                tx[array, 0] = value(-1)
                for index in 0..<3001 { tx.swapAt(array, index % count, index * 7 % count) }
                throw Refusal()
            }
        }
        try pool.transaction { tx throws(Never) in
            tx[array, 0] = plain[0]
            for _ in 0..<2 { for index in 0..<1500 { tx.swapAt(array, index % count, (index + 1) % count) } }
            for _ in 0..<2 { for index in 0..<1500 { plain.swapAt(index % count, (index + 1) % count) } }
        }
        #expect(try pool.read { view throws(Never) in (0..<count).map { view[array, $0] } } == plain)
        let again = try Pool.open(descriptor: file, access: .readOnly)
        try again.read { view throws(PersistenceError) in
            let found = try view.arrayRoot("array", of: Element.self)
            #expect(found.map { found in (0..<count).map { view[found, $0] } } == plain)
        }
    }

    @Test(arguments: CommitKind.allCases) func wordsKeepTheirValues(_ kind: CommitKind) throws {
        try swap(kind) { UInt64(truncatingIfNeeded: $0) }
    }

    @Test(arguments: CommitKind.allCases) func bytesKeepTheirValues(_ kind: CommitKind) throws {
        try swap(kind) { UInt8(truncatingIfNeeded: $0) }
    }
}
