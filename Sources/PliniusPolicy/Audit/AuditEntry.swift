internal import Crypto
public import PliniusVerifier

/// One thing that the service did or refused, as its log keeps it for ever.
///
/// Entries are chained: each has the hash of the one before it, and the Merkle tree over all of them has a root that the service signs.
public struct AuditEntry: Hashable, Sendable {
    /// Its place in the log, from 0.
    public let index: Int
    public let time: Instant
    public let kind: Kind
    /// What was done something with: an asset, a policy, a run, a statement's hash.
    public let subject: String
    /// Who had it done: keys, an enclave's measurement, an address, the service itself.
    public let actor: String
    /// What else there is to say: an object.
    public let detail: CanonicalJSON
    /// The hash of the entry before, 32 bytes; zeros in the first.
    public let previous: [UInt8]

    /// What happened; a name that a later version of the service may add to.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The log's first entry.
        public static let begun = Kind(rawValue: "begun")
        /// A statement came in, or a signature under one.
        public static let statement = Kind(rawValue: "statement")
        /// A statement counts from now on.
        public static let activation = Kind(rawValue: "activation")
        /// A statement is turned down for good: by a veto, or because another took its place.
        public static let rejection = Kind(rawValue: "rejection")
        public static let stop = Kind(rawValue: "stop")
        public static let resume = Kind(rawValue: "resume")
        public static let withdrawal = Kind(rawValue: "withdrawal")
        /// Keys were granted, with a lease.
        public static let release = Kind(rawValue: "release")
        public static let renewal = Kind(rawValue: "renewal")
        /// A lease ended before its time.
        public static let revocation = Kind(rawValue: "revocation")
        /// A newer lease of the same run took over.
        public static let supersession = Kind(rawValue: "supersession")
        public static let expiry = Kind(rawValue: "expiry")
        /// Keys, or a renewal, were asked for and not given.
        public static let refusal = Kind(rawValue: "refusal")
        /// A run's mirror moved on.
        public static let state = Kind(rawValue: "state")
        /// An enclave confirmed that it opened its grant.
        public static let receipt = Kind(rawValue: "receipt")
        /// A secret key was kept, replaced or made.
        public static let key = Kind(rawValue: "key")
        /// The wrapping key was replaced.
        public static let rotation = Kind(rawValue: "rotation")
        public static let collateral = Kind(rawValue: "collateral")
        /// The root key was sealed for a standby, or is not any more.
        public static let standby = Kind(rawValue: "standby")
        /// The service goes on from a copy of its store.
        public static let restoration = Kind(rawValue: "restoration")
    }

    /// The hash before the first entry.
    public static let origin = [UInt8](repeating: 0, count: MerkleTree.hashByteCount)

    public init(
        index: Int, time: Instant, kind: Kind, subject: String, actor: String, detail: [String: CanonicalJSON],
        previous: [UInt8]
    ) {
        self.index = index
        self.time = time
        self.kind = kind
        self.subject = subject
        self.actor = actor
        self.detail = .object(detail)
        self.previous = previous
    }

    public var json: CanonicalJSON {
        [
            "index": .integer(Int64(index)), "time": .integer(time.seconds), "kind": .string(kind.rawValue),
            "subject": .string(subject), "actor": .string(actor), "detail": detail,
            "previous": .string(hexadecimal(previous)),
        ]
    }

    /// Reads an entry.
    /// - Throws: `FormatError` for anything that ``json`` would not write.
    public init(_ json: CanonicalJSON) throws(FormatError) {
        var reader = try ObjectReader(json, check: "audit.entry")
        index = Int(try reader.integer("index", 0...Int64(Int32.max)))
        time = Instant(seconds: try reader.integer("time", 0...Int64.max))
        kind = Kind(rawValue: try reader.text("kind", atMost: 64))
        subject = try reader.text("subject")
        actor = try reader.text("actor")
        detail = try reader.take("detail", "an object") { $0.members == nil ? nil : $0 }
        previous = try reader.bytes("previous", count: MerkleTree.hashByteCount)
        try reader.finish()
    }

    /// The bytes that are hashed.
    public var canonical: [UInt8] { json.encoded }

    /// What the next entry names, 32 bytes.
    public var hash: [UInt8] { Self.hash(of: canonical) }

    /// SHA-256 of an entry's canonical bytes.
    public static func hash(of canonical: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: canonical)) }
}
