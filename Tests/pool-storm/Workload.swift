import Glibc
import PliniusPersistence
import _PliniusSupport

/// A pool that threads share.
final class Shared: Sendable {
    let pool: Pool
    init(_ pool: consuming Pool) { self.pool = pool }
}

/// A transaction that its closure gave up.
struct GivenUp: Error {}

/// What one thread does until the process is killed.
struct Workload {
    let shared: Shared
    let thread: Int
    var random: Random

    /// Fills an empty pool with everything that the threads then change.
    static func prepare(_ pool: borrowing Pool) throws {
        try pool.transaction { (tx: inout Transaction) throws in
            let accounts = try tx.allocateArray(of: Int.self, count: Ledger.accounts)
            for index in 0..<accounts.count { tx[accounts, index] = Ledger.deposit }
            try tx.setRoot(Ledger.accountsRoot, accounts)
            try tx.setRoot(Ledger.countersRoot, try tx.allocateArray(of: UInt64.self, count: Ledger.threads))
            try tx.setRoot(Ledger.listRoot, try tx.allocate(List()))
            let slots = Ledger.threads * Ledger.slotsPerThread
            try tx.setRoot(Ledger.slotsRoot, try tx.allocateArray(of: PersistentBuffer.self, count: slots))
        }
    }

    /// Does transactions, and says of each, once it is durable, which it was.
    mutating func run(transactions: UInt64) throws {
        for _ in 0..<transactions {
            guard let number = try transaction() else { continue }
            say("\(thread) \(number)\n")
        }
    }

    /// One transaction of a random kind; its number, or `nil` if it was given up.
    private mutating func transaction() throws -> UInt64? {
        var random = random
        defer { self.random = random }
        let thread = thread
        do throws(TransactionError<any Error>) {
            return try shared.pool.transaction { (tx: inout Transaction) throws in
                guard let counters = try tx.arrayRoot(Ledger.countersRoot, of: UInt64.self) else { throw GivenUp() }
                tx[counters, thread] += 1
                switch Int.random(in: 0..<12, using: &random) {
                case 0..<4: try transfer(&tx, &random)
                case 4..<7: try changeList(&tx, &random)
                case 7..<10: try changeSlot(&tx, thread, &random)
                case 10: try changeNamedNode(&tx, thread, &random)
                default: try changeExtent(&tx, thread, &random)
                }
                // What was done is taken back now and then.
                if Int.random(in: 0..<16, using: &random) == 0 { throw GivenUp() }
                return tx[counters, thread]
            }
        } catch {
            switch error {
            case .cancelled(is GivenUp): return nil
            case .cancelled(let error as PersistenceError) where error.code == .noSpace: return nil
            default: throw error
            }
        }
    }
}

private func transfer(_ tx: inout Transaction, _ random: inout Random) throws {
    guard let accounts = try tx.arrayRoot(Ledger.accountsRoot, of: Int.self) else { throw GivenUp() }
    for _ in 0..<Int.random(in: 1...20, using: &random) {
        let (from, to) = (
            Int.random(in: 0..<accounts.count, using: &random), Int.random(in: 0..<accounts.count, using: &random)
        )
        let amount = Int.random(in: 0...100, using: &random)
        tx[accounts, from] -= amount
        tx[accounts, to] += amount
    }
}

private func changeList(_ tx: inout Transaction, _ random: inout Random) throws {
    guard let root = try tx.root(Ledger.listRoot, as: List.self) else { throw GivenUp() }
    var list = tx[root]
    for _ in 0..<Int.random(in: 1...4, using: &random) {
        if list.first.isNull || Bool.random(using: &random) && list.count < Ledger.longestList {
            let value = random.next()
            list = List(
                first: try tx.allocate(Node(value, next: list.first)), count: list.count + 1, sum: list.sum &+ value)
        } else {
            let node = tx[list.first]
            tx.free(list.first)
            list = List(first: node.next, count: list.count - 1, sum: list.sum &- node.value)
        }
    }
    tx[root] = list
}

private func changeSlot(_ tx: inout Transaction, _ thread: Int, _ random: inout Random) throws {
    guard let slots = try tx.arrayRoot(Ledger.slotsRoot, of: PersistentBuffer.self) else { throw GivenUp() }
    let index = thread * Ledger.slotsPerThread + Int.random(in: 0..<Ledger.slotsPerThread, using: &random)
    let old = tx[slots, index]
    if old.byteCount > 0 { tx.free(old) }
    var new = PersistentBuffer(offset: 0, byteCount: 0)
    if Int.random(in: 0..<4, using: &random) > 0 {
        // Some small, some with pages of their own.
        let largest = Int.random(in: 0..<8, using: &random) == 0 ? 9000 : 300
        new = try tx.allocateBuffer(byteCount: Int.random(in: 1...largest, using: &random))
        pattern(place: new.offset, byteCount: new.byteCount).withUnsafeBytes { tx.write($0, to: new) }
    }
    tx[slots, index] = new
}

private func changeNamedNode(_ tx: inout Transaction, _ thread: Int, _ random: inout Random) throws {
    let name = Ledger.nodeRoot(thread)
    if let old = try tx.root(name, as: Node.self) {
        tx.removeRoot(name)
        tx.free(old)
    } else {
        try tx.setRoot(name, try tx.allocate(Node(random.next())))
    }
}

private func changeExtent(_ tx: inout Transaction, _ thread: Int, _ random: inout Random) throws {
    let name = Ledger.extentRoot(thread)
    if let old = try tx.extentRoot(name) {
        tx.removeRoot(name)
        tx.free(old)
    } else {
        let extent = try tx.allocateExtent(byteCount: Int.random(in: 1...3, using: &random) << 12)
        pattern(place: extent.range.lowerBound, byteCount: 512).withUnsafeBytes {
            extent.copy($0, to: extent.byteCount - 512)
        }
        try extent.persist()
        try tx.setRoot(name, extent)
    }
}

/// Writes at once: what was said is known to whoever reads, whatever happens to this process.
func say(_ text: String, to descriptor: CInt = STDOUT_FILENO) {
    var text = text
    text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
            let count = write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno != EINTR { exit(1) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
        }
    }
}
