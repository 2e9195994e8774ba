import Glibc
import PliniusPersistence
import Testing
import _PliniusTestSupport

/// What a program that uses a pool sees, with every commit protocol, before and after the pool is opened again.
@Suite struct TransactionTests {
    struct Node: PersistentValue, Equatable {
        var value: Int
        var next: PersistentRef<Node>
    }
    struct Refusal: Error, Equatable {
        var reason: String
    }

    private let file = ScratchFile.unnamed()

    private func makePool(_ kind: CommitKind, heapBytes: Int = 1 << 20, extentBytes: Int = 1 << 20) throws -> Pool {
        let byteCount = Pool.byteCount(heapBytes: heapBytes, extentBytes: extentBytes, commit: kind)
        return try Pool.create(descriptor: file, byteCount: byteCount, heapBytes: heapBytes, commit: kind)
    }

    @Test(arguments: CommitKind.allCases) func valuesListsArraysAndBuffersOutliveThePool(_ kind: CommitKind) throws {
        let pool = try makePool(kind)
        let text = Array("persistent".utf8)
        try pool.transaction { tx throws(PersistenceError) in
            var head = PersistentRef<Node>.null
            for value in 0..<100 { head = try tx.allocate(Node(value: value, next: head)) }
            tx[head].value = -1
            try tx.setRoot("list", head)
            let array = try tx.allocateArray(of: Double.self, count: 1000)
            for index in 0..<1000 { tx[array, index] = Double(index) / 3 }
            try tx.setRoot("array", array)
            let buffer = try tx.allocateBuffer(byteCount: 5000)
            text.withUnsafeBytes { tx.write($0, to: buffer, at: 4987) }
            let holder = try tx.allocate(buffer)
            try tx.setRoot("buffer", holder)
        }
        for access in [Pool.Access.readOnly, .readWrite] {
            let again = try Pool.open(descriptor: file, access: access)
            #expect(again.isWritable == (access == .readWrite) && again.commitKind == kind)
            try again.read { view throws(PersistenceError) in
                var values: [Int] = []
                var node = try view.root("list", as: Node.self) ?? .null
                while !node.isNull {
                    values.append(view[node].value)
                    node = view[node].next
                }
                #expect(values == [-1] + (0..<99).reversed())
                guard let array = try view.arrayRoot("array", of: Double.self),
                    let holder = try view.root("buffer", as: PersistentBuffer.self)
                else { return #expect(Bool(false), "a root is missing") }
                #expect((0..<array.count).map { view[array, $0] } == (0..<1000).map { Double($0) / 3 })
                let buffer = view[holder]
                var bytes = [UInt8](repeating: 1, count: 5000)
                bytes.withUnsafeMutableBytes { view.read(buffer, into: $0) }
                #expect(bytes == [UInt8](repeating: 0, count: 4987) + text + [0, 0, 0])
                #expect(view.roots.map(\.name) == ["array", "buffer", "list"])
            }
        }
    }

    @Test(arguments: CommitKind.allCases) func aThrowLeavesNoTrace(_ kind: CommitKind) throws {
        let pool = try makePool(kind)
        let array = try pool.transaction { tx throws(PersistenceError) in
            let array = try tx.allocateArray(of: UInt8.self, count: 300_000)
            try tx.setRoot("array", array)
            return array
        }
        let before = pool.check()
        #expect(before.isSound)
        let error = #expect(throws: TransactionError<Refusal>.self) {
            try pool.transaction { tx throws(Refusal) in
                for index in 0..<300_000 { tx[array, index] = 7 }
                do {
                    let other = try tx.allocateBuffer(byteCount: 10_000)
                    try tx.setRoot("array", try tx.allocate(other))
                    _ = try tx.allocateExtent(byteCount: 8192)
                } catch { throw Refusal(reason: "\(error)") }
                throw Refusal(reason: "no")
            }
        }
        #expect(error == .cancelled(Refusal(reason: "no")))
        #expect(pool.check() == before)
        #expect(try pool.read { view in (0..<300_000).allSatisfy { view[array, $0] == 0 } })
        // What follows is not disturbed by what was taken back.
        try pool.transaction { tx in tx[array, 17] = 1 }
        let again = try Pool.open(descriptor: file)
        #expect(try again.read { view in (0..<300_000).filter { view[array, $0] != 0 } } == [17])
        #expect(again.check() == before)
    }

    @Test(arguments: CommitKind.allCases) func aNestedTransactionIsAPartOfTheOuterOne(_ kind: CommitKind) throws {
        let pool = try makePool(kind)
        let array = try pool.transaction { tx throws(PersistenceError) in try tx.allocateArray(of: Int.self, count: 8) }
        let commits = pool.statistics.commits
        try pool.transaction { outer in
            outer[array, 0] = 1
            try? pool.transaction { inner in
                inner[array, 1] = inner[array, 0] + 1
            }
            outer[array, 2] = outer[array, 1] + 1
        }
        #expect(pool.statistics.commits == commits + 1)
        #expect(try pool.read { view in (0..<3).map { view[array, $0] } } == [1, 2, 3])

        // A caught throw of the inner one still cancels all.
        let error = #expect(throws: TransactionError<Never>.self) {
            try pool.transaction { outer in
                outer[array, 0] = 10
                do {
                    try pool.transaction { inner throws(Refusal) in
                        inner[array, 1] = 20
                        throw Refusal(reason: "inner")
                    }
                } catch { #expect("\(error)".contains("inner")) }
                outer[array, 2] = 30
            }
        }
        guard case .innerCancelled? = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(try pool.read { view in (0..<3).map { view[array, $0] } } == [1, 2, 3])
    }

    /// Many checkpoints, of heaps in which nearly all and nearly nothing changes, against an array of this process.
    @Test(arguments: CommitKind.allCases) func aLongLifeEqualsItsModel(_ kind: CommitKind) throws {
        let pool = try makePool(kind, heapBytes: 256 << 10)
        let count = 20_000
        var model = [UInt64](repeating: 0, count: count)
        let array = try pool.transaction { tx throws(PersistenceError) in
            try tx.allocateArray(of: UInt64.self, count: count)
        }
        var random = SeededRandom(seed: 7)
        for round in 0..<600 {
            let isKept = round % 7 != 3
            let stores = round % 50 == 0 ? 30_000 : Int.random(in: 1...40, using: &random)
            var next = model
            do {
                try pool.transaction { tx throws(Refusal) in
                    for _ in 0..<stores {
                        let (index, value) = (Int.random(in: 0..<count, using: &random), random.next())
                        tx[array, index] = value
                        next[index] = value
                    }
                    if !isKept { throw Refusal(reason: "dropped") }
                }
                model = next
            } catch { #expect(!isKept) }
            if round % 100 == 0 {
                #expect(try pool.read { view in (0..<count).allSatisfy { view[array, $0] == model[$0] } })
                let image = try Pool.open(descriptor: file, access: .readOnly)
                #expect(
                    try image.read { view in (0..<count).allSatisfy { view[array, $0] == model[$0] } }, "round \(round)"
                )
            }
        }
        if kind == .redoLog { #expect(pool.statistics.checkpoints > 3) }
        let again = try Pool.open(descriptor: file)
        #expect(try again.read { view in (0..<count).allSatisfy { view[array, $0] == model[$0] } })
        #expect(again.check().isSound)
    }

    @Test(arguments: CommitKind.allCases) func aTransactionMayChangeTheWholeHeapManyTimes(_ kind: CommitKind) throws {
        let pool = try makePool(kind, heapBytes: 128 << 10)
        let count = 14_000
        let array = try pool.transaction { tx throws(PersistenceError) in
            try tx.allocateArray(of: Int.self, count: count)
        }
        // Backwards, so that no two words of the log follow each other.
        try pool.transaction { tx in
            for round in 1...40 { for index in (0..<count).reversed() { tx[array, index] = round * index } }
        }
        let again = try Pool.open(descriptor: file)
        #expect(try again.read { view in (0..<count).allSatisfy { view[array, $0] == 40 * $0 } })
        // And takes it back as well.
        #expect(throws: TransactionError<Refusal>.self) {
            try again.transaction { tx throws(Refusal) in
                for round in 1...40 { for index in 0..<count { tx[array, index] = -round } }
                throw Refusal(reason: "all of it")
            }
        }
        #expect(try again.read { view in (0..<count).allSatisfy { view[array, $0] == 40 * $0 } })
    }

    @Test(arguments: CommitKind.allCases) func extentsHoldBulkDataUnderAName(_ kind: CommitKind) throws {
        let pool = try makePool(kind, extentBytes: 3 << 20)
        let bytes = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try pool.transaction { tx throws(PersistenceError) in
            let extent = try tx.allocateExtent(byteCount: 1 << 20)
            bytes.withUnsafeBytes { extent.copy($0, to: 0) }
            try extent.persist()
            try tx.setRoot("bulk", extent)
        }
        let again = try Pool.open(descriptor: file)
        let found = try again.read { view throws(PersistenceError) in try view.extentRoot("bulk") }
        let extent = try #require(found)
        #expect(extent.byteCount == 1 << 20 && extent.read(0..<1 << 20) == bytes)
        try again.transaction { tx in
            tx.removeRoot("bulk")
            tx.free(extent)
        }
        #expect(again.check().isSound)
        let full = #expect(throws: TransactionError<PersistenceError>.self) {
            try again.transaction { tx throws(PersistenceError) in _ = try tx.allocateExtent(byteCount: 4 << 20) }
        }
        guard case .cancelled(let error)? = full else { return #expect(Bool(false)) }
        #expect(error.code == .noSpace)
    }

    @Test func aRootOfAnotherTypeIsRefused() throws {
        let pool = try makePool(.redoLog)
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("count", try tx.allocate(1))
            try tx.setRoot("row", try tx.allocateArray(of: Int32.self, count: 3))
        }
        try pool.read { view throws(PersistenceError) in
            let none = try view.root("none", as: Int.self)
            #expect(none == nil)
            for attempt in 0..<3 {
                do throws(PersistenceError) {
                    switch attempt {
                    case 0: _ = try view.root("count", as: Int16.self)
                    case 1: _ = try view.arrayRoot("row", of: Int64.self)
                    default: _ = try view.extentRoot("row")
                    }
                    Issue.record("another type was accepted: \(attempt)")
                } catch { #expect(error.code == .otherType) }
            }
            let row = try view.arrayRoot("row", of: Int32.self)
            #expect(row?.count == 3)
        }
    }

    @Test func misuseTraps() async {
        await #expect(processExitsWith: .failure, "a store outside an array") {
            let pool = try Pool.create(descriptor: ScratchFile.unnamed(), byteCount: 1 << 21)
            try pool.transaction { tx throws(PersistenceError) in
                let array = try tx.allocateArray(of: Int.self, count: 4)
                tx[array, 4] = 1
            }
        }
        await #expect(processExitsWith: .failure, "a reference to nothing") {
            let pool = try Pool.create(descriptor: ScratchFile.unnamed(), byteCount: 1 << 21)
            try pool.transaction { tx in tx[PersistentRef<Int>.null] = 1 }
        }
        await #expect(processExitsWith: .failure, "a reference that nobody handed out") {
            let pool = try Pool.create(descriptor: ScratchFile.unnamed(), byteCount: 1 << 21)
            try pool.transaction { tx in tx[PersistentRef<Int>(offset: 1 << 40)] = 1 }
        }
        await #expect(processExitsWith: .failure, "a read inside a transaction") {
            let pool = try Pool.create(descriptor: ScratchFile.unnamed(), byteCount: 1 << 21)
            try pool.transaction { _ in try? pool.read { _ in } }
        }
        await #expect(processExitsWith: .failure, "a transaction on a pool that is only read") {
            let file = ScratchFile.unnamed()
            _ = try Pool.create(descriptor: file, byteCount: 1 << 21)
            try Pool.open(descriptor: file, access: .readOnly).transaction { _ in }
        }
    }
}
