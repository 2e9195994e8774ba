/// What granted keys are, and what they may be used for.
public struct GrantTerms: Hashable, Sendable, WireField {
    /// The version of this layout; terms that name no executor are written as ``plainVersion``.
    public static let currentVersion: UInt32 = 3
    /// The version of a layout that ends with the keys.
    public static let plainVersion: UInt32 = 2
    /// The bytes before the terms in a grant's plaintext, which tell their length.
    public static let lengthByteCount = 4

    /// One of the keys, without its bytes.
    public struct Key: Hashable, Sendable, WireField {
        public static let maximumListCount = 32

        public enum Role: UInt8, Hashable, Sendable, CaseIterable {
            /// Of the run's mirror and what comes out of it; of every data set as well that has no key of its own.
            case model = 1
            /// Of the one data set that the identity names.
            case dataset
            /// Of what the model predicts; the model's own where there is none.
            case predictions
        }

        public var role = Role.model
        /// The identifier of the data set, 16 bytes; zeros for anything else.
        public var identity = [UInt8](repeating: 0, count: 16)

        /// The model's.
        public init() {}

        /// Of what the model predicts.
        public static var predictions: Key {
            var key = Key()
            key.role = .predictions
            return key
        }

        public init(dataset identity: [UInt8]) {
            role = .dataset
            self.identity = identity
        }

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit.choice(&role)
            try visit.bytes(&identity, atMost: 16)
        }
    }

    /// How long the keys may be used until new evidence is asked for; whichever bound comes first.
    public struct Lease: Hashable, Sendable, WireField {
        /// 16 bytes.
        public var id: [UInt8] = []
        public var seconds: UInt32 = 0
        /// Updates from the one that the grant finds the run at; mini-batches of a prediction.
        public var iterations: UInt64 = 0

        init() {}

        public init(id: [UInt8], seconds: UInt32, iterations: UInt64) {
            self.id = id
            self.seconds = seconds
            self.iterations = iterations
        }

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit.bytes(&id, atMost: 16)
            try visit(&self, \.seconds, \.iterations)
        }
    }

    /// How the model's key may be kept, so that a restart needs no owner.
    public struct Restart: Hashable, Sendable, WireField {
        /// Registers of the TPM's SHA-256 bank, 0 to 23, that have to stay or to be approved; they count where a TPM seals.
        public var registers: Set<UInt8> = []
        /// The P-256 key, x and y, that approves other values of the registers; empty if nobody does.
        public var approvalKey: [UInt8] = []
        /// Whether what protects nothing may keep it.
        public var allowsSimulation = false

        init() {}

        public init(registers: Set<UInt8>, approvalKey: [UInt8] = [], allowsSimulation: Bool = false) {
            self.registers = registers
            self.approvalKey = approvalKey
            self.allowsSimulation = allowsSimulation
        }

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit(flags: &registers, of: Array(0..<24))
            try visit.bytes(&approvalKey, atMost: 64)
            try visit(&allowsSimulation)
        }
    }

    /// What computes, by the number that a pool stores.
    public enum Executor: UInt8, Hashable, Sendable, CaseIterable {
        case oneDNN = 1
        case reference
    }

    public var purposes: Set<RuntimeData.Purpose> = []
    /// `nil` if no key may be kept.
    public var restart: Restart?
    /// `nil` for keys that are granted for good.
    public var lease: Lease?
    /// What the mirror has reached: an older one, or another at the same count, is refused.
    ///
    /// `nil` if nobody keeps it.
    public var floor: MirrorState?
    /// In the order in which their bytes follow; each once.
    public var keys: [Key] = []
    /// What alone may compute with the keys; `nil` for any.
    public var executor: Executor?

    init() {}

    public init(
        purposes: Set<RuntimeData.Purpose>, keys: [Key], restart: Restart? = nil, lease: Lease? = nil,
        floor: MirrorState? = nil, executor: Executor? = nil
    ) {
        self.purposes = purposes
        self.restart = restart
        self.keys = keys
        self.lease = lease
        self.floor = floor
        self.executor = executor
    }

    /// Decodes the terms of a grant, to their last byte.
    ///
    /// Terms that this build does not know might be restrictions, so they are refused and not passed over.
    /// - Throws: `WireError` with `malformed` or `oversized`.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try FieldReader.read(from: bytes)
        // A version, a bit or an order of this build's alone is written as it was read.
        guard encoded == bytes, Set(keys).count == keys.count, keys.allSatisfy({ $0.identity.count == 16 }),
            restart.map({ [0, 64].contains($0.approvalKey.count) }) ?? true, lease.map({ $0.id.count == 16 }) ?? true,
            floor.map({ $0.tag.count == MirrorState.tagByteCount }) ?? true
        else { throw WireError(.malformed, "the grant has terms that this build does not know") }
    }

    public var encoded: [UInt8] { FieldWriter.payload(of: self) }

    /// The length of a plaintext with these terms; the keys are its last bytes.
    public var contentByteCount: Int { Self.lengthByteCount + encoded.count + (keys.count + 1) * KeyGrant.keyByteCount }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        var version = executor == nil ? Self.plainVersion : Self.currentVersion
        try visit(&version)
        try visit(flags: &purposes, of: RuntimeData.Purpose.allCases)
        try visit(&self, \.restart, \.lease, \.floor, \.keys)
        guard version != Self.plainVersion else { return }
        var named = executor ?? .reference
        try visit.choice(&named)
        executor = named
    }
}

extension FieldVisitor {
    /// Passes over a set, each of `all` a bit of an integer; other bits are lost.
    fileprivate mutating func callAsFunction<Flag>(flags set: inout Set<Flag>, of all: [Flag]) throws(Failure) {
        var bits = all.indices.reduce(UInt32(0)) { $0 | (set.contains(all[$1]) ? 1 << UInt32($1) : 0) }
        try integer(&bits)
        set = Set(all.indices.filter { bits >> UInt32($0) & 1 == 1 }.map { all[$0] })
    }
}

/// Which of its states a run's mirror is in, as far as whoever keeps count of them is concerned.
public struct MirrorState: Hashable, Sendable, WireField {
    public static let tagByteCount = 32

    /// Commits that the run had seen before this one.
    public var counter: UInt64 = 0
    /// The MAC of the header of the slot that holds it, which tells states of the same count apart; 32 bytes.
    public var tag: [UInt8] = []

    init() {}

    public init(counter: UInt64, tag: [UInt8]) {
        self.counter = counter
        self.tag = tag
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&counter)
        try visit.bytes(&tag, atMost: Self.tagByteCount)
    }
}
