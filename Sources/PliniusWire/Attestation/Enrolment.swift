/// A TPM says which keys it has: what an owner needs to find out whether the quoting key lives in the TPM that its maker certified.
public struct Enrolment: Hashable, Sendable, WireField {
    /// The maker's certificate of the endorsement key, in DER; empty if the TPM has none.
    public var endorsementCertificate: [UInt8] = []
    /// The endorsement key, as a TPMT_PUBLIC.
    public var endorsementKey: [UInt8] = []
    /// The key that quotes, as a TPMT_PUBLIC.
    public var attestationKey: [UInt8] = []

    private static let certificateLimit = 16 << 10
    private static let keyLimit = 2 << 10

    init() {}

    /// Takes over what a TPM says.
    /// - Throws: `WireError.Code.oversized` if that is longer than an owner accepts.
    public init(
        endorsementCertificate: [UInt8], endorsementKey: [UInt8], attestationKey: [UInt8]
    ) throws(WireError) {
        guard endorsementCertificate.count <= Self.certificateLimit,
            max(endorsementKey.count, attestationKey.count) <= Self.keyLimit
        else {
            throw WireError(
                .oversized,
                "keys of \(endorsementKey.count) and \(attestationKey.count) bytes and a certificate of "
                    + "\(endorsementCertificate.count) cannot be sent")
        }
        self.endorsementCertificate = endorsementCertificate
        self.endorsementKey = endorsementKey
        self.attestationKey = attestationKey
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.bytes(&endorsementCertificate, atMost: Self.certificateLimit)
        try visit.bytes(&endorsementKey, atMost: Self.keyLimit)
        try visit.bytes(&attestationKey, atMost: Self.keyLimit)
    }
}

/// A secret that only the TPM with both keys of an ``Enrolment`` opens (TPM 2.0 Part 1, Credential Protection).
public struct Credential: Hashable, Sendable, WireField {
    /// The TPM2B_ID_OBJECT's content.
    public var identityObject: [UInt8] = []
    /// The TPM2B_ENCRYPTED_SECRET's content.
    public var encryptedSecret: [UInt8] = []

    init() {}

    public init(identityObject: [UInt8], encryptedSecret: [UInt8]) {
        self.identityObject = identityObject
        self.encryptedSecret = encryptedSecret
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit.bytes(&identityObject, atMost: 1 << 10)
        try visit.bytes(&encryptedSecret, atMost: 1 << 10)
    }
}

/// The answer to a challenge.
public struct Presentation: Hashable, Sendable, WireField {
    public var bundle = EvidenceBundle()
    /// HMAC-SHA-256 with the secret of the ``Credential`` over the digest of the transcript up to it, 32 bytes; empty if there was none.
    public var activation: [UInt8] = []

    init() {}

    /// Makes an answer of whatever a platform handed out.
    /// - Throws: `WireError.Code.oversized` if it is longer than an owner accepts.
    public init(bundle: EvidenceBundle, activation: [UInt8] = []) throws(WireError) {
        let lengths = bundle.evidence.flatMap { $0.parts.map(\.bytes.count) }
        // The names and numbers around the parts take a few kilobytes at most.
        guard lengths.allSatisfy({ $0 <= WireLimit.evidencePart }),
            lengths.reduce(0, +) <= EnclaveMessage.maximumFrameByteCount - (256 << 10),
            bundle.evidence.count <= Evidence.maximumListCount,
            bundle.evidence.allSatisfy({ $0.parts.count <= Evidence.Part.maximumListCount })
        else {
            throw WireError(
                .oversized,
                "the evidence has \(lengths.reduce(0, +)) bytes, at most \(WireLimit.evidencePart) in a part and "
                    + "\(EnclaveMessage.maximumFrameByteCount) in all can be sent")
        }
        self.bundle = bundle
        self.activation = activation
    }

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&bundle)
        try visit.bytes(&activation, atMost: 32)
    }
}
