import PliniusPersistence

/// What the storm keeps in a pool, and by which names.
enum Ledger {
    static let threads = 64
    static let accounts = 256
    static let deposit = 1000
    static let slotsPerThread = 8
    static let longestList = 400

    static let heapBytes = 256 << 10
    static let extentBytes = 256 << 10

    /// The number of transactions that each thread has committed, in an array.
    static let countersRoot = "counters"
    /// Balances, whose sum never changes, in an array.
    static let accountsRoot = "accounts"
    /// The head of a list.
    static let listRoot = "list"
    /// Buffers that come and go, ``slotsPerThread`` of each thread, in an array.
    static let slotsRoot = "slots"
    /// A node of each thread, by a name that comes and goes.
    static func nodeRoot(_ thread: Int) -> String { "node of thread \(thread)" }
    /// An extent of each thread.
    static func extentRoot(_ thread: Int) -> String { "extent of thread \(thread)" }
}

/// The head of the list, with what a walk over it must give.
struct List: PersistentValue {
    var first = PersistentRef<Node>.null
    var count = 0
    var sum: UInt64 = 0
}

struct Node: PersistentValue {
    var next: PersistentRef<Node>
    let value: UInt64
    let check: UInt64

    init(_ value: UInt64, next: PersistentRef<Node> = .null) {
        self.next = next
        self.value = value
        check = mix(value)
    }

    var isWhole: Bool { check == mix(value) }
}

/// Spreads the bits of a word (the finaliser of SplitMix64).
func mix(_ word: UInt64) -> UInt64 {
    var word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
}

/// The bytes that belong into `byteCount` bytes at a place: another place or another size has others.
func pattern(place: Int, byteCount: Int) -> [UInt8] {
    let seed = mix(UInt64(place) << 20 ^ UInt64(byteCount))
    return (0..<byteCount).map {
        UInt8(truncatingIfNeeded: seed >> UInt64($0 % 8 * 8)) &+ UInt8(truncatingIfNeeded: $0)
    }
}

/// Random numbers, another row in each thread of each process.
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mix(state)
    }
}
