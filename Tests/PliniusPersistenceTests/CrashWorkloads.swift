import PliniusPersistence
import _PliniusTestSupport

/// What a workload found in a pool that its transactions never leave.
struct BrokenInvariant: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

private func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw BrokenInvariant(what()) }
}

/// Why a transaction of a workload is taken back.
private struct ChangedMind: Error {}

/// Thirty counters on four lines and a half, all equal.
struct Counters: CrashWorkload {
    private static let count = 30

    func setUp(_ pool: borrowing Pool) throws {
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("counters", try tx.allocateArray(of: UInt64.self, count: Self.count))
        }
    }

    func run(_ number: Int, on pool: borrowing Pool, _ tick: () -> Void) throws {
        try pool.transaction { tx throws(PersistenceError) in
            guard let counters = try tx.arrayRoot("counters", of: UInt64.self) else { return }
            for index in 0..<Self.count {
                tx[counters, index] += 1
                if index % 10 == 0 { tick() }
            }
        }
    }

    func state(of view: borrowing Snapshot) throws -> Int {
        guard let counters = try view.arrayRoot("counters", of: UInt64.self) else { throw BrokenInvariant("no root") }
        for index in 1..<Self.count {
            try require(view[counters, index] == view[counters, 0], "counter \(index) differs from counter 0")
        }
        return Int(view[counters, 0])
    }
}

/// A stack of nodes, with their number and their sum.
struct LinkedList: CrashWorkload {
    struct Node: PersistentValue {
        var value: Int
        var next: PersistentRef<Node>
    }
    struct Head: PersistentValue {
        var first: PersistentRef<Node>
        var count = 0
        var sum = 0
        var state = 0
    }

    func setUp(_ pool: borrowing Pool) throws {
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("list", try tx.allocate(Head(first: .null)))
        }
    }

    func run(_ number: Int, on pool: borrowing Pool, _ tick: () -> Void) throws {
        try pool.transaction { tx throws(PersistenceError) in
            guard let list = try tx.root("list", as: Head.self) else { return }
            var head = tx[list]
            head.state += 1
            if number % 3 == 2 {
                let node = tx[head.first]
                tx.free(head.first)
                tick()
                (head.first, head.count, head.sum) = (node.next, head.count - 1, head.sum - node.value)
            } else {
                let value = 1000 + number
                head.first = try tx.allocate(Node(value: value, next: head.first))
                tick()
                (head.count, head.sum) = (head.count + 1, head.sum + value)
            }
            tx[list] = head
        }
    }

    func state(of view: borrowing Snapshot) throws -> Int {
        guard let list = try view.root("list", as: Head.self) else { throw BrokenInvariant("no root") }
        let head = view[list]
        var (count, sum, place) = (0, 0, head.first)
        while !place.isNull, count <= head.count {
            let node = view[place]
            (count, sum, place) = (count + 1, sum + node.value, node.next)
        }
        try require(count == head.count && sum == head.sum, "the list says \(head) and has \(count) nodes, sum \(sum)")
        return head.state
    }
}

/// A hash map with chains; its transactions insert, change and remove several keys, after one that was taken back.
struct HashMap: CrashWorkload {
    struct Entry: PersistentValue {
        var key: UInt64
        var value: UInt64
        var next: PersistentRef<Entry>
    }
    private static let buckets = 12

    /// What transaction `number` does: a key with its new value, or without one.
    private static func changes(_ number: Int) -> [(key: UInt64, value: UInt64?)] {
        var random = SeededRandom(seed: UInt64(number))
        return (0..<3).map { _ in
            (.random(in: 0..<40, using: &random), UInt8.random(in: 0..<3, using: &random) == 0 ? nil : random.next())
        }
    }

    func setUp(_ pool: borrowing Pool) throws {
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("map", try tx.allocateArray(of: PersistentRef<Entry>.self, count: Self.buckets))
            try tx.setRoot("state", try tx.allocate(0))
        }
    }

    func run(_ number: Int, on pool: borrowing Pool, _ tick: () -> Void) throws {
        do {
            try pool.transaction { tx in
                try Self.apply(Self.changes(number + 100), &tx) {}
                tick()
                throw ChangedMind()
            }
        } catch .cancelled(_ as ChangedMind) {}
        try pool.transaction { tx throws(PersistenceError) in
            try Self.apply(Self.changes(number), &tx, tick)
            guard let state = try tx.root("state", as: Int.self) else { return }
            tx[state] += 1
        }
    }

    private static func apply(
        _ changes: [(key: UInt64, value: UInt64?)], _ tx: inout Transaction, _ tick: () -> Void
    ) throws(PersistenceError) {
        guard let map = try tx.arrayRoot("map", of: PersistentRef<Entry>.self) else { return }
        for (key, value) in changes {
            let bucket = Int(key) % buckets
            var previous = PersistentRef<Entry>.null
            var place = tx[map, bucket]
            while !place.isNull, tx[place].key != key { (previous, place) = (place, tx[place].next) }
            switch (place.isNull, value) {
            case (true, let value?):
                tx[map, bucket] = try tx.allocate(Entry(key: key, value: value, next: tx[map, bucket]))
            case (false, let value?):
                tx[place].value = value
            case (false, nil):
                let next = tx[place].next
                if previous.isNull { tx[map, bucket] = next } else { tx[previous].next = next }
                tx.free(place)
            case (true, nil): break
            }
            tick()
        }
    }

    func state(of view: borrowing Snapshot) throws -> Int {
        guard let map = try view.arrayRoot("map", of: PersistentRef<Entry>.self),
            let counter = try view.root("state", as: Int.self)
        else { throw BrokenInvariant("no root") }
        let state = view[counter]
        var expected: [UInt64: UInt64] = [:]
        for number in 0..<state {
            for (key, value) in Self.changes(number) { expected[key] = value }
        }
        var found: [UInt64: UInt64] = [:]
        for bucket in 0..<Self.buckets {
            var place = view[map, bucket]
            while !place.isNull, found.count <= 40 {
                found[view[place].key] = view[place].value
                place = view[place].next
            }
        }
        try require(found == expected, "the map of state \(state) holds \(found.count) keys, or others")
        return state
    }
}

/// Objects of all sizes that come and go, roots that move, and an extent that is replaced by a new one.
struct Churn: CrashWorkload {
    let extentBytes = 3 * 4096
    let heapBytes = 10 * 4096

    private static let sizes = [16, 40, 200, 900, 4096]
    private static let places = 6

    func setUp(_ pool: borrowing Pool) throws {
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("objects", try tx.allocateArray(of: PersistentBuffer.self, count: Self.places))
            try tx.setRoot("state", try tx.allocate(0))
            try Self.replaceExtent(&tx, state: 0)
        }
    }

    func run(_ number: Int, on pool: borrowing Pool, _ tick: () -> Void) throws {
        do {
            // Taken back: what it frees is not free, what it allocates is.
            try pool.transaction { tx in
                guard let old = try tx.extentRoot("bulk") else { return }
                tx.removeRoot("bulk")
                tx.free(old)
                try Self.replaceObjects(&tx, number, tick)
                throw ChangedMind()
            }
        } catch .cancelled(_ as ChangedMind) {}
        try pool.transaction { tx throws(PersistenceError) in
            try Self.replaceObjects(&tx, number, tick)
            guard let state = try tx.root("state", as: Int.self) else { return }
            tx[state] = number + 1
            tx.removeRoot("name \(number)")
            try tx.setRoot("name \(number + 1)", state)
            tick()
            try Self.replaceExtent(&tx, state: number + 1)
        }
    }

    private static func replaceObjects(_ tx: inout Transaction, _ number: Int, _ tick: () -> Void)
        throws(PersistenceError)
    {
        guard let objects = try tx.arrayRoot("objects", of: PersistentBuffer.self) else { return }
        for step in 0..<2 {
            let place = (2 * number + step) % places
            let old = tx[objects, place]
            if old.byteCount > 0 { tx.free(old) }
            let new = try tx.allocateBuffer(byteCount: sizes[(number + 3 * step) % sizes.count])
            let pattern = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 16)
            pattern.withUnsafeBytes { tx.write($0, to: new, at: new.byteCount - 16) }
            tx[objects, place] = new
            tick()
        }
    }

    /// Fills a new extent, makes its bytes durable, and lets go of the old one.
    private static func replaceExtent(_ tx: inout Transaction, state: Int) throws(PersistenceError) {
        let old = try tx.extentRoot("bulk")
        if let old {
            tx.removeRoot("bulk")
            tx.free(old)
        }
        let new = try tx.allocateExtent(byteCount: 4096)
        let words = [UInt64](repeating: UInt64(state), count: 8)
        words.withUnsafeBytes { new.copy($0, to: 0) }
        words.withUnsafeBytes { new.copy($0, to: 4096 - 64) }
        try new.persist()
        try tx.setRoot("bulk", new)
    }

    func state(of view: borrowing Snapshot) throws -> Int {
        guard let counter = try view.root("state", as: Int.self), let extent = try view.extentRoot("bulk"),
            let objects = try view.arrayRoot("objects", of: PersistentBuffer.self)
        else { throw BrokenInvariant("no root") }
        let state = view[counter]
        for offset in [0, 32, 4096 - 64, 4096 - 8] {
            let word = extent.load(at: offset)
            try require(word == UInt64(state), "the extent of state \(state) holds \(word) at \(offset)")
        }
        let names = view.roots.map(\.name)
        try require(
            names == (["bulk", "objects", "state"] + (state > 0 ? ["name \(state)"] : [])).sorted(), "roots \(names)")
        for place in 0..<Self.places where view[objects, place].byteCount > 0 {
            let object = view[objects, place]
            var pattern = [UInt8](repeating: 0, count: 16)
            pattern.withUnsafeMutableBytes { view.read(object, at: object.byteCount - 16, into: $0) }
            try require(Set(pattern).count == 1, "object \(place) of state \(state) is torn")
        }
        return state
    }
}

/// Transactions so large that the third one finds no room in the log: a checkpoint comes between its stores and its record.
struct Bulk: CrashWorkload {
    let heapBytes = 5 * 4096
    private static let count = 1024

    func setUp(_ pool: borrowing Pool) throws {
        try pool.transaction { tx throws(PersistenceError) in
            try tx.setRoot("words", try tx.allocateArray(of: UInt64.self, count: Self.count))
        }
    }

    func run(_ number: Int, on pool: borrowing Pool, _ tick: () -> Void) throws {
        try pool.transaction { tx throws(PersistenceError) in
            guard let words = try tx.arrayRoot("words", of: UInt64.self) else { return }
            for index in 0..<Self.count { tx[words, index] = UInt64(number + 1) }
        }
    }

    func state(of view: borrowing Snapshot) throws -> Int {
        guard let words = try view.arrayRoot("words", of: UInt64.self) else { throw BrokenInvariant("no root") }
        for index in 1..<Self.count {
            try require(view[words, index] == view[words, 0], "word \(index) differs from word 0")
        }
        return Int(view[words, 0])
    }
}
