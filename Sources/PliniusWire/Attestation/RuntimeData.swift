/// What an enclave says of itself to whoever judges its evidence: the evidence binds the SHA-512 of these bytes, and with them the key
/// that secrets are sealed to.
///
/// The encoding is deterministic, and every byte counts: a verifier hashes what it received, not what it parsed.
public struct RuntimeData: Hashable, Sendable, WireField {
    /// The version of this layout.
    public static let currentVersion: UInt32 = 2
    /// The length of a verifier's nonce, in bytes.
    public static let nonceByteCount = 32

    /// What the secrets are for; a grant for one purpose is none for another.
    public enum Purpose: UInt8, Hashable, Sendable, CaseIterable {
        case train = 1
        case test, infer, export
    }

    /// How secrets are sealed to ``publicKey`` (RFC 9180), base mode.
    public enum Suite: UInt8, Hashable, Sendable, CaseIterable {
        /// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; a key of 32 bytes.
        case x25519 = 1
        /// DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; a key of 65 bytes, uncompressed.
        case p256
    }

    public var version = currentVersion
    /// The verifier's, 32 bytes.
    public var nonce: [UInt8] = []
    public var purpose = Purpose.train
    public var suite = Suite.x25519
    /// The enclave's, made for this one exchange.
    public var publicKey: [UInt8] = []
    /// SHA-256 of the network's canonical bytes, 32 bytes.
    public var configDigest: [UInt8] = []
    /// The identifiers of the data sets in their order, 16 bytes each, at most 16.
    public var datasetIDs: [[UInt8]] = []
    /// What the pool calls the run.
    public var runName = ""
    /// The identifier of the run, 16 bytes; empty if it is about to begin.
    public var runID: [UInt8] = []
    /// The state of the run that the host gave to the enclave, as far as the enclave can tell without a key; `nil` if the run is about to
    /// begin.
    public var state: MirrorState?
    /// The lease that is to be renewed, 16 bytes; empty for the first grant.
    public var leaseID: [UInt8] = []

    public init() {}

    /// Decodes what an enclave sent, to its last byte.
    /// - Throws: `WireError` with `malformed` or `oversized`.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        self = try FieldReader.read(from: bytes)
        guard version == Self.currentVersion else {
            throw WireError(
                .malformed, "the runtime data has version \(version), this build knows \(Self.currentVersion)")
        }
    }

    /// Whether the run is about to begin.
    public var isNewRun: Bool { runID.isEmpty }

    /// The bytes that evidence binds.
    public var encoded: [UInt8] { FieldWriter.payload(of: self) }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&version)
        try visit.bytes(&nonce, atMost: Self.nonceByteCount)
        try visit.choice(&purpose)
        try visit.choice(&suite)
        try visit.bytes(&publicKey, atMost: 65)
        try visit.bytes(&configDigest, atMost: 32)
        // An element of a list that names no limit has 16 bytes at most.
        try visit(&datasetIDs)
        try visit(&runName)
        try visit.bytes(&runID, atMost: 16)
        try visit(&state)
        try visit.bytes(&leaseID, atMost: 16)
    }
}
